"""Somebody leaves earlier than is good manners: agents' phones, callers, and a caller whose node is frozen."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from crm_adapter.ledger import EdgeEvent
from lab.scripts import GivesUp, HangUp, LeavesEarly, Pause, Talks
from tests.live.disturbed import Background, answered, send_away, talking
from tests.live.house import House
from tests.live.house_files import FULL_CITY
from tests.live.special_agents import HANGS_UP_AT_ONCE, REFUSES
from tieline import bus
from tieline.model import Business, Outcome

pytestmark = pytest.mark.live


def states(lab: House, agent: str) -> list[str]:
    """Give the states that one of Fuzhou's agents went through."""
    changes = (event for event in lab.events("fuzhou") if isinstance(event, bus.AgentChanged))
    return [change.state for change in changes if change.agent == agent]


def test_an_agent_who_hangs_up_at_once_has_answered_the_call(lab: House) -> None:
    script = lab.script("sanming", "hakka", Business.COMPLAINT, Pause(5000), HangUp())
    result = lab.call("sanming", script)
    assert result.is_scripted, result.faults
    lab.settle(calls=1)
    call = lab.one()
    assert (call.agent, call.outcome, call.rating) == (HANGS_UP_AT_ONCE, Outcome.ANSWERED, 0)
    assert call.waiting_since < call.agent_answered_at < call.hangup_at
    assert lab.ticket_calls() == [call.call_id]
    while "ready" not in (went := states(lab, HANGS_UP_AT_ONCE)):
        lab.wait_for_news()
    assert went == ["offered", "talking", "wrap_up", "ready"]


def test_phones_that_refuse_while_they_ring_are_paused_and_the_caller_goes_on_to_the_other_site(lab: House) -> None:
    script = lab.script("sanming", "hakka", Business.EXPANSION, Pause(60_000), HangUp())
    call = Background(lambda: lab.call("sanming", script))
    answered(lab, "fuzhou")
    send_away(lab, "fuzhou")
    assert call.end().is_scripted
    lab.settle(calls=1)
    events = lab.events("fuzhou")
    failed = {event.agent: event.status for event in events if isinstance(event, bus.OfferFailed)}
    # A 603 is Q.850 cause 21, for which Dial has no word of its own.
    assert failed == dict(zip(REFUSES, ("BUSY", "CHANUNAVAIL"), strict=True))
    waiting = [event.since for event in events if isinstance(event, bus.CallWaiting)]
    assert waiting == pytest.approx([waiting[0]] * 3, abs=0.001)
    assert [states(lab, agent)[-1] for agent in REFUSES] == ["not_ready", "not_ready"]
    record = lab.one()
    assert record.outcome is Outcome.ANSWERED
    assert [offer.agent for offer in lab.events("xiamen") if isinstance(offer, bus.OfferMade)] == [record.agent]
    assert lab.ticket_calls() == [record.call_id]


@pytest.mark.parametrize("acknowledges", [True, False], ids=["after the ACK", "without an ACK"])
def test_a_caller_who_leaves_at_the_answer_abandoned_the_menu(lab: House, acknowledges: bool) -> None:
    result = lab.call("ningde", Talks((HangUp(),), acknowledges=acknowledges), count=5)
    assert result.is_scripted, result.faults
    lab.settle(calls=5)
    assert {call.outcome for call in lab.records()} == {Outcome.ABANDONED_MENU}
    assert [entry.sip_code for entry in lab.edge() if entry.event is EdgeEvent.FINAL] == [200] * 5
    assert lab.ticket_calls() == []


def test_a_caller_who_leaves_during_the_spoken_refusal_was_refused(lab: House) -> None:
    holder = talking(lab, FULL_CITY, 60_000)
    result = lab.call(FULL_CITY, LeavesEarly())
    assert result.is_scripted, result.faults
    answered(lab, "xiamen")
    send_away(lab, "xiamen")
    assert holder.end().is_scripted
    lab.settle(calls=2)
    held, refused = sorted(lab.records(), key=lambda call: call.arrived_at)
    assert (held.outcome, refused.outcome, refused.refused_cause) == (Outcome.ANSWERED, Outcome.REFUSED, 34)
    assert refused.answered_at == 0
    assert lab.ticket_calls() == [held.call_id]
    finals = [entry for entry in lab.edge() if entry.event is EdgeEvent.FINAL]
    assert {entry.call_id: entry.sip_code for entry in finals} == {held.call_id: 200, refused.call_id: 487}
    assert len(finals) == 2


@contextmanager
def frozen(lab: House, node: str) -> Iterator[None]:
    """A node is there and does not answer, until its site has noticed; then all know it again."""
    lab.drill("freeze", node)
    try:
        yield
        lab.wait_for("fuzhou", lambda event: isinstance(event, bus.NodeSeen) and not event.up)
    finally:
        lab.drill("thaw", node)
    lab.wait_for("fuzhou", lambda event: isinstance(event, bus.NodeSeen) and event.up)
    while not lab.edge_knows(node):
        lab.wait_for_news()


def test_a_call_cancelled_before_the_node_said_a_word_has_its_end_in_the_edges_accounting(lab: House) -> None:
    # Thawed, the node finds the edge's stamp more than a second old: it drops the call instead of answering it.
    # Unprobed, or a slow caller finds it passed over already.
    lab.probe(on=False)
    with frozen(lab, "fuzhou-1"):
        result = lab.call("fuzhou", GivesUp(100))
        lab.probe(on=True)
        assert result.is_scripted, result.faults
    books = lab.settle()
    journey = [(entry.event, entry.site, entry.sip_code) for entry in lab.edge()]
    assert journey == [(EdgeEvent.OFFERED, "-", 0), (EdgeEvent.ROUTED, "fuzhou", 0), (EdgeEvent.FINAL, "fuzhou", 487)]
    assert lab.records() == []
    assert books.sites["fuzhou"].outcomes == {Outcome.ABANDONED_MENU: 1}


def test_a_caller_who_hangs_up_is_answered_by_a_node_that_takes_its_time(lab: House) -> None:
    call = talking(lab, "fuzhou", 4000)
    with frozen(lab, "fuzhou-1"):
        pass  # he hangs up meanwhile, long before the node is missed
    result = call.end()
    assert result.is_scripted, result.faults
    lab.settle(calls=1)
    assert lab.one().outcome is Outcome.ANSWERED

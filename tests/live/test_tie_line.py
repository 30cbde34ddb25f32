"""Two sites and the tie line between them, in a lab of its own: one call, one call id, two sites; and the cut."""

import time
import wave
from array import array
from collections.abc import Iterator
from typing import Final, TypeVar

import msgspec
import pytest

from lab.calls import RunResult
from lab.link import cut, heal
from lab.phones import PhoneGroup
from lab.plan import HOME
from lab.scripts import Answers, HangUp, NeverAnswers, Pause, Refuses
from lab.setup import make_plan
from lab.tones import AGENT_HZ, CALLER_HZ, seconds_with
from routing.keys import FIGURES, SEATS
from routing.peer_intake import PAUSE_S
from routing.seats import Seat
from tests.live import instance
from tests.live.disturbed import Background, send_away
from tests.live.house import House, running
from tests.live.listening import closed
from tests.live.raw_sip import invite
from tests.live.talk import FUZHOU, LONGEST_MS, XIAMEN, Talk
from tests.live.test_waiting import ask_all
from tests.support.own_network import own_network
from tieline import bus
from tieline.live import Live
from tieline.model import AgentId, AgentState, Business, Outcome, SiteId, new_call_id

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

MANDARIN_ONLY, SPEAKERS, BUSY, SLOW, STANDS_IN = "a1001", ("a2001", "a2005"), "a2002", "a2003", "a2004"
"""Fuzhou's only agent speaks Mandarin; Xiamen's have a dialect each (Hakka and Min Bei: somebody must)."""
STAFF: Final = (
    (MANDARIN_ONLY, FUZHOU, 'mandarin = "native"', ", ".join(f'{business} = "fluent"' for business in Business)),
    *((agent, XIAMEN, 'min_nan = "native", mandarin = "basic"', 'repair = "fluent"') for agent in SPEAKERS),
    (BUSY, XIAMEN, 'puxian = "native", mandarin = "basic"', 'repair = "fluent"'),
    (SLOW, XIAMEN, 'min_dong = "native", mandarin = "basic"', 'repair = "fluent"'),
    (STANDS_IN, XIAMEN, 'mandarin = "native", hakka = "fluent", min_bei = "fluent"', 'complaint = "basic"'),
)
PHONES: Final = {
    FUZHOU: (PhoneGroup("fuzhou", (AgentId(MANDARIN_ONLY),), Answers(ring_ms=300)),),
    XIAMEN: (
        PhoneGroup("xiamen", tuple(map(AgentId, (*SPEAKERS, STANDS_IN))), Answers(ring_ms=300)),
        PhoneGroup("busy", (AgentId(BUSY),), Refuses(ring_ms=300)),
        PhoneGroup("slow", (AgentId(SLOW),), NeverAnswers()),
    ),
}
TIE: Final = 'sites = ["fuzhou", "xiamen"]\n'
Told = TypeVar("Told", bound=bus.Event)


def _agents() -> str:
    return "".join(
        f'[[agent]]\nid = "{agent}"\nsite = "{site}"\nname = "{agent}"\n'
        f"dialects = {{ {dialects} }}\nbusiness = {{ {business} }}\n\n"
        for agent, site, dialects, business in STAFF
    )


@pytest.fixture(scope="module")
def _two_sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A tie line with one channel, in a network where it can be cut."""
    folder = tmp_path_factory.mktemp("two-sites")
    topology, agents = folder / "topology.toml", folder / "agents.toml"
    example = (HOME / "examples/fujian.toml").read_text(encoding="utf-8")
    assert f"{TIE}e1 = 2" in example
    topology.write_text(example.replace(f"{TIE}e1 = 2", f"{TIE}sip_channels = 1"), encoding="utf-8")
    agents.write_text(_agents(), encoding="utf-8")
    with own_network():
        plan = make_plan(instance.DRILL, print, topology_file=topology, agents_file=agents, phones=PHONES)
        with running(plan) as house:
            yield house


@pytest.fixture
def lab(_two_sites: House) -> Iterator[House]:
    """Both sites see each other, and everybody is ready again."""
    heal(_two_sites.client)
    _until(_two_sites, seen=True)
    ask_all(_two_sites, "ready")
    _until_ready(_two_sites)
    _two_sites.begin()
    yield _two_sites
    heal(_two_sites.client)
    _two_sites.settle()


def _until(lab: House, *, seen: bool) -> None:
    """Wait until each site sees the other one, or does so no longer."""
    while {_sees(lab, FUZHOU, XIAMEN), _sees(lab, XIAMEN, FUZHOU)} != {seen}:
        lab.wait_for_news()


def _sees(lab: House, site: SiteId, peer: SiteId) -> bool:
    raw = lab.run(lab.lives[site].call("GET", FIGURES))
    return bool(msgspec.json.decode(raw or b"{}").get(f"peer_{peer}_up"))


def _until_ready(lab: House) -> None:
    """Wait until nobody rests or pauses any more."""
    while {state for live in lab.lives.values() for state in lab.run(_states(live))} != {AgentState.READY}:
        lab.wait_for_news()


async def _states(live: Live) -> list[AgentState]:
    return [msgspec.json.decode(raw, type=Seat).state for raw in await live.call("HVALS", SEATS)]


def _told(lab: House, site: SiteId, kind: type[Told]) -> list[Told]:
    return [event for event in lab.events(site) if isinstance(event, kind)]


def _call(
    lab: House, city: str, dialect: str, business: Business = Business.REPAIR, talk_ms: int = 4000
) -> RunResult:
    result = lab.call(city, lab.script(city, dialect, business, Pause(talk_ms), HangUp()))
    assert result.is_scripted, result.faults
    return result


def test_a_caller_is_answered_at_the_other_site_by_one_who_alone_speaks_his_dialect(lab: House) -> None:
    result = lab.call("fuzhou", lab.script("fuzhou", "min_nan"), sends_tone=True)
    assert result.is_scripted, result.faults
    lab.settle(calls=1)
    call = lab.one()
    assert (call.site, call.node, call.outcome, call.dialect) == (FUZHOU, "fuzhou-1", Outcome.ANSWERED, "min_nan")
    assert call.agent in SPEAKERS
    assert call.agent_answered_at - call.waiting_since < 8, "before the first step that would take anybody else"
    assert lab.ticket_calls() == [call.call_id]
    [offer] = _told(lab, XIAMEN, bus.OfferMade)
    assert (offer.call_id, offer.agent, offer.call_site) == (call.call_id, call.agent, FUZHOU)
    assert _told(lab, FUZHOU, bus.OfferMade) == []
    for kind in (bus.CallArrived, bus.CallGone, bus.CallJournalled, bus.TicketMade):
        assert _told(lab, XIAMEN, kind) == [], "the call is Fuzhou's"


def test_the_leg_is_told_at_both_sites_and_the_agents_seat_at_his_own(lab: House) -> None:
    _call(lab, "fuzhou", "min_nan")
    lab.settle(calls=1)
    call = lab.one()
    kinds = (bus.OfferTaken, bus.AgentRinging, bus.AgentAnswered, bus.AgentLegGone)
    for site in (FUZHOU, XIAMEN):
        lab.wait_for(site, lambda event: isinstance(event, bus.AgentLegGone))
        legs = [event for event in lab.events(site) if isinstance(event, kinds)]
        assert [type(leg) for leg in legs] == list(kinds), site
        assert {(leg.call_id, leg.agent) for leg in legs} == {(call.call_id, call.agent)}
    seats = {site: [seat.state for seat in _told(lab, site, bus.AgentChanged)] for site in (FUZHOU, XIAMEN)}
    assert list(dict.fromkeys(seats[XIAMEN]))[:3] == ["offered", "talking", "wrap_up"]
    assert seats[FUZHOU] == []


def test_the_talk_is_recorded_at_the_callers_site_with_both_voices(lab: House) -> None:
    assert lab.call("fuzhou", lab.script("fuzhou", "min_nan"), sends_tone=True).is_scripted
    lab.settle(calls=1)
    with wave.open(str(closed(lab, lab.one().recording))) as recorded:
        samples = list(array("h", recorded.readframes(recorded.getnframes())))
    assert seconds_with(samples, CALLER_HZ, at_least=1000) > 1.0
    assert seconds_with(samples, AGENT_HZ, at_least=1000) > 1.0


def test_a_tie_line_with_no_channel_free_lets_the_caller_wait_on_and_blames_nobody(lab: House) -> None:
    first = Talk(lab, dialect="min_nan")
    second = Background(lambda: _call(lab, "fuzhou", "min_nan", talk_ms=25_000))
    while len(_told(lab, FUZHOU, bus.OfferFailed)) < 2:
        lab.wait_for_news()
    first.end_caller()
    second.end()
    lab.settle(calls=2)
    early, late = sorted(lab.records(), key=lambda call: call.arrived_at)
    full = [event for event in _told(lab, FUZHOU, bus.OfferFailed) if event.status == "TIEFULL"]
    assert full
    assert {event.call_id for event in full} == {late.call_id}
    assert (early.outcome, late.outcome) == (Outcome.ANSWERED, Outcome.ANSWERED)
    assert early.agent in SPEAKERS
    states = [seat.state for seat in _told(lab, XIAMEN, bus.AgentChanged)]
    assert "not_ready" not in states
    assert full[1].at - full[0].at > PAUSE_S, "a full line is left alone for some seconds"


def test_a_tie_line_with_no_channel_free_is_said_to_who_wants_to_consult_over_it(lab: House) -> None:
    held = Talk(lab, dialect="min_nan")
    [free] = set(SPEAKERS) - {held.first}
    talk = Talk(lab, dialect="mandarin", first=MANDARIN_ONLY)
    assert f"no channel of the tie line to xiamen is free for {free}" in talk.consult_in_vain(free)
    assert talk.state(MANDARIN_ONLY) == AgentState.TALKING
    held.end_caller()
    while lab.run(_state(lab.lives[XIAMEN], free)) is not AgentState.READY:
        lab.wait_for_news()
    talk.consult(free)
    talk.answered(free)
    talk.ask("--step", "complete")
    talk.left(MANDARIN_ONLY)
    talk.has_caller(free)
    talk.end_caller()
    lab.settle(calls=2)
    assert "not_ready" not in [seat.state for seat in _told(lab, XIAMEN, bus.AgentChanged)]
    last = max(lab.records(), key=lambda call: call.arrived_at)
    assert [leg.agent for leg in last.legs] == [MANDARIN_ONLY, free]


async def _state(live: Live, agent: str) -> AgentState:
    return msgspec.json.decode(await live.call("HGET", SEATS, agent), type=Seat).state


@pytest.mark.parametrize(("dialect", "agent", "status"), [("puxian", BUSY, "BUSY"), ("min_dong", SLOW, "NOANSWER")])
def test_an_agent_there_who_does_not_answer_pauses_and_the_caller_keeps_his_place(
    lab: House, dialect: str, agent: str, status: str
) -> None:
    Talk(lab, dialect=dialect, first=MANDARIN_ONLY).end()
    for site in (FUZHOU, XIAMEN):
        assert [(failed.agent, failed.status) for failed in _told(lab, site, bus.OfferFailed)] == [(agent, status)]
    first, again = _told(lab, FUZHOU, bus.CallWaiting)
    assert first.since == pytest.approx(again.since, abs=0.001)
    paused = [seat.reason for seat in _told(lab, XIAMEN, bus.AgentChanged) if seat.state == "not_ready"]
    assert set(paused) == {"no_answer"}


def test_a_caller_who_hangs_up_while_it_rings_there_costs_the_agent_nothing(lab: House) -> None:
    call = Background(lambda: _call(lab, "fuzhou", "min_dong", talk_ms=LONGEST_MS))
    lab.wait_for(XIAMEN, lambda event: isinstance(event, bus.AgentRinging))
    send_away(lab, FUZHOU)
    call.end()
    lab.settle(calls=1)
    assert lab.one().outcome is Outcome.ABANDONED_WAITING
    states = [seat.state for seat in _told(lab, XIAMEN, bus.AgentChanged)]
    assert states[0] == "offered"
    assert "not_ready" not in states


@pytest.mark.parametrize(("who", "status"), [("24.1", 401), ("10.1", 404), ("22.20", 401)])
def test_nobody_but_another_node_reaches_an_agent(lab: House, who: str, status: int) -> None:
    """Not the carrier, not what comes by the edge, not a phone of the site; whatever stamps they show."""
    node = lab.plan.topology.sites[XIAMEN].nodes[0]
    stamps = (f"X-Tieline-Call: {new_call_id(0)}", "X-Tieline-Fence: 1", f"X-Tieline-At: {int(time.time())}")
    assert invite(f"127.{lab.plan.instance}.{who}", node.sip, SPEAKERS[0], *stamps) == status
    assert not [event for event in lab.events(XIAMEN) if isinstance(event, bus.OfferTaken | bus.AgentRinging)]


def test_an_invite_that_comes_late_out_of_a_healed_link_rings_nobody(lab: House) -> None:
    here, there = (lab.plan.topology.sites[site].nodes[0].sip for site in (FUZHOU, XIAMEN))
    stamps = (f"X-Tieline-Call: {new_call_id(0)}", "X-Tieline-Fence: 1", f"X-Tieline-At: {int(time.time()) - 10}")
    assert invite(here.host, there, SPEAKERS[0], *stamps) == 500
    assert not [event for event in lab.events(XIAMEN) if isinstance(event, bus.OfferTaken | bus.AgentRinging)]


def test_complaints_of_xiamen_are_answered_in_fuzhou(lab: House) -> None:
    _call(lab, "xiamen", "mandarin", Business.COMPLAINT)
    lab.settle(calls=1)
    call = lab.one()
    assert (call.site, call.agent, call.outcome) == (XIAMEN, MANDARIN_ONLY, Outcome.ANSWERED)


def test_behind_a_cut_nobody_crosses_and_everybody_is_answered_and_it_heals(lab: House) -> None:
    cut(lab.client, lab.plan.topology.sites[FUZHOU], lab.plan.topology.sites[XIAMEN])
    _until(lab, seen=False)
    _call(lab, "fuzhou", "min_nan", talk_ms=25_000)
    _call(lab, "xiamen", "mandarin", Business.COMPLAINT)
    lab.settle(calls=2)
    calls = {call.site: call for call in lab.records()}
    assert calls[FUZHOU].agent == MANDARIN_ONLY
    assert calls[XIAMEN].agent == STANDS_IN
    tickets = lab.run(lab.store.recent_tickets())
    assert {ticket.call_id: ticket.stands_in_for for ticket in tickets if ticket.stands_in_for} == {
        calls[XIAMEN].call_id: FUZHOU
    }
    assert {offer.call_site for offer in _told(lab, XIAMEN, bus.OfferMade)} == {XIAMEN}
    heal(lab.client)
    _until(lab, seen=True)
    _call(lab, "fuzhou", "min_nan")
    lab.settle(calls=3)
    assert max(lab.records(), key=lambda call: call.arrived_at).agent in SPEAKERS

"""The picture of a site, event by event."""

import msgspec
import pytest

from console.delta import encoded
from console.picture import apply, with_tickets
from console.views import TICKETS_KEPT, TicketView, masked, of_city
from tests.unit.console.pictures import CALL, NUMBER, TALK, after, arrived, gone, ticket, waiting
from tieline import bus

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("events", "state", "since"),
    [
        (1, "menu", 1.0), (3, "menu", 1.0), (4, "waiting", 4.0), (5, "ringing", 5.0), (6, "ringing", 5.0),
        (7, "talking", 8.0), (8, "after", 20.0),
    ],
)  # fmt: skip
def test_a_call_moves_through_its_states(events: int, state: str, since: float) -> None:
    call = after(*TALK[:events]).calls[CALL]
    assert (call.state, call.state_since, call.since) == (state, since, 1.0)


def test_what_is_known_of_a_call_in_a_talk() -> None:
    call = after(*TALK[:7]).calls[CALL]
    assert (call.city, call.dialect, call.business, call.agent, call.caller) == (
        "fuzhou",
        "min_dong",
        "repair",
        "a1001",
        "…1234",
    )


def test_no_part_of_the_picture_holds_a_whole_number() -> None:
    assert NUMBER[-7:] not in encoded(after(*TALK))


@pytest.mark.parametrize(("number", "shown"), [(NUMBER, "…1234"), ("", ""), ("+12345", ""), ("1234", "")])
def test_a_number_is_masked(number: str, shown: str) -> None:
    assert masked(number) == shown


def test_an_offer_that_fails_puts_the_call_back_to_its_wait() -> None:
    picture = after(*TALK[:6], bus.OfferFailed(at=9.0, call_id=CALL, agent="a1001", fence=7, status="NOANSWER"))
    call = picture.calls[CALL]
    assert (call.state, call.agent, call.state_since) == ("waiting", "", 4.0)


def test_an_offer_withdrawn_late_does_not_end_a_talk() -> None:
    late = bus.OfferWithdrawn(at=9.0, call_id=CALL, agent="a1001", fence=7, why="lease")
    assert after(*TALK[:7], late).calls[CALL].state == "talking"


def test_the_agents_side_of_a_talk() -> None:
    picture = after(
        bus.AgentChanged(at=1.0, agent="a1001", state="ready"),
        *TALK[:7],
        bus.AgentChanged(at=8.0, agent="a1001", state="talking"),
    )
    assert (picture.agents["a1001"].state, picture.agents["a1001"].call_id) == ("talking", CALL)
    ended = apply(picture, TALK[7])
    assert (ended.agents["a1001"].call_id, ended.agents["a1001"].since) == ("", 8.0)


def test_an_agents_state_keeps_its_time_until_it_changes() -> None:
    picture = after(
        bus.AgentChanged(at=1.0, agent="a1001", state="ready"),
        bus.PhoneSeen(at=2.0, agent="a1001", node="fuzhou-1", reachable=False),
        bus.AgentChanged(at=3.0, agent="a1001", state="ready"),
    )
    assert (picture.agents["a1001"].since, picture.agents["a1001"].reachable) == (1.0, False)


@pytest.mark.parametrize(
    ("events", "outcome"),
    [(TALK[:1], "abandoned_menu"), (TALK[:4], "abandoned_waiting"), (TALK[:7], "answered"), (TALK, "answered")],
)
def test_a_call_that_is_gone_is_counted_once(events: list[bus.Event], outcome: str) -> None:
    told = bus.CallJournalled(at=31.0, call_id=CALL, node="fuzhou-1", outcome=outcome, witness="agi")
    first, second = after(*events, gone(30.0), told), after(*events, told, gone(30.0))
    assert first.calls == second.calls == {}
    assert first.counts == second.counts == {"fuzhou": {"arrived": 1, outcome: 1}}


def test_the_journal_knows_better_how_a_call_ended() -> None:
    told = bus.CallJournalled(at=31.0, call_id=CALL, node="fuzhou-1", outcome="self_served", witness="agi")
    assert after(*TALK[:3], told).counts["fuzhou"] == {"arrived": 1, "self_served": 1}


def test_a_call_that_its_node_refused_is_counted_by_cause_with_the_others() -> None:
    by_node = bus.CallRefused(at=2.0, call_id="2", node="fuzhou-1", city="fuzhou", cause=42)
    assert after(arrived(refused=34), by_node, by_node).refused == {"fuzhou": {"34": 1, "42": 2}}


def test_a_refused_call_is_shown_and_counted_as_refused() -> None:
    picture = after(arrived(refused=34))
    assert picture.calls[CALL].state == "refused"
    assert apply(picture, gone(2.0)).counts["fuzhou"] == {"arrived": 1, "refused": 1}


def test_a_call_first_heard_of_in_the_pool_is_there() -> None:
    call = after(waiting(9.0, 4.0)).calls[CALL]
    assert (call.state, call.since, call.city, call.dialect) == ("waiting", 4.0, "fuzhou", "min_dong")


def test_a_snapshot_heals_what_the_bus_missed() -> None:
    other = "0193f0aa-0000-7000-8000-000000000002"
    leg = bus.ChannelSeen(
        channel="PJSIP/edge-2",
        uniqueid="fuzhou-1-1.2",
        linkedid="fuzhou-1-1.2",
        call_id=other,
        context="hold",
        application="MusicOnHold",
        caller_leg=True,
    )
    agent_leg = msgspec.structs.replace(leg, call_id="0193f0aa-0000-7000-8000-000000000003", caller_leg=False)
    young = "0193f0aa-0000-7000-8000-000000000004"
    picture = after(
        *TALK[:4],
        arrived(99.5, call_id=young),
        bus.NodeSnapshot(at=100.0, node="fuzhou-1", channels=(leg, agent_leg)),
    )
    assert set(picture.calls) == {other, young}
    assert picture.calls[other].state == "unknown"
    assert picture.nodes["fuzhou-1"].up
    elsewhere = after(*TALK[:4], bus.NodeSnapshot(at=100.0, node="fuzhou-2", channels=()))
    assert set(elsewhere.calls) == {CALL}


def test_a_nodes_link_keeps_its_time_until_it_changes() -> None:
    events = [bus.NodeSeen(at=1.0, node="fuzhou-1", up=True), bus.NodeSeen(at=2.0, node="fuzhou-1", up=True)]
    assert after(*events).nodes["fuzhou-1"].since == 1.0
    down = after(*events, bus.NodeSeen(at=3.0, node="fuzhou-1", up=False, reason="silent"))
    assert (down.nodes["fuzhou-1"].since, down.nodes["fuzhou-1"].reason) == (3.0, "silent")


def test_the_newest_tickets_are_kept_and_none_is_twice() -> None:
    picture = after(*(ticket(which) for which in range(60)), ticket(59))
    assert [view.ticket for view in picture.tickets[:2]] == ["t59", "t58"]
    assert len(picture.tickets) == TICKETS_KEPT
    assert picture.counts["fuzhou"]["tickets"] == 60


def test_tickets_known_from_sql_join_in_without_being_counted() -> None:
    older = TicketView(ticket="t1", call_id=CALL, kind="callback", city="fuzhou", at=1.0)
    same = TicketView(ticket="t9", call_id=CALL, kind="callback", city="fuzhou", at=8.5)
    picture = with_tickets(after(ticket(9)), (same, older))
    assert [view.ticket for view in picture.tickets] == ["t9", "t1"]
    assert picture.counts["fuzhou"]["tickets"] == 1


def test_the_part_of_one_city_holds_nothing_of_another() -> None:
    other = "0193f0aa-0000-7000-8000-000000000002"
    picture = after(
        *TALK[:7], arrived(2.0, call_id=other, city="putian"), ticket(1), ticket(2, city="putian"),
        bus.NodeSeen(at=1.0, node="fuzhou-1", up=True), bus.AgentChanged(at=1.0, agent="a1001", state="ready"),
    )  # fmt: skip
    part = of_city(picture, "putian")
    assert set(part.calls) == {other}
    assert [view.ticket for view in part.tickets] == ["t2"]
    assert (part.agents, part.nodes, set(part.counts)) == ({}, {}, {"putian"})

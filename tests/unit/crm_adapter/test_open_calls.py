"""The second witness writes exactly when the first one did not."""

import msgspec
import pytest

from crm_adapter.open_calls import GRACE_S, OpenCalls
from crm_adapter.record import CallRecord
from tieline import bus
from tieline.model import Outcome, SiteId, Witness

pytestmark = pytest.mark.unit

CALL = "01a1fd4d-bb36-71fb-a054-78c1d08e8cad"


def arrived(at: float = 100.0, cause: int = 0) -> bus.CallArrived:
    return bus.CallArrived(
        at=at,
        call_id=CALL,
        node="fuzhou-1",
        channel="PJSIP/edge-1-00000001",
        uniqueid="fuzhou-1-100.1",
        city="putian",
        number_state="shown",
        number="+865940001234",
        refused_cause=cause,
    )


def gone(at: float, *, estimated: bool = False) -> bus.CallGone:
    return bus.CallGone(
        at=at,
        call_id=CALL,
        node="fuzhou-1",
        channel="PJSIP/edge-1-00000001",
        uniqueid="fuzhou-1-100.1",
        cause=16,
        estimated=estimated,
    )


def snapshot(at: float, *call_ids: str) -> bus.NodeSnapshot:
    seen = tuple(
        bus.ChannelSeen(
            channel="PJSIP/edge-1-00000001",
            uniqueid="fuzhou-1-100.1",
            linkedid="fuzhou-1-100.1",
            call_id=call_id,
            context="hold",
            application="WaitForCondition",
            caller_leg=True,
        )
        for call_id in call_ids
    )
    return bus.NodeSnapshot(at=at, node="fuzhou-1", channels=seen)


def after(*events: bus.Event) -> OpenCalls:
    calls = OpenCalls(SiteId("fuzhou"))
    for event in events:
        calls.apply(event)
    return calls


def due(calls: OpenCalls, now: float) -> list[CallRecord]:
    return list(calls.due(now))


def test_a_reported_hang_up_needs_no_second_witness() -> None:
    told = bus.CallJournalled(at=120, call_id=CALL, node="fuzhou-1", outcome="answered", witness="agi")
    assert due(after(arrived(), gone(120), told), 1000) == []
    assert due(after(arrived(), told, gone(120)), 1000) == []


def test_an_unreported_one_is_written_after_the_grace_with_all_facts() -> None:
    calls = after(
        arrived(),
        bus.MenuChosen(at=104, call_id=CALL, dialect="puxian", business="repair"),
        bus.CallWaiting(
            at=105,
            call_id=CALL,
            node="fuzhou-1",
            channel="PJSIP/edge-1-00000001",
            city="putian",
            dialect="puxian",
            business="repair",
            since=104.5,
        ),
        bus.AgentAnswered(at=110, call_id=CALL, agent="a1003"),
        bus.CallRated(at=119, call_id=CALL, rating=2),
        gone(120),
    )
    assert due(calls, 120 + GRACE_S - 0.1) == []
    assert calls.next_deadline() == 120 + GRACE_S
    [record] = due(calls, 120 + GRACE_S)
    assert record.witness is Witness.AMI
    assert record.outcome is Outcome.ANSWERED
    assert (record.city, record.dialect, record.business, record.agent) == ("putian", "puxian", "repair", "a1003")
    assert (record.arrived_at, record.waiting_since, record.agent_answered_at) == (100, 104.5, 110)
    assert (record.hangup_at, record.rating, record.number) == (120, 2, "+865940001234")
    calls.written(record)
    assert due(calls, 1000) == []


def test_a_transferred_call_has_each_agents_part_and_what_was_wanted_last() -> None:
    moved = bus.CallWaiting(
        at=130, call_id=CALL, node="fuzhou-1", channel="PJSIP/edge-1-1", city="putian", dialect="hakka",
        business="billing", since=104.5, moved_at=130,
    )  # fmt: skip
    calls = after(
        arrived(),
        bus.AgentAnswered(at=110, call_id=CALL, agent="a1003"),
        bus.AgentLegGone(at=129, call_id=CALL, agent="a1003"),
        moved,
        bus.AgentAnswered(at=140, call_id=CALL, agent="a1004"),
        bus.AgentAnswered(at=150, call_id=CALL, agent="a1005"),
        bus.AgentLegGone(at=160, call_id=CALL, agent="a1004"),
        gone(170),
    )
    [record] = due(calls, 1000)
    assert [(leg.agent, leg.business, leg.begin, leg.end) for leg in record.legs] == [
        ("a1003", "", 110, 129),
        ("a1004", "billing", 140, 160),
        ("a1005", "billing", 150, 170),
    ]
    assert (record.business, record.dialect, record.agent_answered_at) == ("billing", "hakka", 110)


def test_what_a_keeper_that_starts_again_hears_once_more_changes_nothing() -> None:
    talk = (
        bus.AgentAnswered(at=110, call_id=CALL, agent="a1003"),
        bus.AgentLegGone(at=129, call_id=CALL, agent="a1003"),
    )
    once, twice = after(arrived(), *talk, talk[1]), after(arrived(), *talk, *talk)
    assert once.calls == twice.calls
    assert [(leg.begin, leg.end) for leg in due(after(arrived(), *talk, *talk, gone(130)), 1000)[0].legs] == [
        (110, 129)
    ]


def test_late_news_does_not_make_the_last_sign_of_life_an_earlier_one() -> None:
    calls = after(
        arrived(),
        bus.AgentAnswered(at=110, call_id=CALL, agent="a1003"),
        bus.MenuChosen(at=104, call_id=CALL, dialect="puxian", business="repair"),
        snapshot(140),
    )
    assert [record.hangup_at for record in due(calls, 1000)] == [110]


def test_a_refusal_is_a_refusal_also_for_the_second_witness() -> None:
    [record] = due(after(arrived(cause=34), gone(101)), 1000)
    assert record.outcome is Outcome.REFUSED


def test_a_call_missing_from_the_snapshot_ended_at_its_last_sign_of_life() -> None:
    calls = after(arrived(), bus.AgentAnswered(at=110, call_id=CALL, agent="a1003"), snapshot(140))
    [record] = due(calls, 140 + GRACE_S)
    assert record.estimated
    assert record.witness is Witness.SNAPSHOT
    assert record.hangup_at == 110


def test_a_call_in_the_snapshot_goes_on_and_a_younger_one_is_left_alone() -> None:
    assert due(after(arrived(), snapshot(140, CALL)), 1000) == []
    assert due(after(arrived(at=139.5), snapshot(140)), 1000) == []


def test_another_nodes_snapshot_says_nothing() -> None:
    other = bus.NodeSnapshot(at=140, node="fuzhou-2", channels=())
    assert due(after(arrived(), other), 1000) == []


def test_what_changed_is_told_for_saving() -> None:
    calls = after(arrived())
    assert calls.changed == {CALL}
    calls.changed.clear()
    calls.apply(bus.CallRated(at=119, call_id="somebody-else", rating=2))
    assert calls.changed == set()


def test_a_call_whose_id_is_none_is_written_once() -> None:
    odd = "01a1fd83d5a87fdb946feac9d0b0ae45"
    calls = after(msgspec.structs.replace(arrived(), call_id=odd), msgspec.structs.replace(gone(120), call_id=odd))
    [record] = due(calls, 1000)
    assert record.call_id != odd
    calls.written(record)
    assert due(calls, 1000) == []


def test_a_call_that_its_node_let_in_has_a_witness_when_the_node_dies() -> None:
    held = bus.LineHeld(
        at=100.0,
        call_id=CALL,
        node="fuzhou-1",
        uniqueid="fuzhou-1-100.1",
        city="putian",
        raw_number="15405940001",
    )
    [record] = due(after(held, gone(110, estimated=True)), 120)
    assert (record.raw_number, record.number) == ("15405940001", "")  # to be read when it is delivered
    assert (record.call_id, record.city, record.arrived_at, record.hangup_at) == (CALL, "putian", 100.0, 110.0)
    assert (record.outcome, record.witness) == (Outcome.ABANDONED_MENU, Witness.SNAPSHOT)
    assert [one.number for one in due(after(arrived(), held, gone(110)), 120)] == ["+865940001234"]


def test_a_snapshot_finds_the_answered_calls_that_redis_forgot() -> None:
    waiting = snapshot(100, CALL)
    answered = msgspec.structs.replace(
        waiting,
        channels=tuple(
            msgspec.structs.replace(one, answered=True, city="putian", raw_number="15405940001")
            for one in waiting.channels
        ),
    )
    [record] = due(after(answered, snapshot(110)), 120)
    assert record.raw_number == "15405940001"
    assert (record.call_id, record.city, record.hangup_at, record.estimated) == (CALL, "putian", 100.0, True)
    assert due(after(waiting, snapshot(110)), 120) == []  # not answered: it is being decided


def test_a_snapshot_finds_the_callers_who_hear_a_refusal_that_redis_forgot() -> None:
    seen = snapshot(100, CALL)
    channels = tuple(msgspec.structs.replace(one, context="refuse", city="putian") for one in seen.channels)
    [record] = due(after(msgspec.structs.replace(seen, channels=channels), snapshot(110)), 120)
    assert (record.outcome, record.refused_cause, record.estimated) == (Outcome.REFUSED, 34, True)

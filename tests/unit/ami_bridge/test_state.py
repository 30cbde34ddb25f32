"""What a node's AMI events say of its calls, in order; values that cannot be ours are dropped and counted."""

import pytest

from ami_bridge import events as ami
from tests.unit.ami_bridge.node_states import CALL, ENTRY, LEG, LEG_UID, OTHER, UID, dial, made, run, taken
from tieline import bus

pytestmark = pytest.mark.unit


def test_a_whole_call_is_told_in_order_and_leaves_nothing_behind() -> None:
    state = made()
    told = run(
        state,
        ami.Newchannel(ENTRY, "", UID),
        ami.NewAccountCode(ENTRY, CALL, UID),
        ami.DTMFEnd(ENTRY, CALL, UID, "1", "Received"),
        taken(),
        dial(ami.DialBegin),
        dial(ami.DialEnd, "ANSWER"),
        ami.BridgeEnter(LEG, CALL, LEG_UID),
        ami.BridgeEnter(ENTRY, CALL, UID),
        ami.Hangup(LEG, CALL, LEG_UID, 16, 11.5),
        ami.Hangup(ENTRY, CALL, UID, 16, 11.6),
    )
    assert told == (
        bus.CallerKey(at=10, call_id=CALL, digit="1"),
        bus.OfferTaken(at=10, call_id=CALL, channel=ENTRY, agent="a1001", fence=7),
        bus.AgentRinging(at=10, call_id=CALL, agent="a1001"),
        bus.AgentAnswered(at=10, call_id=CALL, agent="a1001", uniqueid=LEG_UID),
        bus.AgentLegGone(at=11.5, call_id=CALL, agent="a1001"),
        bus.CallGone(at=11.6, call_id=CALL, node="fuzhou-1", channel=ENTRY, uniqueid=UID, cause=16),
    )
    assert (state.legs, state.hostile) == ({}, 0)


def test_a_failed_offer_that_cannot_be_one_is_dropped_and_counted() -> None:
    state = made()
    wrong = (("", "7", "BUSY"), ("a1", "x", "BUSY"), ("a1", "7", "Bu\nsy"))
    for agent, fence, status in wrong:
        assert run(state, ami.UserEvent(ENTRY, CALL, UID, "TielineFailed", CALL, agent, fence, status)) == ()
    assert run(state, ami.UserEvent(ENTRY, CALL, UID, "TielineFailed", OTHER, "a1", "7", "BUSY")) == ()
    assert state.hostile == len(wrong) + 1


def test_two_calls_in_one_second_are_kept_apart_by_the_whole_uniqueid() -> None:
    state = made()
    run(state, ami.NewAccountCode(ENTRY, CALL, "n-1.6"), ami.NewAccountCode("PJSIP/edge-2", OTHER, "n-1.7"))
    (gone,) = run(state, ami.Hangup("PJSIP/edge-2", OTHER, "n-1.7", 16))
    assert isinstance(gone, bus.CallGone)
    assert (gone.call_id, list(state.legs)) == (OTHER, ["n-1.6"])


def test_without_asterisks_clock_ours_counts() -> None:
    (gone,) = run(made(), ami.Hangup(ENTRY, CALL, UID, 0), now=42.0)
    assert (gone.at, isinstance(gone, bus.CallGone)) == (42.0, True)


def test_a_channel_of_neither_caller_nor_agent_is_not_told_of() -> None:
    state = made()
    assert run(state, ami.Hold("Local/x@y-1;1", CALL, "u"), ami.Hangup("PJSIP/trunk-1", CALL, "v", 16)) == ()
    assert state.legs == {}


def test_a_caller_without_call_id_is_known_but_not_told_of() -> None:
    state = made()
    assert run(state, ami.Newchannel(ENTRY, "", UID), ami.DTMFEnd(ENTRY, "", UID, "1", "Received")) == ()
    assert list(state.legs) == [UID]
    assert run(state, ami.Hangup(ENTRY, "", UID, 38)) == ()
    assert (state.legs, state.hostile) == ({}, 0)


def test_the_call_id_once_known_is_not_lost() -> None:
    state = made()
    run(state, ami.NewAccountCode(ENTRY, CALL, UID), ami.Hold(ENTRY, "", UID), ami.Hold(ENTRY, "x'; --", UID))
    assert (state.legs[UID].call_id, state.hostile) == (CALL, 1)


@pytest.mark.parametrize(
    "event",
    [
        taken(call="x", account="x"),
        taken(call=OTHER),
        taken(call=f"{CALL},Agent: a9", account=f"{CALL},Agent: a9"),
        taken(agent="boss"),
        taken(agent=""),
        taken(fence=""),
        taken(fence="7a"),
        taken(fence="१"),
        taken(fence="-1"),
        taken(fence="9" * 16),
    ],
)
def test_a_grant_with_a_value_that_cannot_be_ours_is_counted_and_dropped(event: ami.UserEvent) -> None:
    state = made()
    assert run(state, event) == ()
    assert state.hostile >= 1


def test_a_user_event_that_is_not_ours_is_not_told_of() -> None:
    state = made()
    assert run(state, ami.UserEvent(ENTRY, CALL, UID, "SomebodyElses", CALL)) == ()
    assert state.hostile == 0


def test_a_call_that_the_safety_net_takes_is_told_unless_it_is_another_one() -> None:
    state = made()
    static = ami.UserEvent(ENTRY, CALL, UID, "TielineStatic", CALL)
    assert run(state, static) == (bus.CallInNet(at=10, call_id=CALL, node="fuzhou-1"),)
    assert run(state, ami.UserEvent(ENTRY, CALL, UID, "TielineStatic", "fuzhou-1:9.9")) == ()
    assert state.hostile == 1


@pytest.mark.parametrize(
    "event",
    [
        ami.DTMFEnd(ENTRY, CALL, UID, "1", "Sent"),
        ami.DTMFEnd(LEG, CALL, LEG_UID, "1", "Received"),
        ami.DTMFEnd("PJSIP/trunk-1", CALL, "u", "1", "Received"),
        ami.DTMFEnd(ENTRY, CALL, UID, "", "Received"),
        ami.DTMFEnd(ENTRY, CALL, UID, "12", "Received"),
    ],
)
def test_only_the_callers_own_single_keys_are_told(event: ami.DTMFEnd) -> None:
    assert run(made(), event) == ()


def test_an_event_still_on_its_way_does_not_bring_a_channel_back() -> None:
    state = made()
    run(state, dial(ami.DialBegin), ami.Hangup(LEG, CALL, LEG_UID, 19), ami.Hangup(ENTRY, CALL, UID, 16))
    assert run(state, dial(ami.DialEnd, "CANCEL"), ami.BridgeLeave(ENTRY, CALL, UID)) == ()
    assert run(state, ami.Hangup(ENTRY, CALL, UID, 16), dial(ami.DialBegin)) == ()
    assert state.legs == {}


def test_only_the_last_ends_are_remembered() -> None:
    state = made()
    for number in range(3000):
        run(state, ami.Hangup(ENTRY, CALL, f"n-1.{number}", 16))
    assert not state.ended_lately("n-1.0")
    assert state.ended_lately("n-1.2999")


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (ami.BlindTransfer("Success", CALL, ""), "blind"),
        (ami.BlindTransfer("Success", OTHER, CALL), "blind"),
        (ami.AttendedTransfer("Success", CALL, "", "Bridge"), "attended"),
        (ami.AttendedTransfer("Success", CALL, CALL, "Threeway"), "threeway"),
    ],
)
def test_a_transfer_is_told_with_the_call_of_the_one_transferred(event: ami.AmiEvent, kind: str) -> None:
    assert run(made(), event) == (bus.CallTransferred(at=10, call_id=CALL, kind=kind),)


@pytest.mark.parametrize(
    "event",
    [ami.BlindTransfer("Fail", CALL, CALL), ami.AttendedTransfer("Success", "", "", "Bridge"), ami.Shutdown()],
)
def test_a_transfer_that_failed_or_has_no_call_is_not_told(event: ami.AmiEvent) -> None:
    assert run(made(), event) == ()


def line(city: str, channel: str = ENTRY, uid: str = UID, number: str = "15405940001") -> ami.UserEvent:
    return ami.UserEvent(channel, CALL, uid, "TielineLine", city=city, caller_number=number)


def test_a_line_that_the_node_gave_by_itself_is_told_once_the_city_is_one() -> None:
    state = made()
    told = run(state, ami.NewAccountCode(ENTRY, CALL, UID), line("putian"), line("put ian"), line("x", LEG, LEG_UID))
    held = bus.LineHeld(at=10, call_id=CALL, node="fuzhou-1", uniqueid=UID, city="putian", raw_number="15405940001")
    assert told == (held,)
    assert (state.city_of(UID), state.hostile) == ("putian", 2)
    assert state.city_of("nobody") == ""


def refusal(city: str, cause: str, channel: str = ENTRY, uid: str = UID) -> ami.UserEvent:
    return ami.UserEvent(channel, CALL, uid, "TielineRefused", city=city, cause=cause)


def test_a_refusal_of_the_node_itself_is_told_with_its_cause() -> None:
    state = made()
    forged = (
        refusal("put ian", "34"),
        refusal("putian", "16"),
        refusal("putian", ""),
        refusal("x", "34", LEG, LEG_UID),
    )
    told = run(state, ami.NewAccountCode(ENTRY, CALL, UID), refusal("putian", "42"), *forged)
    assert told == (bus.CallRefused(at=10, call_id=CALL, node="fuzhou-1", city="putian", cause=42),)
    assert state.hostile == len(forged)


@pytest.mark.parametrize("shown", ["<unknown>", "", "anonymous", "12", "1" * 25, "139\n1234", "+", "１３９００００"])
def test_what_is_no_number_is_not_told_as_one(shown: str) -> None:
    [told] = run(made(), ami.NewAccountCode(ENTRY, CALL, UID), line("putian", number=shown))
    assert isinstance(told, bus.LineHeld)
    assert told.raw_number == ""

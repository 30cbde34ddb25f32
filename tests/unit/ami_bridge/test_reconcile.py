import pytest

from ami_bridge import events as ami
from ami_bridge.reconcile import Differences, Snapshot, as_told, compare, end_all, repair, touch_listed, without_city
from ami_bridge.state import NodeState
from tieline import bus

pytestmark = pytest.mark.unit

CALL = "019aa5d4-1c00-7abc-8def-0123456789ab"
ENTRY, UID = "PJSIP/edge-00000000", "fuzhou-1-1.0"
LEG, LEG_UID = "PJSIP/a1001-00000001", "fuzhou-1-1.1"


def made() -> NodeState:
    """A node with one talk, last heard of at 10, and one reachable agent."""
    state = NodeState("fuzhou-1", ("edge",))
    state.apply(ami.NewAccountCode(ENTRY, CALL, UID), 9.0)
    state.apply(ami.DialBegin(ENTRY, CALL, UID, LEG, CALL, LEG_UID), 10.0)
    state.apply(ami.ContactStatus("sip:1", "Reachable", "a1001"), 10.0)
    return state


def listed(channel: str, uniqueid: str, call: str = CALL, application: str = "Dial") -> ami.CoreShowChannel:
    return ami.CoreShowChannel(channel, call, uniqueid, UID, "hold", application)


def shot(
    state: NodeState, *channels: ami.CoreShowChannel, contacts: tuple[ami.ContactList, ...] | None = None
) -> Snapshot:
    same = (ami.ContactList("a1001", "sip:1", "Reachable"),)
    return Snapshot(frozenset(state.legs), 20.0, channels, same if contacts is None else contacts)


BOTH = (listed(ENTRY, UID), listed(LEG, LEG_UID))


def test_where_both_agree_there_is_nothing_to_mend() -> None:
    state = made()
    assert not compare(state, shot(state, *BOTH))


def test_what_is_gone_is_told_with_its_last_sign_of_life_and_as_estimated() -> None:
    state = made()
    snapshot = shot(state)
    told = repair(state, snapshot, compare(state, snapshot))
    assert told == (
        bus.CallGone(at=10, call_id=CALL, node="fuzhou-1", channel=ENTRY, uniqueid=UID, cause=0, estimated=True),
        bus.AgentLegGone(at=10, call_id=CALL, agent="a1001"),
    )
    assert state.legs == {}


def test_a_node_that_is_dead_has_no_channel_and_reaches_no_phone() -> None:
    state = made()
    gone, leg_gone, phone, snapshot = end_all(state, 30.0)
    assert (gone, leg_gone) == (
        bus.CallGone(at=10, call_id=CALL, node="fuzhou-1", channel=ENTRY, uniqueid=UID, cause=0, estimated=True),
        bus.AgentLegGone(at=10, call_id=CALL, agent="a1001"),
    )
    assert phone == bus.PhoneSeen(at=30, node="fuzhou-1", agent="a1001", reachable=False)
    assert snapshot == bus.NodeSnapshot(at=30, node="fuzhou-1", channels=(), started_at=state.started_at)
    assert state.legs == {}
    assert len(end_all(state, 31.0)) == 1  # the snapshot alone


def test_what_is_new_is_added_and_ends_like_any_other() -> None:
    state = made()
    snapshot = shot(state, *BOTH, listed("PJSIP/edge-9", "n-1.9"), listed("Local/x@y-1;1", "n-1.8"))
    differences = compare(state, snapshot)
    assert differences == Differences(new=frozenset({"n-1.9"}))
    assert repair(state, snapshot, differences) == ()
    (gone,) = state.apply(ami.Hangup("PJSIP/edge-9", "", "n-1.9", 16), 30)
    assert isinstance(gone, bus.CallGone)
    assert (gone.call_id, gone.estimated) == (CALL, False)


def test_what_began_after_the_question_is_not_missing() -> None:
    state = made()
    snapshot = shot(state, *BOTH)
    state.apply(ami.NewAccountCode("PJSIP/edge-9", CALL, "n-1.9"), 20.1)
    assert not compare(state, snapshot)


def test_what_ended_after_the_question_is_neither_gone_nor_new() -> None:
    state = made()
    snapshot = shot(state, *BOTH)
    state.apply(ami.Hangup(ENTRY, CALL, UID, 16), 20.1)
    assert not compare(state, snapshot)


def test_only_what_two_snapshots_show_is_confirmed() -> None:
    state = made()
    first = compare(state, shot(state, contacts=()))
    second = compare(state, shot(state, listed(LEG, LEG_UID)))
    assert len(first) == 3
    assert first.confirmed(second) == Differences(gone=frozenset({UID}))


def test_phones_are_mended_both_ways() -> None:
    state = made()
    contacts = (
        ami.ContactList("a1002", "sip:2", "NonQualified"),
        ami.ContactList("a1003", "sip:3", "Unreachable"),
        ami.ContactList("peer", "sip:4", "Reachable"),
    )
    snapshot = shot(state, *BOTH, contacts=contacts)
    differences = compare(state, snapshot)
    assert differences.phones == {"a1001", "a1002"}
    assert repair(state, snapshot, differences) == (
        bus.PhoneSeen(at=20, agent="a1001", node="fuzhou-1", reachable=False),
        bus.PhoneSeen(at=20, agent="a1002", node="fuzhou-1", reachable=True),
    )
    assert as_told(state, snapshot).reachable_agents == ("a1002",)


def test_the_list_is_a_sign_of_life_and_teaches_call_ids() -> None:
    state = NodeState("fuzhou-1", ("edge",))
    state.apply(ami.Newchannel(ENTRY, "", UID), 10)
    touch_listed(state, shot(state, *BOTH))
    assert (state.legs[UID].seen_at, state.legs[UID].call_id, list(state.legs)) == (20.0, CALL, [UID])


@pytest.mark.parametrize(("application", "told"), [("AppDial", 1), ("AppQueue", 1), ("Wait", 0)])
def test_an_agents_leg_learned_from_a_list_ends_as_what_it_is(application: str, told: int) -> None:
    state = NodeState("fuzhou-1", ("edge",))
    snapshot = shot(state, listed(LEG, LEG_UID, application=application))
    repair(state, snapshot, compare(state, snapshot))
    touch_listed(state, snapshot)
    assert len(state.apply(ami.Hangup(LEG, CALL, LEG_UID, 16), 30)) == told


def test_the_snapshot_is_told_with_every_channel_and_without_hostile_call_ids() -> None:
    state = made()
    told = as_told(state, shot(state, *BOTH, listed("Local/x@y-1;1", "n-1.8", call="evil")))
    assert [(one.channel, one.call_id, one.caller_leg) for one in told.channels] == [
        (ENTRY, CALL, True),
        (LEG, CALL, False),
        ("Local/x@y-1;1", "", False),
    ]
    first = told.channels[0]
    assert (told.at, told.node, first.uniqueid, first.linkedid) == (20, "fuzhou-1", UID, UID)
    assert (first.context, first.application, told.reachable_agents) == ("hold", "Dial", ("a1001",))


def test_the_snapshot_tells_city_answer_and_start_and_leaves_out_what_has_ended() -> None:
    state = made()
    state.apply(ami.FullyBooted(7), 20.0)
    assert [leg.uniqueid for leg in without_city(state)] == [UID]
    state.legs[UID].city = "putian"
    assert without_city(state) == ()
    ringing = ami.CoreShowChannel("PJSIP/edge-9", CALL, "n-1.9", UID, "refuse", "Playback", 4)
    up = ami.CoreShowChannel(ENTRY, CALL, UID, UID, "hold", "Dial", 6)
    snapshot = shot(state, up, ringing, BOTH[1])
    state.apply(ami.Hangup(LEG, CALL, LEG_UID, 16), 20.5)
    told = as_told(state, snapshot)
    assert [(one.uniqueid, one.city, one.answered) for one in told.channels] == [
        (UID, "putian", True),
        ("n-1.9", "", False),
    ]
    assert told.started_at == 13.0


def test_a_node_that_does_not_tell_its_uptime_has_no_start() -> None:
    state = made()
    state.apply(ami.FullyBooted(), 20.0)
    assert as_told(state, shot(state)).started_at == 0.0

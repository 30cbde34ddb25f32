"""Agents' legs of a call, from AMI events: rung, answered, ended, at this node and over the tie line."""

import pytest

from ami_bridge import events as ami
from ami_bridge.forms import agent_of
from ami_bridge.state import NodeState
from tests.unit.ami_bridge.node_states import CALL, ENTRY, LEG, LEG_UID, UID, dial, made, run
from tieline import bus

pytestmark = pytest.mark.unit

TRUNK, TRUNK_UID = "PJSIP/node-xiamen-1-00000003", "fuzhou-1-1.3"


def over_the_tie_line() -> tuple[ami.AmiEvent, ...]:
    begin = ami.DialBegin(ENTRY, CALL, UID, TRUNK, CALL, TRUNK_UID, "a2001@node-xiamen-1")
    return (begin, ami.DialEnd(ENTRY, CALL, UID, TRUNK, CALL, TRUNK_UID, "ANSWER"))


def test_where_the_call_is_the_trunk_to_another_node_is_the_leg_of_the_agent_dialled_there() -> None:
    state = made()
    told = run(
        state,
        ami.Newchannel(ENTRY, CALL, UID),
        *over_the_tie_line(),
        ami.BridgeEnter(TRUNK, CALL, TRUNK_UID),
        ami.Hangup(TRUNK, CALL, TRUNK_UID, 16, 11.5),
    )
    assert told == (
        bus.AgentRinging(at=10, call_id=CALL, agent="a2001"),
        bus.AgentAnswered(at=10, call_id=CALL, agent="a2001", uniqueid=TRUNK_UID),
        bus.AgentLegGone(at=11.5, call_id=CALL, agent="a2001"),
    )
    assert list(state.legs) == [UID]


def test_a_trunk_whose_dial_was_not_seen_to_begin_is_nobodys_leg() -> None:
    state = made()
    assert run(state, over_the_tie_line()[1], ami.Hangup(TRUNK, CALL, TRUNK_UID, 16)) == ()
    assert run(state, ami.DialBegin(ENTRY, CALL, UID, TRUNK, CALL, TRUNK_UID, "anything@node-xiamen-1")) == ()
    assert UID in state.legs
    assert TRUNK_UID not in state.legs


def test_where_the_agent_is_the_call_is_a_leg_and_no_call_of_this_node() -> None:
    state = made()
    came, uid, phone, phone_uid = (
        "PJSIP/node-fuzhou-1-00000001",
        "xiamen-1-1.1",
        "PJSIP/a2001-00000002",
        "xiamen-1-1.2",
    )
    told = run(
        state,
        ami.UserEvent(came, CALL, uid, "TielineTaken", CALL, "a2001", "7"),
        ami.DialBegin(came, CALL, uid, phone, CALL, phone_uid, "a2001"),
        ami.DialEnd(came, CALL, uid, phone, CALL, phone_uid, "NOANSWER"),
        ami.Hangup(phone, CALL, phone_uid, 0, 11.5),
        ami.UserEvent(came, CALL, uid, "TielineFailed", CALL, "a2001", "7", "NOANSWER"),
        ami.Hangup(came, CALL, uid, 19, 11.6),
    )
    assert told == (
        bus.OfferTaken(at=10, call_id=CALL, channel=came, agent="a2001", fence=7),
        bus.AgentRinging(at=10, call_id=CALL, agent="a2001"),
        bus.AgentLegGone(at=11.5, call_id=CALL, agent="a2001"),
        bus.OfferFailed(at=10, call_id=CALL, agent="a2001", fence=7, status="NOANSWER"),
    )
    assert (state.legs, state.hostile) == ({}, 0)


def test_a_dial_without_a_caller_rings_the_agent() -> None:
    event = ami.DialBegin("", "", "", LEG, CALL, LEG_UID)
    assert run(made(), event) == (bus.AgentRinging(at=10, call_id=CALL, agent="a1001"),)


def test_a_dial_to_somebody_else_or_without_call_id_is_not_told() -> None:
    state = made()
    assert run(state, dial(ami.DialBegin, leg="PJSIP/trunk-1"), dial(ami.DialBegin, call="")) == ()
    assert run(state, dial(ami.DialBegin, call="evil")) == ()
    assert (list(state.legs), state.hostile) == ([UID], 2)  # once at the caller's channel, once at the dial


def test_an_agents_leg_ends_by_the_clock_by_which_it_began() -> None:
    """Asterisk's own time of a hang-up may lie before ours of the answer, which we heard later than it was."""
    told = run(made(), dial(ami.DialBegin), dial(ami.DialEnd, "ANSWER"), ami.Hangup(LEG, CALL, LEG_UID, 16, 9.98))
    assert [event.at for event in told] == [10, 10, 10]


@pytest.mark.parametrize("status", ["BUSY", "NOANSWER", "CANCEL", "CHANUNAVAIL", ""])
def test_a_dial_that_fails_is_no_answer(status: str) -> None:
    assert run(made(), dial(ami.DialEnd, status)) == ()


def test_two_phones_of_one_agent_ring_once_and_the_loser_hanging_up_ends_nothing() -> None:
    state, second = made(), "fuzhou-1-1.2"
    told = run(
        state,
        dial(ami.DialBegin),
        dial(ami.DialBegin, leg="PJSIP/a1001-00000002", uid=second),
        dial(ami.DialEnd, "ANSWER"),
        ami.Hangup("PJSIP/a1001-00000002", CALL, second, 26),
    )
    assert told == (
        bus.AgentRinging(at=10, call_id=CALL, agent="a1001"),
        bus.AgentAnswered(at=10, call_id=CALL, agent="a1001", uniqueid=LEG_UID),
    )
    assert run(state, ami.Hangup(LEG, CALL, LEG_UID, 16)) == (bus.AgentLegGone(at=10, call_id=CALL, agent="a1001"),)


def test_an_agents_own_consultation_is_no_leg_of_the_call_even_with_its_account_code() -> None:
    state, own = made(), "PJSIP/a1001-00000004"
    run(state, dial(ami.DialBegin), dial(ami.DialEnd, "ANSWER"), ami.BridgeEnter(own, "", "n-1.4"))
    assert run(state, ami.Hangup(LEG, CALL, LEG_UID, 16)) == (bus.AgentLegGone(at=10, call_id=CALL, agent="a1001"),)
    assert run(state, ami.Hangup(own, CALL, "n-1.4", 16)) == ()


def test_a_leg_whose_dial_began_unseen_ends_for_the_call() -> None:
    state = made()
    run(state, dial(ami.DialEnd, "ANSWER"))
    assert run(state, ami.Hangup(LEG, CALL, LEG_UID, 16)) == (bus.AgentLegGone(at=10, call_id=CALL, agent="a1001"),)


def seen(state: NodeState, status: str, uri: str = "sip:1", endpoint: str = "a1001") -> list[bool]:
    told = run(state, ami.ContactStatus(uri, status, endpoint))
    return [event.reachable for event in told if isinstance(event, bus.PhoneSeen)]


def test_an_agent_is_reachable_while_any_of_his_contacts_is() -> None:
    state = made()
    assert seen(state, "NonQualified") == [True]
    assert seen(state, "Reachable") == []
    assert seen(state, "Reachable", "sip:2") == []
    assert seen(state, "Removed") == []
    assert seen(state, "Unknown", "sip:2") == []
    assert seen(state, "Unreachable", "sip:2") == [False]
    assert seen(state, "Removed", "sip:2") == []
    assert state.contacts == {}


def test_contacts_of_other_endpoints_are_nobodys_phone() -> None:
    assert seen(made(), "Reachable", endpoint="peer") == []


@pytest.mark.parametrize(
    ("channel", "agent"),
    [(LEG, "a1001"), (ENTRY, ""), ("PJSIP/a1-0\n", ""), ("PJSIP/a-0", ""), ("SIP/a1001-00000001", ""), ("", "")],
)
def test_agents_are_told_by_the_channels_name(channel: str, agent: str) -> None:
    assert agent_of(channel) == agent

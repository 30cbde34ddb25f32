"""Which of a batch's commands wait for another one."""

import pytest

from ami_bridge.turns import in_turns
from tieline import bus

pytestmark = pytest.mark.unit

NOW = 100.0


def note(call_id: str, agent: str) -> bus.NoteLeg:
    return bus.NoteLeg(at=NOW, call_id=call_id, channel="PJSIP/edge-1-1", agent=agent, begun_at=NOW)


def word(call_id: str) -> bus.PutInMailbox:
    return bus.PutInMailbox(at=NOW, call_id=call_id, channel="PJSIP/edge-1-1", word="static", expires=NOW + 1)


def test_a_transfers_commands_wait_for_those_of_the_same_call_and_for_no_others() -> None:
    first, other, second = note("a", "a1001"), note("b", "a1002"), note("a", "")
    ended, snapshot = bus.EndLeg(at=NOW, call_id="a", agent="a1001"), bus.TakeSnapshot(at=NOW)
    assert in_turns([first, snapshot, other, second, ended]) == [[first, second, ended], [snapshot], [other]]


def test_mailbox_words_wait_for_nothing_and_keep_their_order() -> None:
    words = [word("a"), word("b"), word("a")]
    assert in_turns([note("a", ""), *words]) == [[note("a", "")], *([one] for one in words)]

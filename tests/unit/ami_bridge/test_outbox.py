import pytest

from ami_bridge.outbox import Outbox
from tieline import bus

pytestmark = pytest.mark.unit


def key(digit: str) -> bus.CallerKey:
    return bus.CallerKey(at=0, call_id="c", digit=digit)


def end(uniqueid: str) -> bus.CallGone:
    return bus.CallGone(at=0, call_id="c", node="n", channel="x", uniqueid=uniqueid, cause=0)


def test_events_leave_oldest_first_and_only_when_removed() -> None:
    outbox = Outbox()
    outbox.put([key("1"), key("2")])
    outbox.put([key("3")])
    assert outbox.oldest(2) == outbox.oldest(2) == [key("1"), key("2")]
    outbox.remove(2)
    assert (outbox.oldest(9), outbox.filled.is_set()) == ([key("3")], True)
    outbox.remove(1)
    assert (len(outbox), outbox.filled.is_set()) == (0, False)


def test_nothing_put_wakes_nobody() -> None:
    outbox = Outbox()
    outbox.put([])
    assert not outbox.filled.is_set()


def test_a_full_outbox_keeps_the_oldest_and_leaves_room_for_ends() -> None:
    outbox = Outbox(limit=2, kept_for_ends=1)
    outbox.put([key("1"), key("2"), key("3"), end("a"), end("b"), key("4")])
    assert outbox.oldest(9) == [key("1"), key("2"), end("a")]
    assert outbox.dropped == 3


def test_the_gap_is_told_once_and_only_after_what_came_before_it() -> None:
    outbox = Outbox(limit=1, kept_for_ends=0)
    outbox.put([key("1"), key("2"), key("3")])
    assert outbox.take_gap() == 0
    outbox.remove(1)
    assert (outbox.take_gap(), outbox.take_gap(), outbox.dropped) == (2, 0, 2)

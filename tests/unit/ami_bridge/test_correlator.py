import pytest

from ami_bridge.correlator import Correlator, Reply
from ami_bridge.wire import Packet

pytestmark = pytest.mark.unit


def packet(*lines: str) -> Packet:
    return Packet("\r\n".join(lines).encode())


def made() -> Correlator[str]:
    return Correlator("p")


def test_an_answer_finds_its_action_whatever_the_order() -> None:
    correlator = made()
    first, second = correlator.expect("first", is_list=False), correlator.expect("second", is_list=False)
    others, done = correlator.receive(
        [
            packet("Response: Error", f"ActionID: {second}", "Message: No such channel"),
            packet("Event: Hangup"),
            packet("Response: Success", f"ActionID: {first}"),
        ]
    )
    assert done == [("second", Reply(False, "No such channel")), ("first", Reply(True, ""))]
    assert others == [packet("Event: Hangup")]
    assert len(correlator) == 0


def test_a_list_ends_with_its_closing_event_not_with_its_response() -> None:
    correlator = made()
    listing = correlator.expect("list", is_list=True)
    item = packet("Event: CoreShowChannel", f"ActionID: {listing}", "Channel: c")
    other = packet("Event: Hangup", "Privilege: call,all")
    others, done = correlator.receive(
        [packet("Response: Success", f"ActionID: {listing}", "EventList: start", "Message: follow"), item, other]
    )
    assert (others, done) == ([other], [])
    others, done = correlator.receive(
        [packet("Event: CoreShowChannelsComplete", f"ActionID: {listing}", "EventList: Complete", "ListItems: 1")]
    )
    assert done == [("list", Reply(True, "follow", (item,)))]
    assert others == []


def test_a_refused_list_ends_with_its_response() -> None:
    correlator = made()
    listing = correlator.expect("list", is_list=True)
    _, done = correlator.receive([packet("Response: Error", f"ActionID: {listing}", "Message: No Contacts found")])
    assert done == [("list", Reply(False, "No Contacts found"))]


def test_a_list_without_a_response_is_no_success() -> None:
    correlator = made()
    listing = correlator.expect("list", is_list=True)
    _, done = correlator.receive([packet("Event: X", f"ActionID: {listing}", "EventList: Complete")])
    assert [reply.success for _, reply in done] == [False]


def test_an_event_that_names_an_action_is_still_for_everybody() -> None:
    correlator = made()
    call, listing = correlator.expect("call", is_list=False), correlator.expect("list", is_list=True)
    event = packet("Event: OriginateResponse", "Privilege: call,all", f"ActionID: {call}", "Response: Failure")
    assert correlator.receive([event]) == ([event], [])
    correlator.give_up(listing)
    assert correlator.receive([event]) == ([event], [])
    assert len(correlator) == 1


def test_a_late_answer_is_nobodys() -> None:
    correlator = made()
    late, waiting = correlator.expect("late", is_list=False), correlator.expect("waiting", is_list=False)
    correlator.give_up(late)
    correlator.give_up(late)
    answer = packet("Response: Success", f"ActionID: {late}")
    assert correlator.receive([answer]) == ([answer], [])
    correlator.give_up(waiting)
    assert correlator.receive([answer]) == ([answer], [])


def test_losing_the_link_gives_every_waiting_action_back_once() -> None:
    correlator = made()
    correlator.expect("a", is_list=True)
    correlator.expect("b", is_list=False)
    assert correlator.lose_all() == ["a", "b"]
    assert correlator.lose_all() == []


def test_action_ids_cannot_be_guessed() -> None:
    ids = {Correlator[int]().expect(1, is_list=False) for _ in range(50)}
    assert len(ids) == 50

import pytest
from structlog.testing import capture_logs

from ami_bridge.dispatch import Dispatcher
from ami_bridge.events import Hangup, Hold, UnknownEvent
from ami_bridge.wire import Packet

pytestmark = pytest.mark.unit

HANGUP = Packet(b"Event: Hangup\r\nUniqueid: u\r\nCause: 16")


def test_each_subscriber_gets_its_events_in_order() -> None:
    dispatcher, got = Dispatcher(), []
    dispatcher.subscribe(Hangup, lambda event: got.append(("first", event.cause)))
    dispatcher.subscribe(Hangup, lambda event: got.append(("second", event.cause)))
    dispatcher.subscribe(Hold, lambda event: got.append(("hold", 0)))
    dispatcher.dispatch([HANGUP, Packet(b"Event: Hold\r\nUniqueid: u"), Packet(b"Event: VarSet\r\nValue: x")])
    assert got == [("first", 16), ("second", 16), ("hold", 0)]
    assert (dispatcher.seen, dispatcher.unwanted) == ({"Hangup": 1, "Hold": 1}, 1)


def test_a_raising_subscriber_costs_nobody_else_anything() -> None:
    dispatcher = Dispatcher()
    got: list[Hangup] = []

    def faulty(_: Hangup) -> None:
        raise ValueError("a bug")

    dispatcher.subscribe(Hangup, faulty)
    dispatcher.subscribe(Hangup, got.append)
    with capture_logs():
        dispatcher.dispatch([HANGUP, HANGUP])
    assert (len(got), dispatcher.failures) == (2, 2)


def test_only_modelled_events_can_be_asked_for() -> None:
    with pytest.raises(Exception, match="no AMI event"):
        Dispatcher().subscribe(UnknownEvent, print)


def test_a_packet_of_one_header_and_a_response_that_looks_alike() -> None:
    dispatcher = Dispatcher()
    got: list[Hangup] = []
    dispatcher.subscribe(Hangup, got.append)
    dispatcher.dispatch([Packet(b"Event: Hangup"), Packet(b"Evnt:  Hangup\r\n"), Packet(b"")])
    assert got == [Hangup("", "", "", -1, -1)]
    assert dispatcher.unwanted == 2

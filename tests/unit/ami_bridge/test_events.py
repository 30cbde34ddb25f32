import pytest
from hypothesis import given
from hypothesis import strategies as st

from ami_bridge import events, filters
from ami_bridge.bridge import _TELLING
from ami_bridge.events import DialEnd, Hangup, UnknownEvent, UserEvent, decode_event, reader_of
from ami_bridge.wire import Packet

pytestmark = pytest.mark.unit

HANGUP = (
    "Event: Hangup\r\nPrivilege: call,all\r\nTimestamp: 1795250953.836392\r\nChannel: PJSIP/edge-00000000\r\n"
    "CallerIDName: 福州\r\nAccountCode: c-1\r\nUniqueid: fuzhou-1-1.0\r\nLinkedid: fuzhou-1-1.0\r\nCause: 16\r\n"
    "Cause-txt: Normal Clearing"
)


def packet(text: str) -> Packet:
    return Packet(text.encode())


def test_an_event_is_read_with_its_types() -> None:
    assert decode_event(packet(HANGUP)) == Hangup("PJSIP/edge-00000000", "c-1", "fuzhou-1-1.0", 16, 1795250953.836392)


def test_missing_headers_are_empty_and_missing_numbers_are_minus_one() -> None:
    assert decode_event(packet("Event: Hangup\r\nUniqueid: u")) == Hangup("", "", "u", -1, -1)


@pytest.mark.parametrize("number", ["", "x", "-1", "1e9", "9" * 400, "१", "nan"])
def test_what_is_no_number_is_minus_one(number: str) -> None:
    event = decode_event(packet(f"Event: Hangup\r\nTimestamp: {number}\r\nCause: {number}"))
    assert isinstance(event, Hangup)
    assert (event.cause, event.timestamp) == (-1, -1)


def test_headers_in_another_order_are_found_as_well() -> None:
    event = decode_event(packet("Event: DialEnd\r\nDialStatus: BUSY\r\nDestUniqueid: d\r\nUniqueid: u\r\nChannel: c"))
    assert event == DialEnd("c", "", "u", "", "", "d", "BUSY")


def test_what_is_no_utf8_is_replaced_and_the_rest_stays() -> None:
    torn = Packet(b"Event: DialEnd\r\nChannel: c\xff\r\nAccountCode: \xe5\xb7\r\nUniqueid: u\r\nDialStatus: BUSY")
    assert decode_event(torn) == DialEnd("c\ufffd", "\ufffd", "u", "", "", "", "BUSY")


@given(st.permutations(HANGUP.split("\r\n")[1:]))
def test_any_order_gives_the_same_event(lines: list[str]) -> None:
    assert decode_event(packet("\r\n".join(["Event: Hangup", *lines]))) == decode_event(packet(HANGUP))


def test_an_event_we_do_not_model_is_kept_whole() -> None:
    event = decode_event(packet("Event: Reload\r\nModule: pjsip\r\nStatus: 0"))
    assert event == UnknownEvent("Reload", (("Event", "Reload"), ("Module", "pjsip"), ("Status", "0")))


def test_a_response_is_no_event() -> None:
    assert decode_event(packet("Response: Success\r\nMessage: x")) is None


def test_an_unknown_field_is_an_error_and_nothing_can_be_changed() -> None:
    event = reader_of(UserEvent)(packet("Event: UserEvent\r\nUserEvent: TielineTaken"))
    assert event.name == "TielineTaken"
    with pytest.raises(AttributeError):
        event.causse  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError):
        event.name = "x"  # type: ignore[misc]


def test_what_the_filters_let_through_is_modelled_and_what_the_bridge_uses_passes_them() -> None:
    passing = {*filters.EVENTS_OF_ALL, *filters.EVENTS_OF_HOLD, *filters.EVENTS_OF_ENTRY}
    assert passing <= events.MODELLED.keys()
    assert {kind.__name__ for kind in _TELLING} | {"FullyBooted"} == passing


def test_every_modelled_event_is_frozen_and_reads_an_empty_packet() -> None:
    for name, kind in events.MODELLED.items():
        assert kind.__struct_config__.frozen
        assert isinstance(reader_of(kind)(packet(f"Event: {name}")), kind)

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ami_bridge import wire
from ami_bridge.wire import AmiReader, Packet, all_headers, encode_action, event_name, header
from tieline.errors import LocalProtocolError, RemoteProtocolError

pytestmark = pytest.mark.unit

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
VALUES = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=40)
NAMES = st.sampled_from(["Value", "Channel", "Variable", "CallerIDName", "X-1"])
PACKETS = st.lists(st.lists(st.tuples(NAMES, VALUES), min_size=1, max_size=5), max_size=8)


def read_whole(stream: bytes) -> list[Packet]:
    return AmiReader().receive_data(stream)


def read_cut(stream: bytes, cuts: list[int]) -> list[Packet]:
    reader, packets = AmiReader(), []
    bounds = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    for start, end in itertools.pairwise(bounds):
        packets += reader.receive_data(stream[start:end])
    return packets


@given(PACKETS, st.lists(st.integers(0, 10_000), max_size=30))
def test_any_cut_gives_the_packets_that_were_sent(packets: list[list[tuple[str, str]]], cuts: list[int]) -> None:
    sent = [[("Event", "E"), *headers] for headers in packets]
    stream = GREETING + b"".join(
        "".join(f"{name}: {value}\r\n" for name, value in headers).encode() + b"\r\n" for headers in sent
    )
    assert [all_headers(packet) for packet in read_cut(stream, cuts)] == sent


@given(st.binary(max_size=300), st.lists(st.integers(0, 400), max_size=20))
def test_garbage_after_the_greeting_is_cut_alike_in_any_segments(garbage: bytes, cuts: list[int]) -> None:
    garbage = garbage.replace(b"\x01", b"\r\n").replace(b"\x02", b"\r\n\r\n")
    assert read_cut(GREETING + garbage, cuts) == read_whole(GREETING + garbage)


def test_values_are_decoded_after_framing_and_only_broken_bytes_are_replaced() -> None:
    (packet,) = read_whole(GREETING + b"Event: A\r\nName: \xb8\xa3" + "州\r\n\r\n".encode())
    assert header(packet, "Name") == "\ufffd\ufffd州"


def test_a_character_cut_by_the_end_of_its_value_does_not_eat_the_line_end() -> None:
    (packet,) = read_whole(GREETING + b"Event: A\r\nName: " + "州".encode()[:2] + b"\r\nNext: 1\r\n\r\n")
    assert (header(packet, "Name"), header(packet, "Next")) == ("\ufffd", "1")


def test_an_empty_last_header_is_kept() -> None:
    (packet,) = read_whole(GREETING + b"Event: VarSet\r\nVariable: X\r\nValue: \r\n\r\n")
    assert all_headers(packet) == [("Event", "VarSet"), ("Variable", "X"), ("Value", "")]
    assert header(packet, "Value") == ""


def test_headers_are_found_at_line_starts_only_and_the_first_wins() -> None:
    (packet,) = read_whole(
        GREETING + b"Event: A\r\nX: Channel: no\r\nChannel: yes\r\nChannel: later\r\nodd line\r\n\r\n"
    )
    assert header(packet, "Channel") == "yes"
    assert header(packet, "Event") == event_name(packet) == "A"
    assert header(packet, "Chan") is None
    assert all_headers(packet)[-1] == ("", "odd line")


def test_a_response_has_no_event_name() -> None:
    (packet,) = read_whole(GREETING + b"Response: Success\r\nEvent: X\r\n\r\n")
    assert event_name(packet) == ""


def test_lone_line_ends_between_packets_belong_to_none() -> None:
    stream = GREETING + b"Event: A\r\n\r\n\r\nEvent: B\r\n\r\n\r\n\r\nEvent: C\r\n\r\n"
    for cuts in ([], list(range(len(stream)))):
        assert [event_name(packet) for packet in read_cut(stream, cuts)] == ["A", "B", "C"]


def test_the_version_comes_from_the_greeting() -> None:
    reader = AmiReader()
    reader.receive_data(GREETING[:10])
    assert reader.version == ""
    reader.receive_data(GREETING[10:])
    assert reader.version == "11.0.0"


@pytest.mark.parametrize(
    "first", [b"HTTP/1.1 400 Bad Request\r\n", b"\x00\x01", b"Asterisk Call Manager/" + b"9" * 300]
)
def test_a_peer_that_is_no_asterisk_is_refused(first: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="no AMI greeting"):
        AmiReader().receive_data(first)


def test_a_long_greeting_in_single_bytes_is_refused_at_its_limit() -> None:
    first = (b"Asterisk Call Manager/" + b"9" * 300)[: wire.MAX_GREETING]
    with pytest.raises(RemoteProtocolError):
        read_cut(first, list(range(len(first))))


def test_each_limit_passes_what_it_allows_and_refuses_one_more() -> None:
    def longest(line: int) -> bytes:
        return GREETING + b"Event: A\r\nV: " + b"x" * (line - 3) + b"\r\n\r\n"

    def most(headers: int) -> bytes:
        return GREETING + b"\r\n".join([b"Event: A", *[b"ABC: 1"] * (headers - 1)]) + b"\r\n\r\n"

    assert len(read_whole(longest(wire.MAX_LINE))) == 1
    assert len(all_headers(read_whole(most(wire.MAX_HEADERS))[0])) == wire.MAX_HEADERS
    with pytest.raises(RemoteProtocolError, match="header longer"):
        read_whole(longest(wire.MAX_LINE + 1))
    with pytest.raises(RemoteProtocolError, match="more than 512 headers"):
        read_whole(most(wire.MAX_HEADERS + 1))


@pytest.mark.parametrize("step", [1000, 10**6])
def test_a_packet_without_end_is_refused(step: int) -> None:
    stream = GREETING + b"x" * (wire.MAX_PACKET + 1)
    with pytest.raises(RemoteProtocolError, match="packet longer"):
        read_cut(stream, list(range(len(GREETING), len(stream), step)))


def test_an_ended_packet_over_the_limit_is_refused_too() -> None:
    line = b"V: " + b"x" * 30_000 + b"\r\n"
    with pytest.raises(RemoteProtocolError, match="packet longer"):
        read_whole(GREETING + line * 9 + b"\r\n")


def test_eof_tells_of_an_unfinished_packet() -> None:
    reader = AmiReader()
    reader.receive_data(GREETING + b"Event: A\r\n\r\nEvent: B")
    assert reader.receive_eof() == 8
    assert reader.receive_eof() == 0


def test_cost_grows_in_step_with_the_length_even_byte_by_byte() -> None:
    def cost_s(length: int) -> float:
        reader = AmiReader()
        reader.receive_data(GREETING + b"Event: A\r\nV: ")
        began = time.process_time()
        for _ in range(length):
            reader.receive_data(b"x")
        return time.process_time() - began

    short, long = min(cost_s(4_000) for _ in range(3)), min(cost_s(64_000) for _ in range(3))
    assert long / short < 16 * 3  # a quadratic reader gives 256


@pytest.mark.parametrize("bad", ["a\r\nAction: Originate", "a\n", "\r", "nul\0"])
def test_a_value_that_would_begin_a_second_action_is_refused(bad: str) -> None:
    with pytest.raises(LocalProtocolError, match="CR, LF or NUL"):
        encode_action([("Action", "Setvar"), ("Value", bad)])
    with pytest.raises(LocalProtocolError, match="header name"):
        encode_action([("Action", "Setvar"), (bad, "x")])


@pytest.mark.parametrize("name", ["", "A B", "A:", "1", "名"])
def test_an_odd_header_name_is_refused(name: str) -> None:
    with pytest.raises(LocalProtocolError):
        encode_action([(name, "x")])


def test_half_a_surrogate_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="UTF-8"):
        encode_action([("Action", "\udcff")])


def test_what_asterisk_would_refuse_is_not_sent() -> None:
    assert encode_action([("Value", "x" * (wire.MAX_SENT_LINE - 7))]).endswith(b"x\r\n\r\n")
    with pytest.raises(LocalProtocolError, match="longer"):
        encode_action([("Value", "x" * (wire.MAX_SENT_LINE - 6))])
    assert encode_action([("V", "")] * wire.MAX_SENT_HEADERS)
    with pytest.raises(LocalProtocolError, match="129 headers"):
        encode_action([("V", "")] * (wire.MAX_SENT_HEADERS + 1))
    with pytest.raises(LocalProtocolError, match="0 headers"):
        encode_action([])


@given(st.lists(st.tuples(NAMES, VALUES), min_size=1, max_size=10))
def test_what_is_encoded_reads_back(headers: list[tuple[str, str]]) -> None:
    (packet,) = read_whole(GREETING + encode_action(headers))
    assert all_headers(packet) == headers

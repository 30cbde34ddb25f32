"""The FastAGI core: one outstanding command, deadlines, and no byte stream that can hurt it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agi.errors import AgiProtocolError
from agi.events import Disconnected, Reply, SessionStarted, TimedOut
from agi.parse import Limits, text_of
from agi.protocol import FastAgi, State
from tieline.errors import LocalProtocolError

pytestmark = pytest.mark.unit

BLOCK = b"agi_network: yes\nagi_network_script: menu\n\n"


def started(limits: Limits | None = None) -> FastAgi:
    core = FastAgi(0.0, headers_within_s=5, limits=limits)
    core.receive_data(BLOCK)
    assert core.events_received() == [SessionStarted({"agi_network": "yes", "agi_network_script": "menu"})]
    return core


def test_one_command_outstanding() -> None:
    core = started()
    core.send(b"NOOP\n", answer_by=1.0)
    with pytest.raises(LocalProtocolError, match="waiting"):
        core.send(b"NOOP\n", answer_by=1.0)
    core.receive_data(b"520-x\n")
    with pytest.raises(LocalProtocolError, match="usage"):
        core.send(b"NOOP\n", answer_by=1.0)
    core.receive_data(b"520 x\n")
    core.send(b"NOOP\n", answer_by=1.0)
    assert core.data_to_send() == [b"NOOP\n", b"NOOP\n"]
    assert core.data_to_send() == []


def test_nothing_can_be_sent_before_the_headers_or_after_the_end() -> None:
    core = FastAgi(0.0, headers_within_s=5)
    with pytest.raises(LocalProtocolError, match="headers"):
        core.send(b"NOOP\n", answer_by=1.0)
    core.receive_eof()
    with pytest.raises(LocalProtocolError, match="closed"):
        core.send(b"NOOP\n", answer_by=1.0)


def test_headers_have_a_deadline() -> None:
    core = FastAgi(10.0, headers_within_s=5)
    core.receive_data(BLOCK[:-1])
    assert core.next_deadline() == 15.0
    core.on_time(14.9)
    assert core.events_received() == []
    core.on_time(15.0)
    assert core.events_received() == [TimedOut()]
    assert core.state is State.CLOSED
    core.receive_data(b"\n")
    core.receive_eof()
    assert core.events_received() == []


def test_an_answer_has_a_deadline_and_idling_has_none() -> None:
    core = started()
    assert core.next_deadline() is None
    core.send(b"NOOP\n", answer_by=7.0)
    core.receive_data(b"100 Trying\n200 resu")
    assert core.next_deadline() == 7.0
    core.receive_data(b"lt=1\n")
    assert core.next_deadline() is None
    core.on_time(99.0)
    assert [type(event).__name__ for event in core.events_received()] == ["Trying", "Reply"]
    core.send(b"NOOP\n", answer_by=100.0)
    core.on_time(100.0)
    assert core.events_received() == [TimedOut()]


def test_a_fault_closes() -> None:
    core = started()
    core.send(b"NOOP\n", answer_by=1.0)
    with pytest.raises(AgiProtocolError):
        core.receive_data(b"200 result=1\nwhat?\n")
    assert core.events_received() == [Reply(200, "1")]
    assert core.state is State.CLOSED
    assert core.next_deadline() is None
    core.receive_eof()
    assert core.events_received() == []


@pytest.mark.parametrize("raw", ["王小明".encode("gbk"), b"\xff\xfe", b"a\0b", "林😀".encode()[:-1], b"\xed\xa0\x80"])
def test_text_is_always_text_that_can_be_stored(raw: bytes) -> None:
    text = text_of(raw)
    assert "\ufffd" in text
    assert "\0" not in text
    assert text.encode().decode() == text


@given(st.binary(max_size=80).map(lambda tail: b"agi_x" + tail), st.binary(max_size=80))
def test_no_bytes_raise_anything_else_or_are_kept_without_bound(head: bytes, tail: bytes) -> None:
    core = FastAgi(0.0, headers_within_s=5, limits=Limits(line_bytes=40, headers=4, block_bytes=60))
    try:
        core.receive_data(head + b"\n\n")
        core.send(b"NOOP\n", answer_by=1.0)
        core.receive_data(tail)
    except (AgiProtocolError, LocalProtocolError):
        pass
    core.receive_eof()
    assert core.state is State.CLOSED
    assert sum(isinstance(event, Disconnected) for event in core.events_received()) <= 1


@given(
    st.lists(
        st.sampled_from(
            [b"HANGUP", b"200 result=1", b"100 x", b"520-a", b"520 b", b"511 x", b"y", b"", "林".encode()]
        )
    ),
    st.data(),
)
def test_cuts_never_change_events_or_faults(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"\n".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))

    def play(segments: list[bytes]) -> tuple[list[object], str]:
        core = started()
        core.send(b"NOOP\n", answer_by=1.0)
        seen: list[object] = []
        fault = ""
        for segment in segments:
            try:
                core.receive_data(segment)
            except AgiProtocolError as error:
                fault = error.fault
            seen += core.events_received()
        return seen, fault

    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert play(pieces) == play([stream])


@given(st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"])))
def test_any_header_value_comes_through(value: str) -> None:
    core = FastAgi(0.0, headers_within_s=5)
    core.receive_data(b"agi_calleridname: " + value.encode() + b"\nagi_dnid: 95598\n\n")
    assert core.events_received() == [SessionStarted({"agi_calleridname": value, "agi_dnid": "95598"})]

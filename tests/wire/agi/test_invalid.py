"""What no Asterisk sends ends with the exact fault, however it is cut, and is never kept in memory without bound."""

from collections.abc import Callable

import pytest

from agi.errors import AgiProtocolError, Fault
from agi.events import Disconnected, Event, HangupReceived, Reply, SessionStarted, Trying
from agi.parse import Limits
from agi.protocol import FastAgi
from tests.wire.agi.streams import byte_by_byte, events, whole

pytestmark = pytest.mark.wire

BLOCK = b"agi_network: yes\nagi_network_script: menu\nagi_callerid: 123\n"
SMALL = Limits(line_bytes=100, headers=8, block_bytes=400)
USAGE = b"520-Invalid\n" + b"usage line\n" * 40

BROKEN_HEADERS = {
    b"GET / HTTP/1.1\r\n": Fault.NOT_AGI,
    b"\x16\x03\x01\x02\x00\x01": Fault.NOT_AGI,
    b"\n": Fault.NOT_AGI,
    b"\n\n": Fault.NOT_AGI,
    b"\x00": Fault.NOT_AGI,
    b"agi_no colon\n\n": Fault.NOT_AGI,
    b"HANGUP\n": Fault.NOT_AGI,
    BLOCK + b"agi_callerid: 124\n\n": Fault.BAD_HEADER,
    BLOCK + b"agi_arg_1: a\nagi_calleridname: x\n\n": Fault.BAD_HEADER,
    BLOCK + b"agi_arg_2: a\n\n": Fault.BAD_HEADER,
    BLOCK + b"".join(b"agi_arg_%d: a\n" % n for n in range(1, 9)) + b"\n": Fault.TOO_MANY_HEADERS,
    BLOCK + b"agi_x: " + b"x" * 101 + b"\n\n": Fault.LINE_TOO_LONG,
    b"agi_" + b"x" * 101: Fault.LINE_TOO_LONG,
    BLOCK + b"agi_x: x\ncontinued\n" * 30: Fault.TOO_LARGE,
}

BROKEN_ANSWERS = {
    b"200\n": Fault.BAD_REPLY,
    b"200 result\n": Fault.BAD_REPLY,
    b"200 result=1 (open\n": Fault.BAD_REPLY,
    b"200 result=1 endpos=x\n": None,  # what follows the result is text
    b"hangup\n": Fault.BAD_REPLY,
    b"HANGUP \n": Fault.BAD_REPLY,
    b"\n": Fault.BAD_REPLY,
    b"\xff\xfe\x00\n": Fault.BAD_REPLY,
    b"300 result=1\n": Fault.BAD_REPLY,
    b"200 result=1\n200 result=1\n": Fault.UNSOLICITED,
    b"200 result=1\nHANGUP\n\n": Fault.UNSOLICITED,
    b"x" * 101: Fault.LINE_TOO_LONG,
    b"200 result=" + b"x" * 101 + b"\n": Fault.LINE_TOO_LONG,
    USAGE: Fault.TOO_LARGE,
}


def play(headers: bytes, answer: bytes, cut: Callable[[bytes], list[bytes]]) -> list[Event]:
    core = FastAgi(0.0, headers_within_s=5, limits=SMALL)
    for segment in cut(headers):
        core.receive_data(segment)
    if answer:
        core.send(b"NOOP\n", answer_by=9)
        for segment in cut(answer):
            core.receive_data(segment)
    return core.events_received()


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
@pytest.mark.parametrize(("headers", "fault"), BROKEN_HEADERS.items())
def test_broken_headers(headers: bytes, fault: Fault, cut: Callable[[bytes], list[bytes]]) -> None:
    with pytest.raises(AgiProtocolError) as caught:
        play(headers, b"", cut)
    assert caught.value.fault is fault
    assert str(fault) in str(caught.value)


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
@pytest.mark.parametrize(("answer", "fault"), BROKEN_ANSWERS.items())
def test_broken_answers(answer: bytes, fault: Fault | None, cut: Callable[[bytes], list[bytes]]) -> None:
    if fault is None:
        assert isinstance(play(BLOCK + b"\n", answer, cut)[-1], Reply)
        return
    with pytest.raises(AgiProtocolError) as caught:
        play(BLOCK + b"\n", answer, cut)
    assert caught.value.fault is fault


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"200 result=0\n", Reply(200, "0")),
        (b"200 result=\n", Reply(200, "")),
        (b"200 result=12#*\n", Reply(200, "12#*")),
        (b"200 result=1 ()\n", Reply(200, "1", "")),
        (b"200 result=1 (a) endpos=9)\n", Reply(200, "1", "a) endpos=9")),
        (b"200 result=0 (timeout) endpos=1234\n", Reply(200, "0", "timeout", 1234)),
        (b"200 result=1 (digit) digit=5 endpos=12\n", Reply(200, "1", "digit", text="digit=5 endpos=12")),
        (b"200 result=-1 endpos=0\n", Reply(200, "-1", endpos=0)),
        (b"510 Invalid or unknown command\n", Reply(510, text="Invalid or unknown command")),
        (b"511 Command Not Permitted\n", Reply(511, text="Command Not Permitted")),
        (b"520 Invalid command syntax.\n", Reply(520, text="Invalid command syntax.")),
        (b"520-Invalid\nUsage: X\n 520 no\n520 End.\n", Reply(520, text="Invalid\nUsage: X\n 520 no\nEnd.")),
    ],
)
@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_every_form_of_answer(line: bytes, reply: Reply, cut: Callable[[bytes], list[bytes]]) -> None:
    assert list(events([(b"", BLOCK + b"\n"), (b"NOOP\n", line)], cut))[1:-1] == [reply]


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_hangup_anywhere(cut: Callable[[bytes], list[bytes]]) -> None:
    headers = BLOCK + b"HANGUP\nagi_arg_1: a\n\nHANGUP\n"
    answer = b"HANGUP\n100 Trying\nHANGUP\n520-Invalid\nHANGUP\n520 End.\nHANGUP\n"
    kinds = [type(event) for event in events([(b"", headers), (b"NOOP\n", answer)], cut)]
    hang = HangupReceived
    assert kinds == [SessionStarted, hang, hang, hang, Trying, hang, hang, Reply, hang, Disconnected]


@pytest.mark.parametrize("cut_at", range(len(BLOCK) + 1))
def test_eof_anywhere_in_the_headers(cut_at: int) -> None:
    core = FastAgi(0.0, headers_within_s=5)
    core.receive_data(BLOCK[:cut_at])
    core.receive_eof()
    assert core.events_received() == [Disconnected(started=False, mid_line=cut_at > 0)]

"""Recorded streams of the real Asterisk give the same events however they are cut."""

from collections.abc import Callable

import pytest

from agi import commands
from agi.errors import AgiProtocolError, Fault
from agi.events import Disconnected, HangupReceived, Reply, SessionStarted
from agi.request import Request
from tests.wire.agi.record import HOSTILE, PLAIN, SCENARIOS
from tests.wire.agi.streams import NAMES, byte_by_byte, events, inside_characters, turns, whole

pytestmark = pytest.mark.wire

END = Disconnected(started=True, mid_line=False)
FORGED = "forged_headers"


def replies(name: str) -> list[Reply]:
    return [event for event in events(turns(name)) if isinstance(event, Reply)]


def request(name: str) -> Request:
    started = next(iter(events(turns(name)[:1])))
    assert isinstance(started, SessionStarted)
    return Request(started.headers)


@pytest.mark.parametrize("cut", [byte_by_byte, inside_characters])
@pytest.mark.parametrize("name", [name for name in NAMES if name != FORGED])
def test_cuts_change_nothing(name: str, cut: Callable[[bytes], list[bytes]]) -> None:
    assert list(events(turns(name), cut)) == list(events(turns(name), whole))


@pytest.mark.parametrize("name", [name for name in NAMES if name != FORGED])
def test_tail_of_an_unfinished_line_is_no_event(name: str) -> None:
    got = list(events([*turns(name), (b"", b"200 res")]))
    assert got == [*list(events(turns(name)))[:-1], Disconnected(started=True, mid_line=True)]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in (FORGED, "hangup_in_read")])
def test_lone_line_after_the_last_answer_is_unsolicited(name: str) -> None:
    with pytest.raises(AgiProtocolError) as caught:
        list(events([*turns(name), (b"", b"200 result=1\n")]))
    assert caught.value.fault is Fault.UNSOLICITED


@pytest.mark.parametrize("name", NAMES)
def test_commands_are_still_built_as_recorded(name: str) -> None:
    asked = [step for step in SCENARIOS[name] if step]
    sent = [command for command, _ in turns(name)[1:]]
    assert sent == asked[: len(sent)]
    assert sent


def test_plain_session() -> None:
    started = request("plain")
    assert started.script == "0plain"
    assert started.query == {"from": "test"}
    assert started.arguments == ("first", "second argument")
    assert started.channel == "Local/agi-plain@t-00000000;2"
    assert started.uniqueid == "fuzhou-1-1795250482.1"
    assert started.account_code == "0193f0a0-0000-7000-8000-000000000001"
    assert (started.caller_number, started.caller_name) == ("059187654321", "林秀英")
    assert (started.context, started.exten) == ("t", "agi-0plain")
    assert len(started.headers) == 24
    assert [reply.result for reply in replies("plain")] == ["0", "6", "1", "0", "1"]


def test_refusals_take_every_line_of_usage() -> None:
    got = replies("refusals")
    assert [reply.code for reply in got] == [510, 520, 520, 200, 520, 200, 200, 200]
    assert got[1].text.splitlines()[0] == "Invalid command syntax.  Proper usage follows:"
    assert got[1].text.splitlines()[-1] == "End of proper usage."
    assert got[3] == Reply(200, "-2")
    assert got[5] == Reply(200, "-1")
    assert got[6] == Reply(200, "-1", endpos=0)


def test_digits_and_silence() -> None:
    assert replies("digit_get_data")[0] == Reply(200, "1")
    assert replies("digits_terminated")[0] == Reply(200, "12")
    assert replies("digits_read")[1].data == "OK:1234"
    assert replies("digits_early")[1].data == "OK:1234"
    assert replies("digit_background")[0] == Reply(200, "49")
    assert replies("stream_file")[0] == Reply(200, "49", endpos=6560)
    assert replies("silence")[0] == Reply(200, "", data="timeout")
    assert replies("silence")[2].data == "TIMEOUT:"
    assert [reply.data for reply in replies("missing_last_prompt")[1::2]] == ["ERROR:", "TIMEOUT:"]


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("hangup_in_command", [Reply, HangupReceived, Reply, Reply, Reply, HangupReceived]),
        ("hangup_in_read", [Reply, HangupReceived, HangupReceived]),
        ("hangup_idle", [Reply, HangupReceived, Reply, HangupReceived]),
        ("hangup_twice_idle", [Reply, HangupReceived, HangupReceived]),
        ("hangup_own", [Reply, HangupReceived, Reply, HangupReceived]),
    ],
)
def test_hangup_is_never_an_answer(name: str, kinds: list[type]) -> None:
    got = list(events(turns(name)))
    assert [type(event) for event in got] == [SessionStarted, *kinds, Disconnected]


def test_dead_channel_answers_variables_and_refuses_the_rest() -> None:
    assert request("dead_channel").arguments == ("hung up",)
    assert [reply.code for reply in replies("dead_channel")] == [200, 200, 511]


def test_hostile_values_come_back_as_they_were_set() -> None:
    name = "hostile_values"
    assert request(name).caller_name == "\ufffd\ufffd\u0421\ufffd\ufffd 😀"  # GBK read as UTF-8: never an exception
    assert request(name).caller_number == '"x,gbk-hostile_values'
    names = [*PLAIN, "TL_H1", "TL_UNSET", "CALLERID(name)", "CALLERID(num)", "TL_LAST"]
    values = commands.values_of(names, replies(name)[2].data or "")
    assert values == {
        **PLAIN,
        "TL_H1": HOSTILE,
        "TL_UNSET": "",
        "CALLERID(name)": "\ufffd\ufffd\u0421\ufffd\ufffd 😀",
        "CALLERID(num)": '"x,gbk-hostile_values',
        "TL_LAST": "last",
    }


def test_line_feeds_stay_inside_their_value() -> None:
    assert request("line_feed_in_name").caller_name == "a\nb"
    assert request("sip_caller").caller_number == "123\nagi_accountcode"
    assert replies("line_feed_in_name")[0].data == "\x01\x01\x01\x01\x01ab\x01123\x01"


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_forged_headers_end_the_connection(cut: Callable[[bytes], list[bytes]]) -> None:
    with pytest.raises(AgiProtocolError) as caught:
        list(events([(b"", b"".join(got for _, got in turns(FORGED)))], cut))
    assert caught.value.fault is Fault.UNSOLICITED

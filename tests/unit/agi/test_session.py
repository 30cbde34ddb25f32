"""Verbs: what they ask, what they make of the answers, and how a hang-up ends them."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from agi.commands import Command
from agi.errors import CallerGone, CommandRefused, PromptFailed
from agi.events import Reply
from agi.request import Request
from agi.session import Gathered, GatherEnd, Session
from tieline.errors import ConnectionLost, RemoteProtocolError

pytestmark = pytest.mark.unit

Verb = Callable[[Session], Awaitable[object]]


class Peer:
    """Answers commands from a list; a missing answer leaves the verb waiting."""

    def __init__(self, *replies: Reply | str, dead_channel: bool = False) -> None:
        self.sent: list[bytes] = []
        self._replies = list(replies)
        self.session = Session(Request({}), self._send, dead_channel=dead_channel)

    def _send(self, command: Command, deadline_s: float) -> None:
        assert deadline_s > 0
        self.sent.append(command)
        loop = asyncio.get_running_loop()
        if self._replies:
            reply = self._replies.pop(0)
            if reply == "HANGUP":
                loop.call_soon(self.session.receive_hangup)
            elif isinstance(reply, Reply):
                loop.call_soon(self.session.receive_reply, reply)
                if self._replies[:1] == ["HANGUP"]:
                    self._replies.pop(0)
                    loop.call_soon(self.session.receive_hangup)


def ok(result: str = "0", data: str | None = None) -> Reply:
    return Reply(200, result, data)


async def test_gather_one_prompt_is_one_command() -> None:
    peer = Peer(ok("12"))
    assert await peer.session.gather(["a"], max_digits=2, timeout_ms=3000) == Gathered("12", GatherEnd.FULL)
    assert peer.sent == [b'GET DATA "a" "3000" "2"\n']


@pytest.mark.parametrize(
    ("reply", "gathered"),
    [
        (ok("1"), Gathered("1", GatherEnd.TERMINATOR)),
        (ok(""), Gathered("", GatherEnd.TERMINATOR)),
        (ok("", "timeout"), Gathered("", GatherEnd.TIMEOUT)),
        (ok("1", "timeout"), Gathered("1", GatherEnd.TIMEOUT)),
    ],
)
async def test_gather_tells_why_it_ended(reply: Reply, gathered: Gathered) -> None:
    assert await Peer(reply).session.gather([], max_digits=2, timeout_ms=1) == gathered


async def test_gather_several_prompts_is_two_commands() -> None:
    peer = Peer(ok(), ok("1", "OK:73"))
    assert await peer.session.gather(["a", "b"], max_digits=2, timeout_ms=3000) == Gathered("73", GatherEnd.FULL)
    assert peer.sent == [
        b'EXEC Read "TL_DIGITS,a&b,2,,1,3.000"\n',
        b'GET FULL VARIABLE "${READSTATUS}:${TL_DIGITS}"\n',
    ]


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        (["55"], Gathered("7", GatherEnd.FULL)),
        (["35"], Gathered("", GatherEnd.TERMINATOR)),
        (["0", "42"], Gathered("*", GatherEnd.FULL)),
        (["0", "35"], Gathered("", GatherEnd.TERMINATOR)),
        (["0", "0"], Gathered("", GatherEnd.TIMEOUT)),
    ],
)
async def test_one_key_cuts_several_prompts_or_is_waited_for(results: list[str], expected: Gathered) -> None:
    peer = Peer(*map(ok, results))
    assert await peer.session.gather(["a", "b"], max_digits=1, timeout_ms=3000) == expected
    assert peer.sent == [b'EXEC Background "a&b,n"\n', b'WAIT FOR DIGIT "3000"\n'][: len(results)]


async def test_a_caller_who_leaves_before_the_one_key_is_gone() -> None:
    for answers in ((ok("-1"), "HANGUP"), (ok("0"), ok("-1"), "HANGUP")):
        with pytest.raises(CallerGone):
            await Peer(*answers).session.gather(["a", "b"], max_digits=1, timeout_ms=9)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [("TIMEOUT:12", Gathered("12", GatherEnd.TIMEOUT)), ("OK:", Gathered("", GatherEnd.TERMINATOR))],
)
async def test_read_outcomes(outcome: str, expected: Gathered) -> None:
    assert await Peer(ok(), ok("1", outcome)).session.gather(["a", "b"], max_digits=4, timeout_ms=9) == expected


@pytest.mark.parametrize(("outcome", "error"), [("HANGUP:1", CallerGone), ("ERROR:", PromptFailed)])
async def test_read_failures(outcome: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await Peer(ok(), ok("1", outcome)).session.gather(["a", "b"], max_digits=4, timeout_ms=9)


async def test_a_failed_prompt_is_told_from_a_hangup() -> None:
    with pytest.raises(PromptFailed, match="a"):
        await Peer(ok("-1")).session.gather(["a"], max_digits=1, timeout_ms=9)
    with pytest.raises(CallerGone):
        await Peer(ok("-1"), "HANGUP").session.gather(["a"], max_digits=1, timeout_ms=9)


async def test_play_until_digit() -> None:
    assert await Peer(ok("49")).session.play_until_digit(["a"]) == "1"
    assert await Peer(ok("0")).session.play_until_digit(["a"]) == ""


async def test_variables() -> None:
    peer = Peer(ok("1", "x\x01"), ok("1"), ok("0"))
    assert await peer.session.get_variables("A", "B") == {"A": "x", "B": ""}
    await peer.session.set_variables({"A": "1", "B": '"', "C": "2"})
    assert [line.split(b'"')[0] for line in peer.sent] == [b"GET FULL VARIABLE ", b"SET VARIABLE ", b"EXEC MSet "]
    with pytest.raises(RemoteProtocolError):
        await Peer(ok("0")).session.get_variables("A", "B")


async def test_execute() -> None:
    assert await Peer(ok("0")).session.execute("NoOp", "x") == 0
    assert await Peer(ok("-1")).session.execute("NoOp") == -1
    with pytest.raises(CommandRefused, match="NoOpp"):
        await Peer(ok("-2")).session.execute("NoOpp")


async def test_short_verbs() -> None:
    peer = Peer(ok("0"), ok("0"))
    await peer.session.answer()
    await peer.session.play(["a"])
    assert peer.sent == [b"ANSWER\n", b'EXEC Playback "a,noanswer"\n']


@pytest.mark.parametrize("code", [510, 520])
async def test_refusals_are_our_faults(code: int) -> None:
    with pytest.raises(CommandRefused) as caught:
        await Peer(Reply(code)).session.set_variables({"A": "secret"})
    assert str(caught.value) == f"Asterisk refused EXEC MSet: {code}"  # never the arguments


async def test_not_on_a_dead_channel() -> None:
    with pytest.raises(CallerGone):
        await Peer(Reply(511)).session.answer()
    with pytest.raises(CommandRefused):
        await Peer(Reply(511), dead_channel=True).session.answer()


VERBS: list[Verb] = [
    lambda s: s.answer(),
    lambda s: s.play(["a"]),
    lambda s: s.gather(["a"], max_digits=1, timeout_ms=1),
    lambda s: s.gather(["a", "b"], max_digits=1, timeout_ms=1),
    lambda s: s.get_variables("A"),
    lambda s: s.set_variables({"A": "1"}),
    lambda s: s.execute("NoOp"),
    lambda s: s.or_gone(asyncio.Event().wait()),
]


@pytest.mark.parametrize("verb", VERBS)
async def test_a_hangup_ends_every_verb_at_once_and_the_next_ones(verb: Verb) -> None:
    peer = Peer()
    task = asyncio.ensure_future(verb(peer.session))
    await asyncio.sleep(0)
    peer.session.receive_hangup()
    with pytest.raises(CallerGone):
        await asyncio.wait_for(task, 1)
    for again in VERBS:
        with pytest.raises(CallerGone):
            await again(peer.session)
    assert len(peer.sent) <= 1
    assert peer.session.hung_up


async def test_a_dead_channel_ignores_hangups() -> None:
    peer = Peer(ok("1", "x"), dead_channel=True)
    peer.session.receive_hangup()
    peer.session.receive_hangup()
    assert await peer.session.get_variables("A") == {"A": "x"}
    assert await peer.session.or_gone(asyncio.sleep(0, "done")) == "done"
    assert peer.session.hung_up


async def test_the_first_failure_counts() -> None:
    peer = Peer()
    peer.session.receive_hangup()
    peer.session.fail(ConnectionLost())
    with pytest.raises(CallerGone):
        await peer.session.answer()
    assert isinstance(peer.session.failure, CallerGone)


async def test_or_gone_gives_results_and_errors() -> None:
    async def fails() -> None:
        raise KeyError("x")

    session = Peer().session
    assert await session.or_gone(asyncio.sleep(0, 7)) == 7
    with pytest.raises(KeyError):
        await session.or_gone(fails())


async def test_or_gone_cancels_the_work() -> None:
    cancelled = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    session = Peer().session
    task = asyncio.ensure_future(session.or_gone(work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    session.receive_hangup()
    with pytest.raises(CallerGone):
        await task
    assert cancelled.is_set()


async def test_a_cancelled_verb_leaves_nothing_behind() -> None:
    peer = Peer()
    task = asyncio.ensure_future(peer.session.answer())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    peer.session.receive_reply(ok())
    peer.session.receive_hangup()

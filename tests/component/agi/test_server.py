"""Sessions of the FastAGI server on real sockets: how each of them ends."""

import asyncio
from collections.abc import Mapping

import pytest

from agi.connection import Route
from agi.errors import CallerGone, CommandRefused, Fault
from agi.metrics import End
from agi.session import Session
from tests.component.agi.peers import MENU, calling, headers, serving, until
from tieline.errors import ConnectionLost, DeadlineExceeded

pytestmark = pytest.mark.component


async def test_a_whole_session() -> None:
    async with serving(MENU) as server, calling(server) as peer:
        sent = await peer.good_call()
        assert sent[1:] == [b'GET DATA "menu" "1000" "1"\n', b'EXEC MSet "TL_DIGIT=1,TL_DONE=menu"\n']
        await until(lambda: server.metrics().connections == 0)
        metrics = server.metrics()
        assert metrics.sessions == {("menu", End.DONE): 1}
        assert (metrics.in_progress, metrics.refused, metrics.faults) == (0, {}, {})
        assert metrics.durations["menu"].count == 1


async def test_sessions_run_side_by_side() -> None:
    async with serving(MENU) as server:

        async def call() -> list[bytes]:
            async with calling(server) as peer:
                return await peer.good_call()

        results = await asyncio.gather(*(call() for _ in range(100)))
        assert all(len(sent) == 3 for sent in results)
        assert server.metrics().sessions == {("menu", End.DONE): 100}


async def test_a_hangup_is_seen_at_once() -> None:
    tidied = asyncio.Event()

    async def script(session: Session) -> Mapping[str, str]:
        try:
            await session.gather(["menu"], max_digits=1, timeout_ms=1000)
        except CallerGone:
            tidied.set()
            raise
        return {}

    async with serving({"menu": Route(script, deadline_s=30)}) as server, calling(server) as peer:
        peer.send(headers())
        await peer.command()
        peer.send(b"HANGUP\n")
        await asyncio.wait_for(tidied.wait(), 5)
        await peer.closed()  # no TL_DONE
        assert server.metrics().sessions == {("menu", End.HUNG_UP): 1}


async def test_a_hangup_ends_other_waits_too() -> None:
    async def script(session: Session) -> Mapping[str, str]:
        await session.or_gone(asyncio.Event().wait())
        return {}

    async with serving({"menu": Route(script, deadline_s=30)}) as server, calling(server) as peer:
        peer.send(headers())
        await until(lambda: server.metrics().in_progress == 1)
        peer.send(b"HANGUP\nHANGUP\n")
        await peer.closed()
        assert server.metrics().sessions == {("menu", End.HUNG_UP): 1}


async def test_the_hangup_handler_works_on_a_dead_channel() -> None:
    async def script(session: Session) -> Mapping[str, str]:
        await session.get_variables("TL_CALL")
        return {}

    async with serving({"menu": Route(script, deadline_s=30, dead_channel=True)}) as server, calling(server) as peer:
        peer.send(headers() + b"HANGUP\n")
        await peer.command()
        peer.send(b"HANGUP\n200 result=1 (x)\n")
        assert await peer.command() == b'EXEC MSet "TL_DONE=menu"\n'
        peer.send(b"200 result=0\nHANGUP\n")
        await peer.closed()
        assert server.metrics().sessions == {("menu", End.DONE): 1}


async def test_script_past_its_deadline_is_cut() -> None:
    cancelled = asyncio.Event()

    async def script(session: Session) -> Mapping[str, str]:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return {}

    async with serving({"menu": Route(script, deadline_s=0.05)}) as server, calling(server) as peer:
        peer.send(headers())
        await peer.closed()
        assert cancelled.is_set()
        await until(lambda: server.metrics().in_progress == 0)
        assert server.metrics().sessions == {("menu", End.DEADLINE): 1}


async def test_silent_asterisk_ends_the_verb() -> None:
    seen: list[BaseException] = []

    async def script(session: Session) -> Mapping[str, str]:
        try:
            await session.gather([], max_digits=1, timeout_ms=10, deadline_s=0.05)
        except DeadlineExceeded as error:
            seen.append(error)
            raise
        return {}

    async with serving({"menu": Route(script, deadline_s=30)}) as server, calling(server) as peer:
        peer.send(headers())
        await peer.command()
        await peer.closed()
        assert [str(error) for error in seen] == ["no answer within 0.05 s: answer to an AGI command"]
        assert server.metrics().sessions == {("menu", End.SILENT): 1}


@pytest.mark.parametrize("answer", [b"510 Invalid or unknown command\n", b"520-x\nusage\n520 End\n"])
async def test_a_refused_command_fails_the_script(answer: bytes) -> None:
    seen: list[BaseException] = []

    async def script(session: Session) -> Mapping[str, str]:
        try:
            await session.answer()
        except CommandRefused as error:
            seen.append(error)
            raise
        return {}

    async with serving({"menu": Route(script, deadline_s=30)}) as server, calling(server) as peer:
        peer.send(headers())
        await peer.command()
        peer.send(answer)
        await peer.closed()
        assert len(seen) == 1
        assert server.metrics().sessions == {("menu", End.FAILED): 1}


async def test_a_failing_script_closes_without_done() -> None:
    async def script(session: Session) -> Mapping[str, str]:
        raise KeyError(session.request.script)

    async with serving({"menu": Route(script, deadline_s=30)}) as server, calling(server) as peer:
        peer.send(headers())
        await peer.closed()
        assert server.metrics().sessions == {("menu", End.FAILED): 1}


async def test_values_that_cannot_be_sent_fail_the_script() -> None:
    async def script(session: Session) -> Mapping[str, str]:
        return {"TL_X": "a\nEXEC System reboot"}

    async with serving({"menu": Route(script, deadline_s=30)}) as server, calling(server) as peer:
        peer.send(headers())
        await peer.closed()
        assert server.metrics().sessions == {("menu", End.FAILED): 1}


async def test_unknown_scripts_are_counted_under_one_name() -> None:
    async with serving(MENU) as server:
        for script in ("evil", "menu2", "", "../menu"):
            async with calling(server) as peer:
                peer.send(headers(script))
                await peer.closed()
        assert server.metrics().sessions == {("", End.UNKNOWN_SCRIPT): 4}


async def test_asterisk_gone_in_the_middle() -> None:
    seen = asyncio.Event()

    async def script(session: Session) -> Mapping[str, str]:
        try:
            await session.answer()
        except ConnectionLost:
            seen.set()
            raise
        return {}

    async with serving({"menu": Route(script, deadline_s=30)}) as server:
        async with calling(server) as peer:
            peer.send(headers())
            await peer.command()
        await asyncio.wait_for(seen.wait(), 5)
        await until(lambda: server.metrics().in_progress == 0)
        assert server.metrics().sessions == {("menu", End.LOST): 1}


async def test_a_broken_answer_ends_the_session() -> None:
    async with serving(MENU) as server, calling(server) as peer:
        peer.send(headers())
        await peer.command()
        peer.send(b"agi_accountcode: forged\n")
        await peer.closed()
        assert server.metrics().sessions == {("menu", End.PROTOCOL): 1}
        assert server.metrics().faults == {Fault.BAD_REPLY: 1}


async def test_a_session_that_begins_with_a_fault_never_runs() -> None:
    ran = asyncio.Event()

    async def script(session: Session) -> Mapping[str, str]:
        ran.set()
        return {}

    async with serving({"menu": Route(script, deadline_s=30)}) as server, calling(server) as peer:
        peer.send(headers() + b"agi_calleridname: the real one\n\n")
        await peer.closed()
        assert not ran.is_set()
        assert server.metrics().faults == {Fault.UNSOLICITED: 1}
        assert server.metrics().sessions == {}

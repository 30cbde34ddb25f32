"""Whom the FastAGI server lets in, and how it ends: addresses, full, draining, its beat."""

import asyncio
from collections.abc import Mapping

import pytest

from agi.connection import Route
from agi.metrics import End, Refusal
from agi.server import TICK_S, AgiSettings
from agi.session import Session
from tests.component.agi.peers import GOOD_ANSWERS, MENU, calling, headers, serving, until

pytestmark = pytest.mark.component


async def test_only_known_addresses_are_served() -> None:
    settings = AgiSettings(port=0, accept_from=("127.0.31.7", "127.0.31.16/28"))
    async with serving(MENU, settings) as server:
        for source in ("127.0.31.7", "127.0.31.17"):
            async with calling(server, source) as peer:
                assert len(await peer.good_call()) == 3
        async with calling(server, "127.0.31.8") as peer:
            await peer.closed()
        await until(lambda: server.metrics().connections == 0)
        assert server.metrics().refused == {Refusal.ADDRESS: 1}
        assert server.metrics().sessions == {("menu", End.DONE): 2}


async def test_faulty_networks_are_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="everybody"):
        async with serving(MENU, AgiSettings(port=0, accept_from=("everybody",))):
            pass


async def test_when_full_the_slowest_without_headers_gives_way() -> None:
    async with serving(MENU, AgiSettings(port=0, max_connections=2)) as server:
        async with calling(server) as running, calling(server) as slow:
            running.send(headers())
            await running.command()
            slow.send(headers()[:100])
            await until(lambda: server.metrics().connections == 2)
            async with calling(server) as third:
                third.send(headers())
                await third.command()
                await slow.closed()
                async with calling(server) as fourth:
                    await fourth.closed()
        await until(lambda: server.metrics().connections == 0)
        assert server.metrics().refused == {Refusal.FULL: 2}
        assert server.metrics().sessions == {("menu", End.LOST): 2}


async def test_stop_waits_for_running_scripts_and_takes_no_new_ones() -> None:
    async with serving(MENU) as server, calling(server) as peer:
        peer.send(headers())
        first = await peer.command()
        stopping = asyncio.ensure_future(server.stop(drain_s=30))
        address = server.address
        await asyncio.sleep(0)
        with pytest.raises(OSError):
            await asyncio.open_connection(*address)
        assert not stopping.done()
        assert first.startswith(b"GET FULL VARIABLE")
        peer.send(GOOD_ANSWERS[0])
        for answer in GOOD_ANSWERS[1:]:
            await peer.command()
            peer.send(answer)
        await peer.closed()
        await asyncio.wait_for(stopping, 5)
        assert server.metrics().sessions == {("menu", End.DONE): 1}


async def test_stop_cuts_what_does_not_end() -> None:
    async with serving(MENU) as server, calling(server) as peer, calling(server) as silent:
        peer.send(headers())
        await peer.command()
        await asyncio.wait_for(server.stop(drain_s=0.05), 5)
        await peer.closed()
        await silent.closed()
        assert server.metrics().sessions == {("menu", End.CUT): 1}
        assert server.metrics().refused == {Refusal.CUT: 1}
        assert server.metrics().in_progress == 0


async def test_stop_waits_for_a_cut_script_to_tidy_up() -> None:
    tidying, may_end, tidied = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def script(session: Session) -> Mapping[str, str]:
        try:
            await session.answer()
        finally:
            tidying.set()
            await may_end.wait()
            tidied.set()
        return {}

    async with serving({"menu": Route(script, deadline_s=30)}) as server, calling(server) as peer:
        peer.send(headers())
        await peer.command()
        stopping = asyncio.ensure_future(server.stop(drain_s=0))
        await asyncio.wait_for(tidying.wait(), 5)
        assert not stopping.done()
        may_end.set()
        await asyncio.wait_for(stopping, 5)
        assert tidied.is_set()
        assert server.metrics().sessions == {("menu", End.CUT): 1}


async def test_the_beat_goes_on() -> None:
    async with serving(MENU) as server:
        first = server.beat
        await until(lambda: server.beat > first, within_s=20 * TICK_S)


async def test_the_beat_is_monotonic_time() -> None:
    import time

    async with serving(MENU) as server:
        assert abs(server.beat - time.monotonic()) < 5

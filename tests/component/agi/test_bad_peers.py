"""Peers that are no Asterisk: each ends within its deadline, is counted, and no good call notices."""

import asyncio
import resource
import socket
import struct
import time
from collections.abc import Awaitable, Callable

import pytest

from agi.connection import Connection
from agi.errors import Fault
from agi.metrics import End, Refusal
from agi.server import RECEIVE_BYTES, SPARE_FILES, AgiServer, AgiSettings
from tests.component.agi.peers import MENU, Peer, calling, headers, serving, until

pytestmark = pytest.mark.component

FEWEST_GOOD = 10
QUICK = AgiSettings(port=0, headers_within_s=0.3)

Bad = Callable[[Peer], Awaitable[None]]


async def silence(peer: Peer) -> None:
    await peer.closed()


async def half_a_header(peer: Peer) -> None:
    peer.send(headers()[:60])
    await peer.closed()


async def megabyte_without_newline(peer: Peer) -> None:
    peer.send(b"agi_network: " + b"x" * 1_000_000)
    await peer.closed()


async def megabyte_of_headers(peer: Peer) -> None:
    peer.send(b"agi_network: yes\n" * 60_000)
    await peer.closed()


async def binary(peer: Peer) -> None:
    peer.send(bytes(range(256)) * 4)
    await peer.closed()


async def closes_at_once(peer: Peer) -> None:
    peer.writer.close()


async def drips(peer: Peer) -> None:
    """Keeps sending a byte, so that it is never idle, until the server has closed."""
    closed = asyncio.ensure_future(peer.closed())
    for byte in headers()[:-1]:
        peer.send(bytes([byte]))
        done, _ = await asyncio.wait([closed], timeout=0.01)
        if done:
            break
    await closed


CASES: list[tuple[Bad, dict[Refusal, int], dict[Fault, int]]] = [
    (silence, {Refusal.SILENT: 1}, {}),
    (half_a_header, {Refusal.SILENT: 1}, {}),
    (drips, {Refusal.SILENT: 1}, {}),
    (megabyte_without_newline, {}, {Fault.LINE_TOO_LONG: 1}),
    (megabyte_of_headers, {}, {Fault.TOO_LARGE: 1}),
    (binary, {}, {Fault.NOT_AGI: 1}),
    (closes_at_once, {Refusal.CLOSED: 1}, {}),
]


@pytest.mark.parametrize(("bad", "refused", "faults"), CASES)
async def test_one_bad_peer(bad: Bad, refused: dict[Refusal, int], faults: dict[Fault, int]) -> None:
    async with serving(MENU, QUICK) as server:
        async with calling(server) as peer:
            await bad(peer)
            await until(lambda: server.metrics().connections == 0)
        metrics = server.metrics()
        assert (metrics.refused, metrics.faults, metrics.sessions) == (refused, faults, {})
        async with calling(server) as peer:
            assert len(await peer.good_call()) == 3


async def test_a_thousand_bad_peers_at_once_while_calls_go_on() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    kinds: list[Bad] = [silence, half_a_header, megabyte_without_newline, binary, closes_at_once]
    # Longer than a turn of the loop with a thousand peers, ours and theirs, takes on a busy machine.
    async with serving(MENU, AgiSettings(port=0, headers_within_s=3.0)) as server:
        bad = [asyncio.ensure_future(_misbehave(server, kinds[n % len(kinds)])) for n in range(1000)]
        good = 0
        while good < FEWEST_GOOD or not all(task.done() for task in bad):
            async with calling(server) as peer:
                assert len(await peer.good_call()) == 3
            good += 1
        await asyncio.gather(*bad)
        await until(lambda: server.metrics().connections == 0)
        metrics = server.metrics()
        assert metrics.sessions == {("menu", End.DONE): good}
        assert metrics.refused == {Refusal.SILENT: 400, Refusal.CLOSED: 200}
        assert metrics.faults == {Fault.LINE_TOO_LONG: 200, Fault.NOT_AGI: 200}


async def _misbehave(server: AgiServer, bad: Bad) -> None:
    async with calling(server) as peer:
        await bad(peer)


async def test_fewer_connections_when_the_process_may_have_fewer_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agi.server.resource.getrlimit", lambda _: (SPARE_FILES + 1, 10_000))
    async with serving(MENU) as server, calling(server) as first, calling(server) as second:
        await first.closed()
        assert server.metrics().refused == {Refusal.FULL: 1}
        assert len(await second.good_call()) == 3


async def test_resets_leave_nothing_behind() -> None:
    linger = struct.pack("ii", 1, 0)  # close() sends a reset
    async with serving(MENU) as server:
        for sent in (b"", headers()[:60], headers()) * 10:
            with socket.create_connection(server.address) as peer:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                peer.sendall(sent)
        await until(lambda: _counted(server) == 30 and server.metrics().connections == 0)
        metrics = server.metrics()
        assert set(metrics.refused) == {Refusal.CLOSED}
        assert {end for _, end in metrics.sessions} <= {End.LOST}
        assert (metrics.connections, metrics.in_progress) == (0, 0)


def _counted(server: AgiServer) -> int:
    metrics = server.metrics()
    return sum(metrics.refused.values()) + sum(metrics.sessions.values())


async def test_the_kernel_holds_little_of_a_peer_that_floods() -> None:
    held_bytes = []

    class Looking(AgiServer):
        def admit(self, connection: Connection, transport: asyncio.Transport) -> Refusal | None:
            held_bytes.append(transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
            return super().admit(connection, transport)

    server = Looking(MENU, QUICK)
    await server.start()
    async with calling(server) as peer:
        await megabyte_without_newline(peer)
    await server.stop(drain_s=0)
    assert held_bytes == [2 * RECEIVE_BYTES]  # Linux doubles it: socket(7)


async def test_bad_peers_cost_no_spinning() -> None:
    settings = AgiSettings(port=0, headers_within_s=0.5)
    async with serving(MENU, settings) as server, calling(server) as silent, calling(server) as half:
        half.send(headers()[:60])
        await until(lambda: server.metrics().connections == 2)
        before, began = time.process_time(), time.monotonic()
        await asyncio.gather(silent.closed(), half.closed())  # nothing happens until their time is over
        assert time.process_time() - before < (time.monotonic() - began) / 2

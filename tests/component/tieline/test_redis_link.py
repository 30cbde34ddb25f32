"""The connection to Redis against a scripted peer: what a slow, a refusing and a nonsensical one lead to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tieline.errors import ConnectionLost, DeadlineExceeded
from tieline.live import Live
from tieline.redis_link import ScriptError

pytestmark = pytest.mark.component


class Peer:
    """A server that says what the test tells it to say, on one connection after the other."""

    def __init__(self) -> None:
        self.connections: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand the connection to the test."""
        self._writers.append(writer)
        self.connections.put_nowait((reader, writer))

    async def close(self) -> None:
        """Close every connection."""
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


@pytest_asyncio.fixture
async def peer() -> AsyncIterator[tuple[Peer, Live]]:
    """A peer, and a door to it."""
    script = Peer()
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    script.port = server.sockets[0].getsockname()[1]
    live = Live(f"redis://:secret@127.0.0.1:{script.port}/0", deadline_s=2.0)
    yield script, live
    await live.close()
    server.close()
    await script.close()


async def entered(peer: Peer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Let the next connection in."""
    reader, writer = await peer.connections.get()
    assert await reader.readuntil(b"secret\r\n")
    writer.write(b"+OK\r\n")
    return reader, writer


async def test_what_is_late_before_it_was_sent_is_never_sent(peer: tuple[Peer, Live]) -> None:
    script, live = peer
    late, patient = live.begin("LATE", deadline_s=0.02), live.begin("PATIENT")
    with pytest.raises(DeadlineExceeded):
        await late
    reader, writer = await entered(script)
    assert await reader.readuntil(b"PATIENT\r\n") == b"*1\r\n$7\r\nPATIENT\r\n"
    writer.write(b"+hello\r\n")
    assert await patient == b"hello"


async def test_after_a_late_answer_others_go_another_way_and_those_on_the_old_one_are_answered(
    peer: tuple[Peer, Live],
) -> None:
    script, live = peer
    late, patient = live.begin("LATE", deadline_s=0.02), live.begin("PATIENT")
    reader, writer = await entered(script)
    await reader.readuntil(b"PATIENT\r\n")
    with pytest.raises(DeadlineExceeded):
        await late
    after = live.begin("AFTER")
    other_reader, other_writer = await entered(script)
    await other_reader.readuntil(b"AFTER\r\n")
    other_writer.write(b"+fresh\r\n")
    writer.write(b"+too late\r\n+in time\r\n")
    assert await after == b"fresh"
    assert await patient == b"in time"
    assert await reader.read() == b""  # nobody waits there any more: closed by us


@pytest.mark.parametrize("refusal", [b"-WRONGPASS invalid\r\n", b"-LOADING not yet\r\n"])
async def test_who_is_not_let_in_has_no_redis(peer: tuple[Peer, Live], refusal: bytes) -> None:
    script, live = peer
    asked = live.begin("PING")
    reader, writer = await script.connections.get()
    await reader.readuntil(b"secret\r\n")
    writer.write(refusal)
    with pytest.raises(ConnectionLost, match=refusal.partition(b" ")[2].decode().strip()):
        await asked


async def test_a_redis_that_loads_is_away_and_one_that_refuses_is_not(peer: tuple[Peer, Live]) -> None:
    script, live = peer
    loading, refused = live.begin("GET", "a"), live.begin("SET", "a", "1")
    reader, writer = await entered(script)
    await reader.readuntil(b"SET\r\n$1\r\na\r\n$1\r\n1\r\n")
    writer.write(b"-LOADING dataset\r\n-READONLY replica\r\n")
    with pytest.raises(ConnectionLost, match="LOADING"):
        await loading
    with pytest.raises(ScriptError, match="SET: READONLY"):
        await refused


@pytest.mark.parametrize("nonsense", [b"hello\r\n", b"+one\r\n+two\r\n"])
async def test_a_peer_that_is_no_redis_is_left(peer: tuple[Peer, Live], nonsense: bytes) -> None:
    script, live = peer
    asked = live.begin("GET", "a")
    reader, writer = await entered(script)
    await reader.readuntil(b"GET\r\n$1\r\na\r\n")
    writer.write(nonsense)
    if nonsense.startswith(b"+"):
        assert await asked == b"one"
    else:
        with pytest.raises(ConnectionLost, match="not a reply"):
            await asked
    assert await reader.read() == b""


async def test_the_url_names_the_database(peer: tuple[Peer, Live]) -> None:
    script, _ = peer
    third = Live(f"redis://:secret@127.0.0.1:{script.port}/3")
    asked = third.begin("PING")
    reader, writer = await entered(script)
    await reader.readuntil(b"SELECT\r\n$1\r\n3\r\n")
    writer.write(b"+OK\r\n")
    await reader.readuntil(b"PING\r\n")
    writer.write(b"+PONG\r\n")
    assert await asked == b"PONG"
    await third.close()


async def test_closing_ends_what_waits(peer: tuple[Peer, Live]) -> None:
    script, live = peer
    sent = live.begin("SENT")
    reader, _ = await entered(script)
    await reader.readuntil(b"SENT\r\n")
    unsent = live.begin("UNSENT")
    await live.close()
    for asked in (sent, unsent):
        with pytest.raises(ConnectionLost):
            await asked

"""A scripted Asterisk for one session, and a server to talk to."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from agi.connection import Route
from agi.server import AgiServer, AgiSettings
from agi.session import Session
from bench.agi_load import HEADERS


def headers(script: str = "menu") -> bytes:
    return HEADERS.replace(b"agi_network_script: menu", b"agi_network_script: " + script.encode())


async def two_questions(session: Session) -> Mapping[str, str]:
    """A script of three commands, with the one that sets the result."""
    await session.get_variables("TL_CITY", "TL_CALL")
    gathered = await session.gather(["menu"], max_digits=1, timeout_ms=1000)
    return {"TL_DIGIT": gathered.digits}


MENU = {"menu": Route(two_questions, deadline_s=30)}
GOOD_ANSWERS = (b"200 result=1 (fuzhou\x01abc)\n", b"200 result=1\n", b"200 result=0\n")


class Peer:
    """The other end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def command(self) -> bytes:
        return await asyncio.wait_for(self.reader.readline(), 5)

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def closed(self, within_s: float = 15) -> None:
        """Wait for the server's end; what it still sends is an error."""
        try:
            rest = await asyncio.wait_for(self.reader.read(), within_s)
        except ConnectionResetError:
            rest = b""
        assert rest == b""

    async def good_call(self) -> list[bytes]:
        """Play a whole session; give the commands."""
        self.send(headers())
        sent = []
        for answer in GOOD_ANSWERS:
            sent.append(await self.command())
            self.send(answer)
        await self.closed()
        return sent


@asynccontextmanager
async def serving(routes: Mapping[str, Route], settings: AgiSettings | None = None) -> AsyncIterator[AgiServer]:
    server = AgiServer(routes, settings or AgiSettings(port=0))
    await server.start()
    try:
        yield server
    finally:
        await server.stop(drain_s=0)


@asynccontextmanager
async def calling(server: AgiServer, source: str | None = None) -> AsyncIterator[Peer]:
    reader, writer = await asyncio.open_connection(
        *server.address, local_addr=(source, 0) if source is not None else None
    )
    try:
        yield Peer(reader, writer)
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def until(condition: object, within_s: float = 5) -> None:
    """Give the loop turns until `condition()` is true."""
    assert callable(condition)
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what a server counts tells no event
            await asyncio.sleep(0)

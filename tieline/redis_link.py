"""One connection to Redis: commands go out, their replies come back in the same order. The only module with hiredis.

hiredis, Redis's own parser, is what redis-py works with, too; redis-py's way from a call to it and back costs several
times the exchange itself (docs/adr/0026-redis-without-redis-py.md).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

import hiredis

from tieline.errors import ConnectionLost, TielineError
from tieline.streams import Scalar

Reply = Any
"""What Redis answered: bytes, int, None, or lists of these. Callers convert at once."""

_NOT_SERVING: Final = ("LOADING", "NOAUTH", "WRONGPASS")
"""Refusals that are about the connection, not about the command."""


class ScriptError(TielineError):
    """Redis refused a command or a script: our bug, not a passing fault."""


class UnknownScript(ScriptError):
    """Redis does not hold the script (it restarted, or its scripts were flushed)."""


class Asked:
    """One command, and the future of its reply.

    Attributes:
        command: Its words.
        answer: Resolved with the reply, or with the error.
        link: Where it was sent; None before.
    """

    __slots__ = ("answer", "command", "link")

    def __init__(self, command: tuple[Scalar, ...], answer: "asyncio.Future[Reply]") -> None:
        self.command, self.answer = command, answer
        self.link: Link | None = None

    def fail(self, error: TielineError) -> None:
        """End it, unless it has ended."""
        if not self.answer.done():
            self.answer.set_exception(error)


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where a Redis is, and how to enter."""

    host: str
    port: int
    password: str
    database: int

    @classmethod
    def of_url(cls, url: str) -> "RedisAddress":
        """Read `redis://:password@host:port/database`; port 6379 and database 0 may be left out."""
        parts = urlsplit(url)
        database = int(parts.path.strip("/") or 0)
        return cls(parts.hostname or "localhost", parts.port or 6379, unquote(parts.password or ""), database)


class Link(asyncio.Protocol):
    """A connection that is open; made by `open_link`.

    Attributes:
        usable: Takes commands. What was sent before may still be answered when it no longer does.
    """

    def __init__(self, ended: "Callable[[Link], None]") -> None:
        """Made by `open_link`; calls `ended` with itself once it has ended."""
        self.usable = True
        self._ended = ended
        self._reader = hiredis.Reader()
        self._asked: deque[Asked] = deque()
        self._transport: asyncio.Transport | None = None

    def send(self, batch: Iterable[Asked]) -> None:
        """Send commands in one segment; on a link that has ended they fail at once."""
        out = []
        for asked in batch:
            asked.link = self
            self._asked.append(asked)
            out.append(hiredis.pack_command(cast("tuple[str | int | float | bytes | memoryview]", asked.command)))
        if self._transport is None:
            self._end("closed")
        else:
            self._transport.write(b"".join(out))

    async def ask(self, *command: Scalar) -> Reply:
        """Send one command and wait for its reply."""
        asked = Asked(command, asyncio.get_running_loop().create_future())
        self.send((asked,))
        return await asked.answer

    def retire(self) -> None:
        """Take no more commands, and close once nobody waits for a reply: one is late, all after it may be."""
        self.usable = False
        if all(asked.answer.done() for asked in self._asked):
            self.abort()

    def abort(self) -> None:
        """Close at once; whoever still waits gets ConnectionLost."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not derived from it

    def data_received(self, data: bytes) -> None:
        """Hand the replies to those who wait; a cancelled one waits no longer."""
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                asked = self._asked.popleft()
                if asked.answer.done():
                    continue
                if isinstance(reply, hiredis.ReplyError):
                    asked.answer.set_exception(_error_of(asked, str(reply)))
                else:
                    asked.answer.set_result(reply)
        except (hiredis.ProtocolError, IndexError) as error:
            self._end(f"not a reply: {error}")
            self.abort()
        if not self.usable:
            self.retire()

    def eof_received(self) -> None:
        """Take no more commands; the transport closes itself."""
        self.usable = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whoever still waits."""
        self._transport = None
        self._end(str(exc or "closed"))
        self._ended(self)

    def _end(self, reason: str) -> None:
        self.usable = False
        while self._asked:
            self._asked.popleft().fail(ConnectionLost(f"redis: {reason}"))


def _error_of(asked: Asked, text: str) -> TielineError:
    kind = text.partition(" ")[0]
    if kind in _NOT_SERVING:
        return ConnectionLost(f"redis: {text}")
    return (UnknownScript if kind == "NOSCRIPT" else ScriptError)(f"redis {asked.command[0]!s}: {text}")


async def open_link(address: RedisAddress, local_address: str, *, ended: Callable[[Link], None]) -> Link:
    """Connect and enter. Has no deadline of its own.

    Args:
        address: The Redis.
        local_address: Address to connect from; empty leaves it to the system. On loopback a client to a foreign
            127.x address sends from 127.0.0.1, so a cut between two sites would not cut it; in production the same
            binding keeps traffic on the site's own interface.
        ended: Called with the link once it has ended.

    Raises:
        ConnectionLost: Nobody is there, or we are not let in.
    """
    loop = asyncio.get_running_loop()
    local = (local_address, 0) if local_address else None
    try:
        _, link = await loop.create_connection(partial(Link, ended), address.host, address.port, local_addr=local)
    except OSError as error:
        raise ConnectionLost(f"redis: {error}") from error
    try:
        if address.password:
            await link.ask("AUTH", address.password)
        if address.database:
            await link.ask("SELECT", address.database)
    except BaseException:
        link.abort()
        raise
    return link

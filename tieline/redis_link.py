"""One connection to Redis: commands go out, their replies come back in the same order. The only module with redis-py.

redis-py makes the connection and enters; then our own protocol takes its transport over, with hiredis, the parser
that redis-py works with, too. redis-py's way from a call to it and back costs several times the exchange itself
(docs/adr/0026-own-wire-core-on-redis-py.md).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, cast

import hiredis
import redis.asyncio as redis_asyncio
from redis import exceptions as redis_errors
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

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
        self._writer: asyncio.StreamWriter | None = None
        self._transport: asyncio.Transport | None = None

    def take_over(self, writer: asyncio.StreamWriter) -> None:
        """Become the protocol of a connection that is in; nothing may be under way on it.

        The writer is kept: it complains when it goes before its transport is closed.
        """
        self._writer = writer
        writer.transport.set_protocol(self)
        self.connection_made(writer.transport)

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


class _Connection(redis_asyncio.Connection):
    """redis-py's connection, from an address of ours, that gives its transport away once it is in."""

    def __init__(self, *, local_address: str, **options: Any) -> None:
        super().__init__(**options)
        self._local_address = local_address

    def _connection_arguments(self) -> dict[str, Any]:
        arguments = dict(super()._connection_arguments())
        if self._local_address:
            arguments["local_addr"] = (self._local_address, 0)
        return arguments

    def hand_over(self, link: Link) -> None:
        """Give the transport to a link; this connection is then as one that was never made."""
        writer, self._writer = self._writer, None
        self._reader = None
        if writer is None:  # it ended as it came
            raise ConnectionLost("redis: closed")
        link.take_over(writer)


async def open_link(url: str, local_address: str, *, ended: Callable[[Link], None]) -> Link:
    """Connect and enter. Has no deadline of its own.

    Args:
        url: `redis://:password@host:port/database`; port 6379 and database 0 may be left out.
        local_address: Address to connect from; empty leaves it to the system. On loopback a client to a foreign
            127.x address sends from 127.0.0.1, so a cut between two sites would not cut it; in production the same
            binding keeps traffic on the site's own interface.
        ended: Called with the link once it has ended.

    Raises:
        ConnectionLost: Nobody is there, or we are not let in.
    """
    connection = _Connection(
        **parse_url(url),
        local_address=local_address,
        protocol=2,  # replies stay as the wire gives them
        driver_info=None,  # one exchange less at each connection
        socket_timeout=None,
        retry=Retry(NoBackoff(), 0),  # restarts and fail-overs are ours to handle
    )
    link = Link(ended)
    try:
        await connection.connect()  # type: ignore[no-untyped-call]
        connection.hand_over(link)
    except (redis_errors.RedisError, OSError) as error:
        raise ConnectionLost(f"redis: {error}") from error
    finally:
        await connection.disconnect(nowait=True)  # of what was handed over it knows nothing any more
    return link

"""The one door to a site's Redis: commands, scripts, the bus. The only module that imports redis.

Commands issued in one turn of the event loop leave together, in one pipeline: redis-py costs about 85 µs of CPU
for a command sent alone and a tenth of that in a batch (docs/adr/0003-one-door-to-redis.md). Every call has a
deadline; when Redis does not answer in time the caller gets `DeadlineExceeded` or `ConnectionLost` and decides
by its own stated policy.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import redis.asyncio as redis_asyncio
from redis import exceptions as redis_errors
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tieline import bus
from tieline.errors import ConnectionLost, DeadlineExceeded, RemoteProtocolError, TielineError
from tieline.streams import EVENTS as EVENTS  # who follows the bus needs both
from tieline.streams import Scalar as Scalar
from tieline.streams import commanding, telling
from tieline.streams import commands_stream as commands_stream

Reply = Any
"""What Redis answered: bytes, int, None, or lists of these. Callers convert at once."""

_Batch = list[tuple[tuple[Scalar, ...], "asyncio.Future[Reply]"]]


class ScriptError(TielineError):
    """Redis refused a command or a script: our bug, not a passing fault."""


class _UnknownScript(ScriptError):
    """Redis does not hold the script (it restarted, or its scripts were flushed)."""


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script, run by its hash and loaded when Redis does not know it (after a restart of Redis)."""

    source: str

    @property
    def sha(self) -> str:
        """SHA-1 of the source in hex, as EVALSHA wants it."""
        return hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()


class _BoundConnection(redis_asyncio.Connection):
    """A connection that leaves from the site's own address.

    On loopback a client to a foreign 127.x address sends from 127.0.0.1, so a cut between two sites would not
    cut it; in production the same binding keeps traffic on the site's own interface.
    """

    def __init__(self, *, local_address: str = "", **options: Any) -> None:
        super().__init__(**options)
        self._local_address = local_address

    def _connection_arguments(self) -> dict[str, Any]:
        arguments = dict(super()._connection_arguments())
        if self._local_address:
            arguments["local_addr"] = (self._local_address, 0)
        return arguments


class Live:
    """A site's Redis.

    Args:
        url: `redis://:password@host:port/0`.
        deadline_s: How long any one call may take, seconds.
        local_address: Address to connect from; empty leaves it to the system.
    """

    def __init__(self, url: str, *, deadline_s: float = 1.0, local_address: str = "") -> None:
        # Makes connections and no more: redis-py's ways through its pool and pipeline cost three times the exchange
        # itself (measured). Replies stay as the wire gives them (RESP2).
        self._pool = redis_asyncio.ConnectionPool.from_url(
            url,
            connection_class=_BoundConnection,
            protocol=2,
            local_address=local_address,
            socket_connect_timeout=deadline_s,
            # Every exchange has a deadline of its own; redis-py's would be a timer more for each send and each reply.
            socket_timeout=None,
            # Redis restarts and fail-overs are ours to handle: a silent repeat could run a script twice.
            retry=Retry(NoBackoff(), 0),
        )
        self._idle: list[redis_asyncio.Connection] = []
        self._connections: set[redis_asyncio.Connection] = set()
        self._deadline_s = deadline_s
        self._waiting: dict[float, _Batch] = {}
        self._flushes: set[asyncio.Task[None]] = set()

    async def call(self, *command: Scalar, deadline_s: float | None = None) -> Reply:
        """Run one command; commands of the same loop turn travel together.

        Raises:
            DeadlineExceeded: No answer in time. The command may or may not have run.
            ConnectionLost: Redis is not there.
            ScriptError: Redis refused the command.
        """
        limit = self._deadline_s if deadline_s is None else deadline_s
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Reply] = loop.create_future()
        batch = self._waiting.get(limit)
        if batch is None:
            batch = self._waiting[limit] = []
            loop.call_soon(self._start_flush, limit)
        batch.append((command, future))
        return await future

    async def run(
        self, script: Script, keys: Iterable[str], arguments: Iterable[Scalar], *, deadline_s: float | None = None
    ) -> Reply:
        """Run a Lua script atomically; the same errors as `call`."""
        names = tuple(keys)
        tail = (len(names), *names, *arguments)
        try:
            return await self.call("EVALSHA", script.sha, *tail, deadline_s=deadline_s)
        except _UnknownScript:
            pass
        return await self.call("EVAL", script.source, *tail, deadline_s=deadline_s)

    def _start_flush(self, limit: float) -> None:
        task = asyncio.get_running_loop().create_task(self._flush(limit))
        self._flushes.add(task)
        task.add_done_callback(self._flushes.discard)

    async def _flush(self, limit: float) -> None:
        """Send a batch; commands with one deadline share one timer, which alone costs as much as a command."""
        batch = self._waiting.pop(limit)  # only now: what a `tell` beside the first command adds comes along
        try:
            async with asyncio.timeout(limit):
                replies = await self._exchange([command for command, _ in batch])
        except asyncio.CancelledError:
            self._fail(batch, lambda _: ConnectionLost("redis: closed"))
            raise
        except TimeoutError:
            self._fail(batch, lambda command: DeadlineExceeded(f"redis {command[0]!s}", limit))
            return
        except (redis_errors.RedisError, OSError) as error:
            reason = f"redis: {error}"
            self._fail(batch, lambda _: ConnectionLost(reason))
            return
        for (command, future), reply in zip(batch, replies, strict=True):
            if future.done():
                continue
            if isinstance(reply, redis_errors.NoScriptError):
                future.set_exception(_UnknownScript(str(reply)))
            elif isinstance(reply, Exception):
                future.set_exception(ScriptError(f"redis {command[0]!s}: {reply.__class__.__name__} {reply}"))
            else:
                future.set_result(reply)

    async def _exchange(self, commands: Sequence[tuple[Scalar, ...]]) -> list[Reply]:
        """Send commands on one connection and read their replies; what Redis refuses is a reply, too.

        A connection that did not come to the end of its replies is never used again.
        """
        connection = await self._take()
        try:
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            replies = [await _reply(connection) for _ in commands]
        except BaseException:
            self._connections.discard(connection)
            await connection.disconnect(nowait=True)
            raise
        self._idle.append(connection)
        return replies

    async def _take(self) -> redis_asyncio.Connection:
        while self._idle:
            known = self._idle.pop()
            # Not one that Redis closed meanwhile, e.g. because it restarted.
            with contextlib.suppress(redis_errors.RedisError, OSError):
                if known.is_connected and not await known.can_read():
                    return known
            self._connections.discard(known)
            await known.disconnect(nowait=True)
        fresh: redis_asyncio.Connection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        await fresh.connect()  # type: ignore[no-untyped-call]
        self._connections.add(fresh)
        return fresh

    @staticmethod
    def _fail(batch: _Batch, error: Callable[[tuple[Scalar, ...]], TielineError]) -> None:
        for command, future in batch:
            if not future.done():
                future.set_exception(error(command))

    # --- the bus ---------------------------------------------------------------------------------------------

    async def tell(self, *events: bus.Event) -> None:
        """Append events to the site's bus, in order."""
        await asyncio.gather(*(self.call(*telling(event)) for event in events))

    async def command(self, node: str, command: bus.Command) -> None:
        """Hand a command to the bridge of `node`."""
        await self.call(*commanding(node, command))

    async def last_id(self, stream: str = EVENTS) -> str:
        """Give the id of the newest entry of a stream, `0-0` when it is empty or missing."""
        newest = await self.call("XREVRANGE", stream, "+", "-", "COUNT", 1)
        return newest[0][0].decode() if newest else "0-0"

    async def read(
        self, stream: str, after: str, *, count: int = 500, block_ms: int = 1000
    ) -> list[tuple[str, bytes]]:
        """Read entries after an id, waiting at most `block_ms` for the first one.

        Returns:
            Pairs of entry id and the encoded message; empty when nothing came.

        Raises:
            ConnectionLost: Redis is not there or stayed silent past the wait.
        """
        try:
            async with asyncio.timeout(block_ms / 1000 + self._deadline_s):
                # On a connection of its own: a blocking read must not hold up the others.
                command = ("XREAD", "COUNT", count, "BLOCK", block_ms, "STREAMS", stream, after)
                [found] = await self._exchange([command])
        except TimeoutError:
            raise ConnectionLost(f"redis: silent on {stream}") from None
        except (redis_errors.RedisError, OSError) as error:
            raise ConnectionLost(f"redis: {error}") from error
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # redis-py 8.1 returns an answer that has just arrived and forgets that it was cancelled meanwhile.
            raise asyncio.CancelledError
        if isinstance(found, redis_errors.RedisError):
            raise ConnectionLost(f"redis: {found}")
        return _entries(found)

    async def follow(self, *, after: str | None = None, every_s: float = 0.0) -> AsyncIterator[tuple[str, bus.Event]]:
        """Yield events of the bus for ever, oldest first, from `after` (default: from now on).

        A message that does not decode is skipped (readers count by `Live.skipped`).

        Args:
            after: Entry id to go on from.
            every_s: Read at most this often, seconds. A call makes about 18 events, each of which would wake every
                reader by itself: who can wait a moment should.

        Raises:
            ConnectionLost: Redis is gone; the reader decides how to go on.
        """
        position = after if after is not None else await self.last_id()
        while True:
            for entry, raw in await self.read(EVENTS, position):
                position = entry
                try:
                    event = bus.decode_event(raw)
                except RemoteProtocolError:
                    self.skipped += 1
                    continue
                yield entry, event
            if every_s:
                await asyncio.sleep(every_s)

    skipped: int = 0

    async def close(self) -> None:
        """Close every connection; open calls end with ConnectionLost."""
        for task in tuple(self._flushes):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for batch in self._waiting.values():
            self._fail(batch, lambda _: ConnectionLost("redis: closed"))
        self._waiting.clear()
        for connection in tuple(self._connections):
            await connection.disconnect(nowait=True)
        self._connections.clear()
        self._idle.clear()


async def _reply(connection: redis_asyncio.Connection) -> Reply:
    """Read one reply; an error that answers one command is given as its value."""
    try:
        return await connection.read_response()
    except redis_errors.ResponseError as error:
        return error


def _entries(found: Reply) -> list[tuple[str, bytes]]:
    """Flatten XREAD's answer: a list of (stream, entries), each entry (id, [field, value])."""
    return [(entry.decode(), fields[1]) for _, entries in found or () for entry, fields in entries]

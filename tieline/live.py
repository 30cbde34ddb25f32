"""The one door to a site's Redis: commands, scripts, the bus.

Commands issued in one turn of the event loop leave together, in one segment: a segment costs Redis, the kernel and us
far more than a command in it (docs/adr/0003-one-door-to-redis.md). Every call has a deadline; when Redis does not
answer in time the caller gets `DeadlineExceeded` or `ConnectionLost` and decides by its own stated policy.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog

from tieline import bus
from tieline.endings import cancel_until_done
from tieline.errors import ConnectionLost, DeadlineExceeded, TielineError
from tieline.redis_link import Asked, Link, UnknownScript, open_link
from tieline.redis_link import Reply as Reply
from tieline.redis_link import ScriptError as ScriptError
from tieline.shared_looks import BATCH, Entries, SharedLooks
from tieline.streams import EVENTS as EVENTS  # who follows the bus needs both
from tieline.streams import Scalar as Scalar
from tieline.streams import commanding, telling
from tieline.streams import commands_stream as commands_stream

AGAIN_S: Final = 1.0
"""Pause before another look at a Redis that is away."""

_log = structlog.get_logger("live")


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script, run by its hash and loaded when Redis does not know it (after a restart of Redis)."""

    source: str
    sha: str = field(init=False)
    """SHA-1 of the source in hex, as EVALSHA wants it."""

    def __post_init__(self) -> None:
        """Reckon the hash once."""
        sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "sha", sha)


class _Deadline:
    """Ends what is not answered within one span; one timer for all, since one each would cost as much as a command.

    A link on which something is late takes no more commands: whatever comes after may be as late.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._watched: deque[tuple[float, Asked]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, asked: Asked, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() + self._limit_s
        self._watched.append((due, asked))
        if self._timer is None:
            self._timer = loop.call_at(due, self._look, loop)

    def stop(self) -> None:
        """Watch nothing any more."""
        self._watched.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now, watched = loop.time(), self._watched
        late = set[Link]()
        while watched and (watched[0][1].answer.done() or watched[0][0] <= now):
            _, asked = watched.popleft()
            if asked.answer.done():
                continue
            asked.fail(DeadlineExceeded(f"redis {asked.command[0]!s}", self._limit_s))
            if asked.link is not None:
                late.add(asked.link)
        for link in late:
            link.retire()
        self._timer = loop.call_at(watched[0][0], self._look, loop) if watched else None


class Live:
    """A site's Redis.

    Args:
        url: `redis://:password@host:port/0`.
        deadline_s: How long any one call may take, seconds.
        local_address: Address to connect from; empty leaves it to the system.
    """

    def __init__(self, url: str, *, deadline_s: float = 1.0, local_address: str = "") -> None:
        self._url = url
        self._deadline_s = deadline_s
        self._local_address = local_address
        self._links: set[Link] = set()
        self._link: Link | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._unsent: list[Asked] = []
        self._deadlines: dict[float, _Deadline] = {}
        self._readers: list[Link] = []
        """Links of blocking reads, at rest: such a read must not hold up the others."""
        self._looks = SharedLooks(partial(self.read, EVENTS, count=BATCH, block_ms=500))

    async def call(self, *command: Scalar, deadline_s: float | None = None) -> Reply:
        """Run one command; commands of the same loop turn travel together.

        A silent repeat could run a script twice: nothing is ever sent again.

        Raises:
            DeadlineExceeded: No answer in time. The command may or may not have run.
            ConnectionLost: Redis is not there.
            ScriptError: Redis refused the command.
        """
        return await self.begin(*command, deadline_s=deadline_s)

    def begin(self, *command: Scalar, deadline_s: float | None = None) -> "asyncio.Future[Reply]":
        """Begin a `call` without a task of its own, for `asyncio.gather` over many."""
        loop = asyncio.get_running_loop()
        asked = Asked(command, loop.create_future())
        limit = self._deadline_s if deadline_s is None else deadline_s
        deadline = self._deadlines.get(limit)
        if deadline is None:
            deadline = self._deadlines[limit] = _Deadline(limit)
        deadline.watch(asked, loop)
        if not self._unsent:
            loop.call_soon(self._flush_soon, loop)
        self._unsent.append(asked)
        return asked.answer

    async def run(
        self, script: Script, keys: Iterable[str], arguments: Iterable[Scalar], *, deadline_s: float | None = None
    ) -> Reply:
        """Run a Lua script atomically; the same errors as `call`."""
        names = tuple(keys)
        tail = (len(names), *names, *arguments)
        try:
            return await self.call("EVALSHA", script.sha, *tail, deadline_s=deadline_s)
        except UnknownScript:
            pass
        return await self.call("EVAL", script.source, *tail, deadline_s=deadline_s)

    def _flush_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """One turn later: what tasks beside the first command add comes along, and an end of the link is seen."""
        loop.call_soon(self._flush)

    def _flush(self) -> None:
        if self._link is not None and self._link.usable:
            batch, self._unsent = self._unsent, []
            self._link.send(asked for asked in batch if not asked.answer.done())
        elif self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        """Connect, and send what was waiting for it."""
        error: TielineError = ConnectionLost("redis: closed")
        try:
            self._link = await self._open()
            self._flush()
        except TielineError as caught:
            error = caught
        finally:
            self._connecting = None
            self._fail(error)  # what is left: while anything is, nobody begins to connect again

    async def _open(self) -> Link:
        try:
            async with asyncio.timeout(self._deadline_s):
                link = await open_link(self._url, self._local_address, ended=self._links.discard)
        except TimeoutError:
            raise ConnectionLost("redis: no connection in time") from None
        self._links.add(link)
        return link

    def _fail(self, error: TielineError) -> None:
        failed, self._unsent = self._unsent, []
        for asked in failed:
            asked.fail(error)

    # --- the bus ---------------------------------------------------------------------------------------------

    async def tell(self, *events: bus.Event) -> None:
        """Append events to the site's bus, in order."""
        await asyncio.gather(*(self.begin(*telling(event)) for event in events))

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
            ConnectionLost: Redis is not there, refused, or stayed silent past the wait.
        """
        command = ("XREAD", "COUNT", count, "BLOCK", block_ms, "STREAMS", stream, after)
        link = await self._reader()
        with ExitStack() as unless_answered:
            unless_answered.callback(link.abort)
            try:
                async with asyncio.timeout(block_ms / 1000 + self._deadline_s):
                    found = await link.ask(*command)
            except TimeoutError:
                raise ConnectionLost(f"redis: silent on {stream}") from None
            except ScriptError as error:
                raise ConnectionLost(str(error)) from error
            unless_answered.pop_all()
        self._readers.append(link)
        return _entries(found)

    async def _reader(self) -> Link:
        """Take a link of its own for a blocking read."""
        while self._readers:
            link = self._readers.pop()
            if link.usable:
                return link
        return await self._open()

    async def look(self, after: str) -> Entries:
        """Give the events after an entry id at once, or wait half a second for them; see `SharedLooks`.

        Raises:
            ConnectionLost: Redis is gone.
        """
        return await self._looks.after(after)

    async def follow(self, *, after: str | None = None) -> AsyncIterator[tuple[str, bus.Event]]:
        """Yield events of the bus for ever, oldest first, from `after` (default: from now on).

        They come in bunches, four times a second, when all others in the process get theirs. A message that does not
        decode is skipped (readers count by `Live.skipped`).

        Raises:
            ConnectionLost: Redis is gone; the reader decides how to go on.
        """
        position = after if after is not None else await self.last_id()
        while True:
            entries = await self.look(position)
            for entry, event in entries:
                position = entry
                if event is None:
                    self.skipped += 1
                else:
                    yield entry, event
            if len(entries) < BATCH:  # else there is more
                await self.next_look()

    async def next_look(self) -> None:
        """Wait for the moment at which all followers look again."""
        await self._looks.next_moment()

    async def follow_on(self, *, after: str | None = None) -> AsyncGenerator[bus.Event, None]:
        """Yield events as `follow` does, but wait for a Redis that is away, and go on where it was."""
        position = after
        while True:
            try:
                position = await self.last_id() if position is None else position
                async for entry, event in self.follow(after=position):
                    position = entry
                    yield event
            except TielineError as error:
                _log.warning("bus is away, trying again", error=str(error))
            await asyncio.sleep(AGAIN_S)

    skipped: int = 0

    async def close(self) -> None:
        """Close every connection; open calls end with ConnectionLost."""
        if self._connecting is not None:
            await cancel_until_done(self._connecting)
        self._fail(ConnectionLost("redis: closed"))
        for link in tuple(self._links):
            link.abort()
        for deadline in self._deadlines.values():
            deadline.stop()
        await asyncio.sleep(0)  # the links tell whoever waits


def _entries(found: Reply) -> list[tuple[str, bytes]]:
    """Flatten XREAD's answer: a list of (stream, entries), each entry (id, [field, value])."""
    return [(entry.decode(), fields[1]) for _, entries in found or () for entry, fields in entries]

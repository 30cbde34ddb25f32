"""Keeps the picture up to date from the bus, and hands changes to whoever watches.

A watcher that does not keep up is dropped, never buffered for ever: it connects again and gets a new snapshot.
"""

import asyncio
from contextlib import suppress
from typing import Final

import msgspec

from console.delta import encoded, maybe_delta
from console.lines import lines_of, quota_of
from console.picture import apply, with_tickets
from console.sight import Sight
from console.situation import notices_of
from console.views import Picture, TicketView
from crm_adapter.store import Store
from ivr_prompts.notice_live import read_notices
from tieline.errors import TielineError
from tieline.live import Live
from trunk_config.in_force import maybe_in_force
from trunk_config.surge_live import read_surges

TICK_S: Final = 0.2
"""Watchers hear of changes at most so often: all changes since in one message."""
LINES_S: Final = 0.5
"""Lines in use are looked at so often."""
MESSAGES_KEPT: Final = 25
"""Messages a watcher may be behind (5 s of constant change)."""
CLOSE_AWAY: Final = 1001
CLOSE_TOO_SLOW: Final = 4408
"""Close codes; 4000 to 4999 are free for applications (RFC 6455 section 7.4.2)."""


class Watcher:
    """One open page's queue of messages.

    Attributes:
        sight: What it may see.
        ended: Set when the server ends it.
        close_code: Why it was ended, as a WebSocket close code.
    """

    def __init__(self, sight: Sight) -> None:
        self.sight = sight
        self.messages: asyncio.Queue[str] = asyncio.Queue(MESSAGES_KEPT)
        self.ended = asyncio.Event()
        self.close_code = CLOSE_AWAY

    def end(self, close_code: int) -> None:
        """End it for this reason."""
        self.close_code = close_code
        self.ended.set()


class Follower:
    """The console's reader of the bus.

    Args:
        live: The site's Redis.
        store: Gives the tickets made before the bus remembers; SQL away means that they are missing, no more.
        site: Whose tickets.
    """

    def __init__(self, live: Live, store: Store, site: str) -> None:
        self._live = live
        self._store = store
        self._site = site
        self._watchers: set[Watcher] = set()
        self._shown = Picture()
        self._changed = asyncio.Event()
        self.picture = Picture()
        self.events = 0
        self.dropped = 0

    @property
    def watchers(self) -> int:
        """Count the open pages."""
        return len(self._watchers)

    def watch(self, sight: Sight) -> tuple[Watcher, Picture]:
        """Begin to watch: gives the picture that the messages to come build on."""
        watcher = Watcher(sight)
        self._watchers.add(watcher)
        return watcher, sight.of(self._shown)

    def unwatch(self, watcher: Watcher) -> None:
        """End to watch; a dropped watcher may do so again."""
        self._watchers.discard(watcher)

    def end_all(self) -> None:
        """End every watcher: the process stops."""
        for watcher in tuple(self._watchers):
            watcher.end(CLOSE_AWAY)

    async def run(self) -> None:
        """Follow the bus from the oldest event it remembers, for ever; ends by being cancelled.

        Failure policy: without Redis the last picture stays (readiness says so); afterwards it goes on where it was.

        Raises:
            ExceptionGroup: A bug of ours: a page that stands still must not look alive.
        """
        await self._load_tickets()
        await self._load_situation()
        async with asyncio.TaskGroup() as tasks:
            for work in (self._show(), self._look_at_lines(), self._follow()):
                tasks.create_task(work)

    async def _follow(self) -> None:
        async for event in self._live.follow_on(after="0-0"):
            self.picture = apply(self.picture, event)
            self.events += 1
            self._changed.set()

    async def _load_tickets(self) -> None:
        with suppress(TielineError):
            tickets = await self._store.recent_tickets(site=self._site)
            views = tuple(
                TicketView(ticket=t.ticket, call_id=t.call_id, kind=t.kind, city=t.city, at=t.created_at)
                for t in tickets
            )
            self.picture = with_tickets(self.picture, views)
            self._changed.set()

    async def _load_situation(self) -> None:
        """Take what holds already: the bus may not remember the day it was told."""
        with suppress(TielineError):
            notices, surges = await asyncio.gather(read_notices(self._live), read_surges(self._live))
            self.picture = msgspec.structs.replace(self.picture, notices=notices_of(notices))
            for surge in surges:
                self.picture = apply(self.picture, surge)
            self._changed.set()

    async def _look_at_lines(self) -> None:
        """Ask Redis for the lines at intervals: a change of one is no event on the bus."""
        while True:
            with suppress(TielineError):
                now = await maybe_in_force(self._live)
                if now is not None:
                    seen = {"lines": lines_of(now, self.picture.refused), "quota": quota_of(now)}
                    self.picture = msgspec.structs.replace(self.picture, **seen)
                    self._changed.set()
            await asyncio.sleep(LINES_S)

    async def _show(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            self._tell(self._shown, self.picture)
            self._shown = self.picture
            await asyncio.sleep(TICK_S)

    def _tell(self, before: Picture, after: Picture) -> None:
        texts: dict[Sight, str | None] = {}
        for watcher in tuple(self._watchers):
            sight = watcher.sight
            if sight not in texts:
                delta = maybe_delta(sight.of(before), sight.of(after))
                texts[sight] = encoded(delta) if delta is not None else None
            text = texts[sight]
            if text is None:
                continue
            try:
                watcher.messages.put_nowait(text)
            except asyncio.QueueFull:
                self._watchers.discard(watcher)
                watcher.end(CLOSE_TOO_SLOW)
                self.dropped += 1

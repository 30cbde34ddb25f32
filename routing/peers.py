"""The other sites beside a matcher's own: who follows them, and what of it wakes the matcher."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from routing.peer_news import PeerNews
from routing.peer_reader import PeerReader
from tieline.endings import cancel_until_done
from tieline.live import EVENTS, Live
from tieline.model import Business, NodeId, SiteId

BLOCK_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class Abroad:
    """What a site knows beforehand of those it has a tie line to.

    Attributes:
        replicas: The copies of their Redis that this site has.
        nodes: A node of each of them.
        business_sites: Businesses that belong to one site.
    """

    replicas: Mapping[SiteId, Live] = field(default_factory=dict)
    nodes: Mapping[SiteId, NodeId] = field(default_factory=dict)
    business_sites: Mapping[Business, SiteId] = field(default_factory=dict)


class Peers:
    """Follows the sites whose Redis this site has copies of.

    Args:
        replicas: By site.

    Attributes:
        rung: Set while there is news.
    """

    def __init__(self, replicas: Mapping[SiteId, Live]) -> None:
        self.rung = asyncio.Event()
        ring = self.rung.set
        # Ages are differences: a clock that is set must neither lose another site nor keep an old picture of it.
        self._readers = [PeerReader(site, replica, time.monotonic, ring) for site, replica in replicas.items()]

    async def run(self) -> None:
        """Follow until cancelled.

        Raises:
            ExceptionGroup: A bug of ours.
        """
        async with asyncio.TaskGroup() as tasks:
            for reader in self._readers:
                tasks.create_task(reader.run())
            await asyncio.Event().wait()

    def take(self) -> list[PeerNews]:
        """Give what has become known since somebody last asked."""
        self.rung.clear()
        return [news for reader in self._readers for news in reader.take()]

    def metrics(self) -> Mapping[str, float]:
        """Give the numbers worth a graph."""
        return {name: value for reader in self._readers for name, value in reader.metrics().items()}


class Listener:
    """Waits for the next event of the own bus, for news of another site, or for a time, whatever comes first.

    One blocking read goes on over several waits: to cancel it would cost a connection each time.

    Args:
        live: The site's Redis.
        rung: Set by others when there is news, and by the own bus; who takes the news clears it.
        batch: Events read at once at most.
    """

    def __init__(self, live: Live, rung: asyncio.Event, batch: int) -> None:
        self._live, self._rung, self._batch = live, rung, batch
        self._reading: asyncio.Task[list[tuple[str, bytes]]] | None = None

    async def next(self, position: str, wait_s: float) -> list[tuple[str, bytes]]:
        """Give the events after a position, none when something else came first.

        Raises:
            ConnectionLost: Redis is not there.
        """
        if self._reading is None:
            read = self._live.read(EVENTS, position, count=self._batch, block_ms=BLOCK_MS)
            self._reading = asyncio.create_task(read)
            self._reading.add_done_callback(lambda _: self._rung.set())
        if not self._reading.done():  # its ringing may have been cleared with that of others
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._rung.wait()
        if not self._reading.done():
            return []
        reading, self._reading = self._reading, None
        return reading.result()

    async def close(self) -> None:
        """Give up the read that still goes on."""
        if self._reading is not None:
            await cancel_until_done(self._reading)
            await asyncio.gather(self._reading, return_exceptions=True)

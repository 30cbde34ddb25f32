"""The network as it was last applied: `tieline conf apply` tells the sites, and what counts on the access follows.

Only what counts the lines follows at run time: quotas in force, the desks, the live page's numbers. All else (a new
city, a node, an agent) is taken in by a restart.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

import structlog

from tieline import bus
from tieline.errors import ConfigError, TielineError
from tieline.live import Live
from tieline.model import NodeId
from tieline.topology import Topology

APPLIED: Final = "tl:network"
"""When the network was last applied at this site, Unix seconds; gone after a restart of Redis, which does no harm."""
EVERY_S: Final = 1.0

_log = structlog.get_logger("service")

Taker = Callable[[Topology], Awaitable[None]]


async def tell_site(live: Live, nodes: Sequence[NodeId], *, now: float) -> None:
    """Tell a site that the network was applied; nodes that were reloaded get the caps in force again.

    Raises:
        TielineError: The site's Redis is away.
    """
    await live.call("SET", APPLIED, f"{now:.3f}")
    await asyncio.gather(*(live.command(node, bus.TakeSnapshot(at=now)) for node in nodes))


class NetworkWatch:
    """Reads the topology again when it was applied, and hands it on.

    Args:
        live: The site's Redis.
        read: Reads the topology; raises ConfigError.
    """

    def __init__(self, live: Live, read: Callable[[], Topology]) -> None:
        self._live = live
        self._read = read
        self._seen: bytes | None = None
        self._takers: list[Taker] = []
        self._counters = {"networks_taken": 0, "networks_refused": 0}

    def metrics(self) -> Mapping[str, float]:
        """Give what was counted since the start."""
        return self._counters

    def subscribe(self, taker: Taker) -> None:
        """Call `taker` with each network that is applied from now on."""
        self._takers.append(taker)

    async def run(self) -> None:
        """Watch until cancelled; wait out a Redis that is away."""
        while True:
            with suppress(TielineError):
                await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Look once.

        Raises:
            TielineError: Redis is away; the same network is taken again at the next look.
        """
        stamp = await self._live.call("GET", APPLIED)
        if stamp is None or stamp == self._seen:
            return
        try:
            topology = await asyncio.to_thread(self._read)
        except ConfigError as error:
            self._counters["networks_refused"] += 1
            self._seen = stamp
            _log.error("the topology was changed again since it was applied, and is faulty", error=str(error))
            return
        for taker in self._takers:
            await taker(topology)
        self._seen = stamp
        self._counters["networks_taken"] += 1

"""Keeps quotas in force at a site: in its Redis after every loss, and on its nodes for when Redis is away.

A Redis that has restarted knows no lease. Before quotas are put in force there, the channels of every node are
counted, or a city could have its share twice; until then the nodes' own count decides. Quotas must not wait for a
node that is down, so the counting is given up after a while; the next snapshot of that node mends it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from tieline import bus, variables
from tieline.clock import Clock
from tieline.errors import TielineError
from tieline.live import Live
from tieline.model import NodeId
from trunk_config.caps import net_limits, node_share
from trunk_config.in_force import maybe_in_force

EVERY_S: Final = 0.5
COUNTED_WITHIN_S: Final = 2.0


class QuotaKeeper:
    """Runs once at a site, in the process that reconciles leases.

    Args:
        live: The site's Redis.
        nodes: Of the site.
        put_in_force: Installs what is to be in force (`trunk_config.admission.install`).
        clock: Unix seconds.
    """

    def __init__(
        self, live: Live, nodes: Sequence[NodeId], put_in_force: Callable[[], Awaitable[object]], clock: Clock
    ) -> None:
        self._live = live
        self._nodes = tuple(nodes)
        self._put_in_force = put_in_force
        self._clock = clock
        self._counted: set[NodeId] = set()
        self._news = asyncio.Event()
        self._in_force = asyncio.Event()
        self._told: tuple[int, Mapping[str, int]] | None = None
        self._counters = {"quotas_restored": 0, "nodes_not_counted": 0}

    async def run(self) -> None:
        """Keep until cancelled; wait out a Redis that is away."""
        while True:
            with suppress(TielineError):
                await self._look()
            await asyncio.sleep(EVERY_S)

    async def wait_in_force(self) -> None:
        """Wait until quotas are in force for the first time."""
        await self._in_force.wait()

    def metrics(self) -> Mapping[str, float]:
        """Give the numbers worth a graph: `quotas_restored` counts the losses of Redis, the first start too."""
        return {**self._counters, "quota_version": self._told[0] if self._told else -1}

    async def snapshot_compared(self, node: NodeId) -> None:
        """A node's leases are again what its channels are: it may be new, so it is told the caps, too.

        Raises:
            TielineError: Redis is away.
        """
        self._counted.add(node)
        self._news.set()
        await self._tell((node,))

    async def _look(self) -> None:
        there = await self._maybe_caps()
        if there is None:
            await self._count_channels()
        if there is None or not self._in_force.is_set():
            await self._put_in_force()
            self._in_force.set()
        if there is None:
            self._counters["quotas_restored"] += 1
            await self._ask_for_snapshots()  # what the nodes have let in meanwhile holds no lease yet
        there = await self._maybe_caps()
        if there is not None and there != self._told:  # another version, or another access of a city
            await self._tell(self._nodes)
            self._told = there

    async def _count_channels(self) -> None:
        """Wait until every node's channels have leases; a bridge on its way up takes its first snapshot unasked."""
        if self._in_force.is_set():
            self._counted.clear()
        await self._ask_for_snapshots()
        with suppress(TimeoutError):
            async with asyncio.timeout(COUNTED_WITHIN_S):
                while not self._counted.issuperset(self._nodes):
                    self._news.clear()
                    await self._news.wait()
        self._counters["nodes_not_counted"] += len(set(self._nodes) - self._counted)

    async def _ask_for_snapshots(self) -> None:
        ask = bus.TakeSnapshot(at=self._clock())
        await asyncio.gather(*(self._live.command(node, ask) for node in self._nodes))

    async def _tell(self, nodes: Sequence[NodeId]) -> None:
        """Set the caps on nodes: what each counts against when Redis is away."""
        caps = await self._maybe_caps()
        if caps is None:
            return
        version, values = caps
        now = self._clock()
        await asyncio.gather(
            *(
                self._live.command(node, bus.SetGlobal(at=now, name=name, value=str(value)))
                for node in nodes
                for name, value in {variables.QUOTA: version, **values}.items()
            )
        )

    async def _maybe_caps(self) -> tuple[int, Mapping[str, int]] | None:
        """Give the version in force and the nodes' globals under it, None when nothing is in force.

        Raises:
            TielineError: Redis is away.
        """
        now = await maybe_in_force(self._live)
        if now is None:
            return None
        limits = net_limits(now.lines, now.shares)
        return now.version, {
            variables.cap(city): node_share(limit, len(self._nodes)) for city, limit in limits.items()
        }

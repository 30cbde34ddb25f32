"""What is to be in force at a site: follows the versions of its quotas in SQL.

Whoever changes quotas installs them himself; this is there for what that misses: an end time, a change made where
the site's Redis could not be reached, a start. Without SQL what is known stays in force; as long as SQL was never
reached that is the file's `normal`, which gives way to any version of SQL.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import structlog

from tieline.clock import Clock
from tieline.errors import TielineError
from tieline.live import Live
from tieline.model import SiteId
from tieline.topology import Topology
from trunk_config.admission import maybe_version
from trunk_config.desk import Desk, first_version
from trunk_config.in_force import put_in_force, replace_in_force
from trunk_config.profiles import Profiles

ASK_EVERY_S: Final = 1.0
"""One look at SQL and one at Redis, each by key."""

_log = structlog.get_logger("service")


class QuotaVersions:
    """Runs beside one site's Redis; two of them do no harm.

    Args:
        site: Whose quotas.
        live: The site's Redis.
        desk: Knows the newest version, and ends one that is over.
        topology: The network.
        profiles: Of the file.
        clock: Unix seconds.
    """

    def __init__(
        self, site: SiteId, live: Live, desk: Desk, topology: Topology, profiles: Profiles, clock: Clock
    ) -> None:
        self._site = site
        self._live = live
        self._desk = desk
        self._topology = topology
        self._clock = clock
        self._newest = first_version(profiles, site, clock(), version=0)
        self._asked = asyncio.Event()
        self._sql_error = ""
        self.counters: dict[str, int] = {"sql_away": 0}

    async def run(self) -> None:
        """Follow until cancelled; wait out an SQL or a Redis that is away."""
        while True:
            await self._ask()
            with suppress(TielineError):
                await replace_in_force(self._live, self._topology, self._newest, now=self._clock())
            await asyncio.sleep(ASK_EVERY_S)

    async def put_in_force(self) -> bool:
        """Install the newest version into a Redis that has lost it, or at the start: the network may have changed.

        SQL is waited for a moment, or after a restart of everything the file's quotas would be in force first.

        Raises:
            TielineError: Redis is away.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(ASK_EVERY_S):
                await self._asked.wait()
        return await put_in_force(self._live, self._topology, self._newest, now=self._clock())

    async def take_network(self, topology: Topology) -> None:
        """Decide by another network from the next call on: what the trunk groups can carry may have changed.

        Raises:
            TielineError: Redis is away.
        """
        self._topology = topology
        if await maybe_version(self._live) is not None:  # else the site's keeper counts the channels first
            await put_in_force(self._live, topology, self._newest, now=self._clock())

    def metrics(self) -> Mapping[str, float]:
        """Give the numbers worth a graph."""
        return {"quota_newest": self._newest.version, **{f"quota_{name}": n for name, n in self.counters.items()}}

    async def _ask(self) -> None:
        error = ""
        try:
            self._newest = await self._desk.newest(self._site)
        except TielineError as caught:
            error = str(caught)
            self.counters["sql_away"] += 1
        self._asked.set()
        if error and not self._sql_error:
            _log.warning("quotas: SQL is away, what is known stays in force", error=error)
        elif self._sql_error and not error:
            _log.info("quotas: SQL is back")
        self._sql_error = error

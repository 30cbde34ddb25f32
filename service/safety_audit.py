"""Brings every admission from the life-safety allowance into the audit trail.

The keeper notes them in Redis together with its position on the bus; from there they go to SQL when it answers. After
a crash between the two a line of the trail may stand there twice; none is missing unless Redis is lost in between.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from tieline import audit, bus
from tieline.database import Connection, Database
from tieline.errors import TielineError
from tieline.live import Live
from tieline.model import SiteId
from trunk_config.desk import SYSTEM

PENDING: Final = "tl:safety:audit"
"""Redis list: `CallArrived` events as JSON, the oldest first."""
EVERY_S: Final = 1.0
AT_ONCE: Final = 100


class SafetyAudit:
    """Runs once at a site.

    Args:
        site: Whose admissions.
        live: The site's Redis.
        database: Where the trail is.
    """

    def __init__(self, site: SiteId, live: Live, database: Database) -> None:
        self._site = site
        self._live = live
        self._database = database
        self._counters = {"safety_audited": 0}

    async def run(self) -> None:
        """Work until cancelled; whatever is away is asked again a second later."""
        while True:
            with suppress(TielineError):
                await self.look()
            await asyncio.sleep(EVERY_S)

    def metrics(self) -> Mapping[str, float]:
        """Give what was counted since the start."""
        return self._counters

    async def look(self) -> None:
        """Move what is pending into the trail.

        Raises:
            TielineError: Redis or SQL is away; nothing is lost.
        """
        pending = await self._live.call("LRANGE", PENDING, 0, AT_ONCE - 1)
        if not pending:
            return
        admitted = [event for event in map(bus.decode_event, pending) if isinstance(event, bus.CallArrived)]
        await self._database.run(partial(self._write, admitted=admitted))
        await self._live.call("LTRIM", PENDING, len(pending), -1)
        self._counters["safety_audited"] += len(admitted)

    def _write(self, connection: Connection, admitted: Sequence[bus.CallArrived]) -> None:
        for call in admitted:
            told = {
                "site": self._site,
                "city": call.city,
                "trunk": call.trunk,
                "quota_version": call.quota_version,
                "lines_in_use": call.lines_in_use,
            }
            audit.record(
                connection,
                SYSTEM,
                "line.safety",
                f"call:{call.call_id}",
                after=told,
                why="the number is on the life-safety list",
                clock=partial(float, call.at),
            )

"""Keeps the site's copy of the notices as SQL has them: what is set is told to callers within two seconds.

A notice is gone at its end by the clock alone, with SQL away as well. While SQL does not answer the copy stays.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from ivr_prompts.notice import Notice
from ivr_prompts.notice_live import read_notices, write_copy
from ivr_prompts.store import fetch_notices
from tieline.clock import Clock
from tieline.database import Database
from tieline.errors import TielineError
from tieline.live import Live

EVERY_S: Final = 1.0


class NoticeKeeper:
    """Runs once at a site; two of them do no harm.

    Args:
        live: The site's Redis.
        database: Where the notices are.
        clock: Unix seconds.
    """

    def __init__(self, live: Live, database: Database, clock: Clock) -> None:
        self._live = live
        self._database = database
        self._clock = clock
        self._known: Sequence[Notice] | None = None
        self.counters = dict.fromkeys(("changed", "sql_failures", "redis_failures"), 0)

    async def run(self) -> None:
        """Keep until cancelled; whatever is away is asked again a second later."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_S)

    def metrics(self) -> Mapping[str, float]:
        """Give what was counted since the start, and how many notices are known."""
        return {**self.counters, "notices": len(self._known or ())}

    async def look(self) -> None:
        """Read SQL, then mend the copy; raises nothing that trying again can mend."""
        now = self._clock()
        try:
            self._known = await self._database.run(partial(fetch_notices, now=now), reading=True)
        except TielineError:
            self.counters["sql_failures"] += 1
        try:
            if self._known is None:  # SQL never answered: what the copy says is the best that is known
                self._known = await read_notices(self._live)
            self.counters["changed"] += await write_copy(self._live, self._known, now)
        except TielineError:
            self.counters["redis_failures"] += 1

"""Follows the versions of the ladders in SQL, so that a change is felt within a second and without a restart.

Without SQL what is known stays in force; as long as SQL was never reached that is what ships. A version that the
agents or the network of today do not fit (they were changed since) is left out, and said.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from routing.ladder_desk import LadderDesk
from routing.ladders import LadderSet
from tieline.errors import ConfigError, TielineError

ASK_EVERY_S: Final = 0.5
"""One look at SQL, by key."""

_log = structlog.get_logger("matcher")


class LadderFollower:
    """Runs beside a matcher, acting or not.

    Args:
        desk: Knows the newest version.
        use: Gets the ladders that are to be gone by.
    """

    def __init__(self, desk: LadderDesk, use: Callable[[LadderSet], None]) -> None:
        self._desk = desk
        self._use = use
        self._known = 0
        self._sql_error = ""
        self.counters: dict[str, int] = {"sql_away": 0, "unreadable": 0}

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await self._ask()
            await asyncio.sleep(ASK_EVERY_S)

    def metrics(self) -> Mapping[str, float]:
        """Give the numbers worth a graph."""
        return {"ladders_version": self._known, **{f"ladders_{name}": n for name, n in self.counters.items()}}

    async def _ask(self) -> None:
        error = ""
        try:
            if await self._desk.newest_number() != self._known:
                await self._take()
        except TielineError as caught:
            error = str(caught)
            self.counters["sql_away"] += 1
        if error and not self._sql_error:
            _log.warning("ladders: SQL is away, what is known stays in force", error=error)
        elif self._sql_error and not error:
            _log.info("ladders: SQL is back")
        self._sql_error = error

    async def _take(self) -> None:
        newest = await self._desk.version()
        self._known = newest.version
        try:
            self._use(self._desk.read(newest))
        except ConfigError as error:
            self.counters["unreadable"] += 1
            _log.error("ladders: the newest version does not fit, the last one stays", reasons=str(error))
        else:
            _log.info("ladders in force", version=newest.version, by=newest.by, why=newest.why)

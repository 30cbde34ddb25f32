"""What callers are told of the moment, as a copy in this process of what the site's Redis has.

Looked at once a second, so that no call pays for it with a command of its own. Without Redis the last copy stays; a
notice ends by the clock all the same.
"""

import asyncio
from contextlib import suppress
from typing import Final

from ivr_prompts.notice import Notice, of_city
from ivr_prompts.notice_live import read_notices
from tieline.errors import TielineError
from tieline.live import Live
from tieline.model import CityId

EVERY_S: Final = 1.0


class Situation:
    """The moment of one site, shared by all sessions of the process.

    Args:
        live: The site's Redis.
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self._notices: tuple[Notice, ...] = ()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            with suppress(TielineError):
                await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Take a new copy.

        Raises:
            TielineError: Redis is away; the old copy stays.
        """
        self._notices = await read_notices(self._live)

    def notices(self, city: CityId, now: float) -> tuple[Notice, ...]:
        """Give the notices of a city that hold at `now`, the most important first."""
        return of_city(self._notices, city, now) if self._notices else ()

"""The acting matcher's numbers at the site's console: it is another process, which has no HTTP port."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import msgspec

from routing.figures import decode_figures
from routing.keys import FIGURES
from tieline.errors import TielineError
from tieline.live import Live

EVERY_S: Final = 1.0


class MatcherFigures:
    """Follows what the acting matcher of a site tells of itself.

    Args:
        live: The site's Redis.
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self._told: Mapping[str, float] = {}

    async def run(self) -> None:
        """Follow until cancelled; while Redis is away the last numbers stand."""
        while True:
            with suppress(TielineError, msgspec.MsgspecError):
                self._told = decode_figures(await self._live.call("GET", FIGURES))
            await asyncio.sleep(EVERY_S)

    def metrics(self) -> Mapping[str, float]:
        """Give the numbers worth a graph."""
        return self._told

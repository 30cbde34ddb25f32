"""Is every part that a site needs there, and since when? Asked at intervals, told at once.

Answers come from the last round, so that a monitoring system that asks often costs nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec

from tieline.clock import Clock
from tieline.errors import DeadlineExceeded, NotReady, TielineError
from tieline.live import Live

INTERVAL_S: Final = 2.0
DEADLINE_S: Final = 2.0

Probe = Callable[[], Awaitable[None]]
"""Returns when its part is there; raises a TielineError that says what is wrong when it is not."""


class PartState(msgspec.Struct, frozen=True, kw_only=True):
    """One part; `since` is Unix seconds, `reason` empty while it is there."""

    ready: bool
    since: float
    reason: str = ""


class Readiness:
    """Asks every probe at intervals.

    Args:
        probes: By the name of the part.
        clock: Gives the times.
    """

    def __init__(self, probes: Mapping[str, Probe], clock: Clock) -> None:
        self._probes = dict(probes)
        self._clock = clock
        self.parts: Mapping[str, PartState] = {
            name: PartState(ready=False, since=clock(), reason="not asked yet") for name in probes
        }

    @property
    def ready(self) -> bool:
        """Tell whether every part was there in the last round."""
        return all(part.ready for part in self.parts.values())

    async def run(self) -> None:
        """Ask for ever; ends by being cancelled."""
        while True:
            await self.ask()
            await asyncio.sleep(INTERVAL_S)

    async def ask(self) -> None:
        """Ask every probe once, all at the same time, each within `DEADLINE_S`."""
        reasons = await asyncio.gather(*(_reason(name, probe) for name, probe in self._probes.items()))
        now = self._clock()
        self.parts = {
            name: _next(self.parts[name], reason, now) for name, reason in zip(self._probes, reasons, strict=True)
        }


async def _reason(name: str, probe: Probe) -> str:
    try:
        async with asyncio.timeout(DEADLINE_S):
            await probe()
    except TimeoutError:
        return str(DeadlineExceeded(name, DEADLINE_S))
    except TielineError as error:
        return str(error) or type(error).__name__
    return ""


def _next(old: PartState, reason: str, now: float) -> PartState:
    ready = not reason
    return PartState(ready=ready, since=old.since if old.ready == ready else now, reason=reason)


def redis_probe(live: Live) -> Probe:
    """Ask the site's Redis for a sign of life."""

    async def ask() -> None:
        await live.call("PING")

    return ask


def heartbeat_probe(live: Live, key: str, *, max_age_s: float, clock: Clock) -> Probe:
    """Ask whether a process has lately written its time (Unix seconds) under a key of Redis."""

    async def ask() -> None:
        beat = await live.call("GET", key)
        try:
            age_s = clock() - float(beat or 0)
        except ValueError:
            raise NotReady(f"no time under {key}") from None
        if not age_s <= max_age_s:
            raise NotReady(f"no heartbeat for {age_s:.0f} s" if beat else "no heartbeat")

    return ask

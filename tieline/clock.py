"""The clock: decisions take `now`, only shells ask for it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

Clock = Callable[[], float]
"""Gives Unix time in seconds."""

system_clock: Clock = time.time

CHINA: Final = timezone(timedelta(hours=8), "CST")
"""The one civil time of the whole country, without summer time: what callers, agents and admins mean by a time."""


def iso_utc(at: float) -> str:
    """Render Unix seconds for programs, as ISO 8601 in UTC with milliseconds, e.g. `2026-11-21T08:30:00.125Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_china(at: float, *, precisely: bool = False) -> str:
    """Render Unix seconds as people read them, e.g. `2026-11-21 16:30`, precisely `2026-11-21 16:30:00.125`."""
    here = datetime.fromtimestamp(at, CHINA).replace(tzinfo=None)
    return here.isoformat(" ", "milliseconds" if precisely else "minutes")

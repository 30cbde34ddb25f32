"""The clock: decisions take `now`, only shells ask for it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], float]
"""Gives Unix time in seconds."""

system_clock: Clock = time.time


def iso_utc(at: float) -> str:
    """Render Unix seconds as ISO 8601 in UTC with milliseconds, e.g. `2026-11-21T08:30:00.125Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""How old what we see of another site is: by its heartbeat, on our own clock. Pure; takes `now`."""

import math
from dataclasses import dataclass
from typing import Final

STALE_S: Final = 5.0
"""Older than so many seconds, a picture of another site is worth nothing: no caller crosses on it."""


@dataclass(slots=True)
class Freshness:
    """The age of a heartbeat: the time since it was last seen to change.

    What stands in it is the other site's time. Clocks need not agree for this, and a copy that nobody renews is never
    fresh, however young it says to be.
    """

    _seen: bytes | None = None
    _changed_at: float = -math.inf

    def see(self, heartbeat: bytes | None, now: float) -> None:
        """Take in what stands in the heartbeat's key; the first sight of it proves nothing."""
        if heartbeat is not None and self._seen is not None and heartbeat != self._seen:
            self._changed_at = now
        self._seen = heartbeat

    def age_s(self, now: float) -> float:
        """Give the seconds since it last changed, infinite before it did."""
        return now - self._changed_at

    def is_fresh(self, now: float) -> bool:
        """Tell whether what was seen is worth deciding on."""
        return self.age_s(now) <= STALE_S

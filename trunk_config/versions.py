"""Versions of a site's quotas: what is in force is always the newest; nothing is ever changed or removed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tieline.model import CityId, SiteId
from trunk_config.quota import Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaVersion:
    """One version of a site's quotas. It took the place of `version - 1`.

    Attributes:
        version: 1, 2, 3 … for each site.
        profile: The profile that was put on last; single shares may have been set since.
        by: Who made it, as in the audit trail.
        why: The reason given.
        at: When, Unix seconds.
        until: When a former version comes back by itself, Unix seconds; None for never.
        returns_to: Which one; None exactly when `until` is.
    """

    site: SiteId
    version: int
    profile: str
    quotas: Mapping[CityId, Quota]
    by: str
    why: str
    at: float
    until: float | None = None
    returns_to: int | None = None

    def is_over(self, now: float) -> bool:
        """Tell whether its end time has come."""
        return self.until is not None and self.until <= now


@dataclass(frozen=True, slots=True)
class Difference:
    """One number of one city that is not the same in two versions; None where the city has no quota."""

    city: CityId
    share: Literal["reserve", "cap"]
    before: int | None
    after: int | None

    def __str__(self) -> str:
        """Render as `putian reserve 11 → 17`."""
        before, after = ("none" if value is None else value for value in (self.before, self.after))
        return f"{self.city} {self.share} {before} → {after}"


def differences(before: Mapping[CityId, Quota], after: Mapping[CityId, Quota]) -> tuple[Difference, ...]:
    """List every number that differs, in the order of the cities."""
    found = []
    for city in dict.fromkeys((*before, *after)):
        old, new = before.get(city), after.get(city)
        pairs: tuple[Difference, ...] = (
            Difference(city, "reserve", old.reserve if old else None, new.reserve if new else None),
            Difference(city, "cap", old.cap if old else None, new.cap if new else None),
        )
        found += [pair for pair in pairs if pair.before != pair.after]
    return tuple(found)


def former(over: QuotaVersion, known: Mapping[int, QuotaVersion], now: float) -> QuotaVersion:
    """Find the version that comes back when one is over.

    A version that was itself put on until a time that has passed meanwhile is not brought back, but what it would
    have returned to: a typhoon put on inside a typhoon ends with `normal`.

    Args:
        over: Its end time has come.
        known: By version, every one that `returns_to` leads to from there.
        now: Unix seconds.
    """
    found = over
    while found.returns_to is not None and found.is_over(now):
        found = known[found.returns_to]
    return found

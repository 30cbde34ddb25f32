"""Offered load, measured: how many lines each city's callers would keep busy if none were refused. Pure.

Offered load is calls an hour times the mean time a call holds a line. Refused calls held none; each counts by the
mean of its city. Somebody who tries again counts again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Final

from tieline.clock import CHINA

HOUR_S: Final = 3600
UNKNOWN_HOLDING_S: Final = 200.0
"""Mean time on a line where no call was ever admitted (domain-facts (e)); an assumption."""

_DAY_BEGINS_H: Final = int(CHINA.utcoffset(None).total_seconds()) // HOUR_S


@dataclass(frozen=True, slots=True)
class CityHour:
    """The calls of a city that came within one hour.

    Attributes:
        hour: Whole hours since 1970 UTC.
        held: Calls that held a line for a known time.
        held_s: Their time on the line, all together.
        others: Calls that were refused, or whose beginning nobody knows.
    """

    city: str
    hour: int
    held: int
    held_s: float
    others: int


def busy_hour_loads(hours: Iterable[CityHour]) -> Mapping[str, float]:
    """Give each city's offered load in its busy hour, Erlang: the median of the busiest hours of its days.

    A single day of storm among calm ones does not count that way. The days are China's; one without calls of the city
    is none.
    """
    hours = list(hours)
    peaks: dict[str, dict[int, float]] = {}
    means = _mean_holding(hours)
    for hour in hours:
        load = (hour.held_s + hour.others * means[hour.city]) / HOUR_S
        days = peaks.setdefault(hour.city, {})
        day = (hour.hour + _DAY_BEGINS_H) // 24
        days[day] = max(days.get(day, 0.0), load)
    return {city: median(days.values()) for city, days in peaks.items()}


def _mean_holding(hours: Iterable[CityHour]) -> Mapping[str, float]:
    """Give each city's mean time on a line, seconds; that of all where the city had none."""
    held: dict[str, int] = {}
    held_s: dict[str, float] = {}
    for hour in hours:
        held[hour.city] = held.get(hour.city, 0) + hour.held
        held_s[hour.city] = held_s.get(hour.city, 0.0) + hour.held_s
    of_all = sum(held_s.values()) / sum(held.values()) if any(held.values()) else UNKNOWN_HOLDING_S
    return {city: held_s[city] / calls if calls else of_all for city, calls in held.items()}

"""How many calls are usual for a city, by hour and weekday: learned from calm hours, and a little from others. Pure.

Hours are those of China's clock: people rise and go to bed by it, and its offset is whole hours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from tieline.clock import CHINA
from tieline.model import CityId
from tieline.topology import City

HOUR_S: Final = 3600
WEEKDAYS: Final = range(7)
"""Monday is 0."""


class Cell(NamedTuple):
    """A city's hour of the week: `weekday` 0 is Monday, `hour` 0 to 23."""

    city: CityId
    weekday: int
    hour: int


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known of a cell.

    Attributes:
        calls: Exponential mean of the calls in that hour.
        last_hour: The newest hour that is in it, as whole hours since 1970: no hour is learned twice.
    """

    calls: float
    last_hour: int


@dataclass(frozen=True, slots=True)
class UsualRules:
    """How the usual is reckoned; see `data/surge.toml`.

    Attributes:
        floor: Usual calls in the window, at least.
        weight: Of the newest hour in the mean, above 0, at most 1.
        weight_unusual: The same of an hour that was not calm, smaller.
        busy_calls_per_1000: Calls in a busy hour per 1,000 customers, taken for an hour that is not learned yet.
    """

    floor: float
    weight: float
    weight_unusual: float
    busy_calls_per_1000: float


Table = Mapping[Cell, Learned]


def hour_of(at: float) -> int:
    """Give the hour of a time as whole hours since 1970."""
    return int(at // HOUR_S)


def cell_of(city: CityId, hour: int) -> Cell:
    """Give the cell of an hour since 1970."""
    here = datetime.fromtimestamp(hour * HOUR_S, CHINA)
    return Cell(city, here.weekday(), here.hour)


def learn(old: Learned | None, calls: int, hour: int, weight: float) -> Learned:
    """Take the calls of a calm hour into the mean; the first hour is the mean."""
    if old is None:
        return Learned(float(calls), hour)
    return old if hour <= old.last_hour else Learned(old.calls + weight * (calls - old.calls), hour)


def learn_unusual(
    old: Learned | None, usual: float, calls: int, hour: int, *, at_most: float, weight: float
) -> Learned:
    """Take the calls of an hour that was not calm into the mean: by a small weight, and never as more than a bound.

    So a storm moves the usual by little, and a city that calls more for good comes to be usual all the same.

    Args:
        old: What is known of the cell.
        usual: Calls taken for usual in that hour, for a cell of which nothing is known.
        calls: Of the hour.
        hour: Which, as whole hours since 1970.
        at_most: Calls above this count as this.
        weight: Of the hour in the mean.
    """
    return learn(old or Learned(usual, hour - 1), round(min(calls, at_most)), hour, weight)


def usual_in_window(table: Table, city: City, now: float, window_s: int, rules: UsualRules) -> float:
    """Give the calls that are usual in the window before `now`, in parts where it lies in two hours."""
    hour = hour_of(now)
    of_this_s = min(now - hour * HOUR_S, window_s)
    this, last = (usual_in_hour(table, city, which, rules) for which in (hour, hour - 1))
    return max(rules.floor, (this * of_this_s + last * (window_s - of_this_s)) / HOUR_S)


def usual_in_hour(table: Table, city: City, hour: int, rules: UsualRules) -> float:
    """Give the usual calls of an hour: learned, else of the same hour on other days, else by the customers."""
    cell = cell_of(city.id, hour)
    if cell in table:
        return table[cell].calls
    others = [table[other].calls for day in WEEKDAYS if (other := cell._replace(weekday=day)) in table]
    if others:
        return sum(others) / len(others)
    return city.customers / 1000 * rules.busy_calls_per_1000

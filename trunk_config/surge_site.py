"""All cities of a site, look by look: states, and hours to be learned. Pure; what it remembers outlives a restart."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from tieline.model import CityId
from tieline.topology import City
from trunk_config import surge
from trunk_config.surge import State, Thresholds, Watch
from trunk_config.usual import (
    HOUR_S,
    Learned,
    Table,
    UsualRules,
    cell_of,
    hour_of,
    learn,
    learn_unusual,
    usual_in_hour,
    usual_in_window,
)

GAP_S: Final = 120.0
"""After a longer time without a look calls may be missing: their hours are not learned."""


class SiteWatch(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a site.

    Attributes:
        watches: By city.
        hour: The hour in progress, as whole hours since 1970.
        whole: That hour was watched from its beginning.
        calls: Calls of that hour, by city.
        disturbed: Cities that were not calm at some moment of that hour: what they did is learned as unusual.
        looked_at: Unix seconds of the last look.
    """

    watches: Mapping[str, Watch] = {}
    hour: int = 0
    whole: bool = False
    calls: Mapping[str, int] = {}
    disturbed: frozenset[str] = frozenset()
    looked_at: float = 0.0


class Lesson(NamedTuple):
    """The calls of a city in an hour (whole hours since 1970) that was watched from beginning to end.

    Attributes:
        calm: All the time.
    """

    city: CityId
    hour: int
    calls: int
    calm: bool


class Look(NamedTuple):
    """What a look found.

    Attributes:
        changed: Cities whose state changed.
        lessons: What may be learned, once an hour.
        usual: Calls that are usual in the window, by city.
    """

    watch: SiteWatch
    changed: tuple[CityId, ...]
    lessons: tuple[Lesson, ...]
    usual: Mapping[CityId, float]


def called(site: SiteWatch, city: CityId, at: float) -> SiteWatch:
    """Count a call of a city."""
    watch = surge.arrived(site.watches.get(city, Watch(since=at)), at)
    calls = {**site.calls, city: site.calls.get(city, 0) + 1}
    return msgspec.structs.replace(site, watches={**site.watches, city: watch}, calls=calls)


def look(
    site: SiteWatch, cities: Iterable[City], table: Table, now: float, thresholds: Thresholds, rules: UsualRules
) -> Look:
    """Judge every city now, and close the hour when it is over.

    Args:
        site: As the last look left it, and the calls since.
        cities: The site's own cities.
        table: What is learned.
        now: Unix seconds.
        thresholds: When states change.
        rules: How the usual is reckoned.
    """
    own = tuple(cities)
    lessons, site = _hour_closed(site, own, now)
    usual = {city.id: usual_in_window(table, city, now, thresholds.window_s, rules) for city in own}
    before = {city.id: site.watches.get(city.id, Watch(since=now)) for city in own}
    after = {city: surge.judged(watch, usual[city], now, thresholds) for city, watch in before.items()}
    changed = tuple(city for city in after if after[city].state is not before[city].state)
    not_calm = {city for city in after if State.CALM not in (before[city].state, after[city].state)}
    site = msgspec.structs.replace(
        site, watches=after, disturbed=site.disturbed | not_calm | set(changed), looked_at=now
    )
    return Look(site, changed, lessons, usual)


def taught(table: Table, city: City, lesson: Lesson, thresholds: Thresholds, rules: UsualRules) -> Learned:
    """Give what is known of the lesson's cell after it; arguments as `look`.

    Of an hour that was not calm no more counts than what makes a city rising.
    """
    old = table.get(cell_of(city.id, lesson.hour))
    if lesson.calm:
        return learn(old, lesson.calls, lesson.hour, rules.weight)
    usual = usual_in_hour(table, city, lesson.hour, rules)
    at_most = thresholds.rising.enter * max(usual, rules.floor * HOUR_S / thresholds.window_s)
    return learn_unusual(old, usual, lesson.calls, lesson.hour, at_most=at_most, weight=rules.weight_unusual)


def _hour_closed(site: SiteWatch, cities: Iterable[City], now: float) -> tuple[tuple[Lesson, ...], SiteWatch]:
    """Begin the hour of `now`; give what the one before it taught."""
    hour = hour_of(now)
    gap = now - site.looked_at > GAP_S
    if hour == site.hour:
        return (), msgspec.structs.replace(site, whole=site.whole and not gap)
    lessons = tuple(
        Lesson(city.id, site.hour, site.calls.get(city.id, 0), city.id not in site.disturbed)
        for city in cities
        if site.whole and not gap
    )
    return lessons, msgspec.structs.replace(site, hour=hour, whole=not gap, calls={}, disturbed=frozenset())

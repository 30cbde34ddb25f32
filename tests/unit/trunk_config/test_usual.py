"""What is usual, by hour and weekday, and that only calm whole hours teach it."""

from collections import Counter
from datetime import datetime

import msgspec
import pytest

from tests.unit.trunk_config.network import TOPOLOGY
from tieline.clock import CHINA
from tieline.model import CityId
from trunk_config.surge import Level, State, Thresholds
from trunk_config.surge_site import GAP_S, Lesson, Look, SiteWatch, called, look, taught
from trunk_config.usual import (
    Cell,
    Learned,
    Table,
    UsualRules,
    cell_of,
    hour_of,
    learn,
    learn_unusual,
    usual_in_window,
)

pytestmark = pytest.mark.unit

RULES = UsualRules(floor=4.0, weight=0.25, weight_unusual=0.1, busy_calls_per_1000=0.1045)
THRESHOLDS = Thresholds(window_s=300, calm_after_s=300, rising=Level(2.5, 1.5), surge=Level(5.0, 3.0))
FUZHOU = TOPOLOGY.cities[CityId("fuzhou")]
PUTIAN = TOPOLOGY.cities[CityId("putian")]


def at(text: str) -> float:
    """Read a time in China, e.g. `2026-11-21 16:30`."""
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp()


def table(**calls: float) -> Table:
    """Make a table of Fuzhou from `d5h16=240.0`: weekday 5 (Saturday), 16 o'clock."""
    cells = {name: name.removeprefix("d").split("h") for name in calls}
    return {Cell(FUZHOU.id, int(day), int(hour)): Learned(calls[name], 0) for name, (day, hour) in cells.items()}


def usual(known: Table, now: str) -> float:
    return usual_in_window(known, FUZHOU, at(now), 300, RULES)


# --- the table -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "weekday", "hour"),
    [
        ("2026-11-21 16:59:59", 5, 16),
        ("2026-11-22 00:00:00", 6, 0),
        ("2026-11-22 23:59:59", 6, 23),
        ("2026-11-23 00:00:00", 0, 0),  # Monday begins by China's clock, eight hours before UTC's
    ],
)
def test_hours_and_weekdays_are_chinas(now: str, weekday: int, hour: int) -> None:
    assert cell_of(FUZHOU.id, hour_of(at(now))) == Cell(FUZHOU.id, weekday, hour)


def test_the_window_is_usual_in_parts_where_two_hours_meet() -> None:
    known = table(d5h16=120.0, d5h17=360.0)
    assert usual(known, "2026-11-21 16:59") == pytest.approx(10.0)
    assert usual(known, "2026-11-21 17:00") == pytest.approx(10.0)
    assert usual(known, "2026-11-21 17:02:30") == pytest.approx(20.0)
    assert usual(known, "2026-11-21 17:05") == pytest.approx(30.0)


def test_the_edge_of_a_week() -> None:
    known = table(d6h23=120.0, d0h0=360.0)
    assert usual(known, "2026-11-23 00:02:30") == pytest.approx(20.0)


def test_a_silent_night_is_the_floor() -> None:
    assert usual(table(d5h3=0.0, d5h2=0.0), "2026-11-21 03:30") == 4.0


def test_an_hour_not_learned_is_taken_from_other_days_else_from_the_customers() -> None:
    assert usual(table(d1h16=120.0, d2h16=240.0), "2026-11-21 16:30") == pytest.approx(15.0)
    assert usual({}, "2026-11-21 16:30") == pytest.approx(FUZHOU.customers / 1000 * 0.1045 / 12)


def test_the_mean_follows_slowly_and_no_hour_is_learned_twice() -> None:
    first = learn(None, 100, 7, 0.25)
    assert first == Learned(100.0, 7)
    second = learn(first, 200, 8, 0.25)
    assert second == Learned(125.0, 8)
    assert learn(second, 900, 8, 0.25) == second


def test_an_unusual_hour_counts_little_and_up_to_a_bound() -> None:
    old = Learned(100.0, 7)
    assert learn_unusual(old, 0.0, 2000, 8, at_most=250.0, weight=0.1) == Learned(115.0, 8)
    assert learn_unusual(old, 0.0, 200, 8, at_most=250.0, weight=0.1) == Learned(110.0, 8)
    assert learn_unusual(old, 0.0, 2000, 7, at_most=250.0, weight=0.1) == old
    assert learn_unusual(None, 60.0, 2000, 8, at_most=150.0, weight=0.1) == Learned(69.0, 8)


# --- look by look --------------------------------------------------------------------------------------------


def looking(
    site: SiteWatch, begin: str, minutes: int, *, calls: int = 0, every_s: int = 60
) -> tuple[SiteWatch, list[Look]]:
    """Look every so often; Fuzhou calls so often before each look."""
    looks: list[Look] = []
    for second in range(0, minutes * 60 + 1, every_s):
        now = at(begin) + second
        for _ in range(calls):
            site = called(site, FUZHOU.id, now)
        looks.append(look(site, [FUZHOU, PUTIAN], {}, now, THRESHOLDS, RULES))
        site = looks[-1].watch
    return site, looks


def lessons(looks: list[Look]) -> list[Lesson]:
    return [lesson for found in looks for lesson in found.lessons]


def test_a_calm_hour_is_learned_when_it_is_over_and_half_an_hour_is_not() -> None:
    site, before = looking(SiteWatch(), "2026-11-21 15:30", 29, calls=1)
    assert lessons(before) == []
    _, after = looking(site, "2026-11-21 16:00", 60, calls=1)
    hour = hour_of(at("2026-11-21 16:00"))
    assert lessons(after) == [Lesson(FUZHOU.id, hour, 60, True), Lesson(PUTIAN.id, hour, 0, True)]


def test_a_silent_hour_is_learned_as_nothing() -> None:
    site, _ = looking(SiteWatch(), "2026-11-21 02:30", 29)
    _, after = looking(site, "2026-11-21 03:00", 60)
    assert [lesson.calls for lesson in lessons(after)] == [0, 0]


def test_an_hour_with_a_surge_in_it_is_unusual_for_that_city_alone() -> None:
    site, _ = looking(SiteWatch(), "2026-11-21 15:30", 29)
    site, rush = looking(site, "2026-11-21 16:00", 10, calls=30)
    assert [(found.changed, found.watch.watches["fuzhou"].state) for found in rush if found.changed] == [
        ((FUZHOU.id,), State.RISING),
        ((FUZHOU.id,), State.SURGE),
    ]
    site, rest = looking(site, "2026-11-21 16:11", 49)
    assert site.watches["fuzhou"].state is State.CALM  # calm again before the hour is over
    assert [(lesson.city, lesson.calm) for lesson in lessons(rest)] == [(FUZHOU.id, False), (PUTIAN.id, True)]
    _, after = looking(site, "2026-11-21 17:01", 59)
    assert [lesson.calm for lesson in lessons(after)] == [True, True]


def test_a_surge_over_the_end_of_an_hour_spoils_both() -> None:
    site, _ = looking(SiteWatch(), "2026-11-21 15:30", 29)
    site, first = looking(site, "2026-11-21 16:00", 61, calls=40)
    _, second = looking(site, "2026-11-21 17:02", 59)
    told = [lesson.calm for lesson in lessons(first) + lessons(second) if lesson.city == FUZHOU.id]
    assert told == [False, False]


def test_nothing_is_learned_of_hours_that_nobody_watched() -> None:
    site, _ = looking(SiteWatch(), "2026-11-21 15:30", 29)
    site, _ = looking(site, "2026-11-21 16:00", 20, calls=1)
    later = at("2026-11-21 16:20") + GAP_S + 1
    site = look(site, [FUZHOU], {}, later, THRESHOLDS, RULES).watch
    assert not site.whole
    _, rest = looking(site, "2026-11-21 16:23", 40)
    assert lessons(rest) == []
    _, day_later = looking(site, "2026-11-22 18:00", 5)
    assert lessons(day_later) == []


def test_a_short_restart_keeps_the_hour() -> None:
    site, _ = looking(SiteWatch(), "2026-11-21 15:30", 29)
    site, _ = looking(site, "2026-11-21 16:00", 20, calls=1)
    again = msgspec.json.decode(msgspec.json.encode(site), type=SiteWatch)
    assert again == site
    _, rest = looking(again, "2026-11-21 16:22", 38, calls=1)
    assert [lesson.calls for lesson in lessons(rest)] == [21 + 38, 0]


# --- week by week --------------------------------------------------------------------------------------------

LOOK_S = 300
WEEK_S = 7 * 86_400
MONDAY_8 = at("2026-11-23 08:00")
LOOKS = 4 * 12
WHOLE_HOURS = (9, 10, 11)


def weeks(calls_in_5_min: list[int]) -> tuple[dict[Cell, Learned], list[Counter[State]]]:
    """Let Fuzhou call evenly on Monday mornings, each week so many calls in five minutes.

    Returns:
        What was learned of whole hours, and how often each state was seen in each week.
    """
    known: dict[Cell, Learned] = {}
    site, told = SiteWatch(), list[Counter[State]]()
    for week, calls in enumerate(calls_in_5_min):
        told.append(Counter())
        for turn in range(1, LOOKS + 1):
            now = MONDAY_8 + week * WEEK_S + turn * LOOK_S
            for _ in range(calls):
                site = called(site, FUZHOU.id, now - 10)
            found = look(msgspec.structs.replace(site, looked_at=now - 60), [FUZHOU], known, now, THRESHOLDS, RULES)
            site = found.watch
            told[-1][site.watches["fuzhou"].state] += 1
            for lesson in found.lessons:
                known[cell_of(FUZHOU.id, lesson.hour)] = taught(known, FUZHOU, lesson, THRESHOLDS, RULES)
    return {cell: learned for cell, learned in known.items() if cell.hour in WHOLE_HOURS}, told


def test_a_city_that_calls_three_times_as_often_for_good_comes_to_be_usual() -> None:
    known, told = weeks([19] + [57] * 9)
    assert set(told[0]) == {State.CALM}
    assert set(told[1]) == {State.RISING}
    assert set(told[9]) == {State.CALM}
    assert min(learned.calls for learned in known.values()) > 0.6 * 57 * 12


def test_a_city_that_calls_six_times_as_often_for_good_does_so_in_the_end() -> None:
    _, told = weeks([114] * 20)
    assert told[1][State.SURGE] == LOOKS
    assert set(told[19]) == {State.CALM}


def test_an_hour_of_storm_moves_the_usual_by_little_and_is_forgotten() -> None:
    after, _ = weeks([19, 230])
    assert max(learned.calls for learned in after.values()) <= 1.16 * 19 * 12
    known, told = weeks([19, 230, 19, 19, 19, 19])
    assert told[1][State.SURGE] == LOOKS
    assert set(told[5]) == {State.CALM}
    assert all(learned.calls == pytest.approx(19 * 12, rel=0.06) for learned in known.values())

"""What is usual, by hour and weekday, and that only calm whole hours teach it."""

from datetime import datetime

import msgspec
import pytest

from tests.unit.trunk_config.network import TOPOLOGY
from tieline.clock import CHINA
from tieline.model import CityId
from trunk_config.surge import Level, State, Thresholds
from trunk_config.surge_site import GAP_S, Lesson, Look, SiteWatch, called, look
from trunk_config.usual import Cell, Learned, Table, UsualRules, cell_of, hour_of, learn, usual_in_window

pytestmark = pytest.mark.unit

RULES = UsualRules(floor=4.0, weight=0.25, busy_calls_per_1000=0.1045)
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
    assert lessons(after) == [Lesson(FUZHOU.id, hour, 60), Lesson(PUTIAN.id, hour, 0)]


def test_a_silent_hour_is_learned_as_nothing() -> None:
    site, _ = looking(SiteWatch(), "2026-11-21 02:30", 29)
    _, after = looking(site, "2026-11-21 03:00", 60)
    assert [lesson.calls for lesson in lessons(after)] == [0, 0]


def test_an_hour_with_a_surge_in_it_is_not_learned_but_the_other_cities_are() -> None:
    site, _ = looking(SiteWatch(), "2026-11-21 15:30", 29)
    site, rush = looking(site, "2026-11-21 16:00", 10, calls=30)
    assert [(found.changed, found.watch.watches["fuzhou"].state) for found in rush if found.changed] == [
        ((FUZHOU.id,), State.RISING),
        ((FUZHOU.id,), State.SURGE),
    ]
    site, rest = looking(site, "2026-11-21 16:11", 49)
    assert site.watches["fuzhou"].state is State.CALM  # calm again before the hour is over
    assert [lesson.city for lesson in lessons(rest)] == [PUTIAN.id]
    _, after = looking(site, "2026-11-21 17:01", 59)
    assert [lesson.city for lesson in lessons(after)] == [FUZHOU.id, PUTIAN.id]


def test_a_surge_over_the_end_of_an_hour_spoils_both() -> None:
    site, _ = looking(SiteWatch(), "2026-11-21 15:30", 29)
    site, first = looking(site, "2026-11-21 16:00", 61, calls=40)
    _, second = looking(site, "2026-11-21 17:02", 59)
    assert FUZHOU.id not in {lesson.city for lesson in lessons(first) + lessons(second)}


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

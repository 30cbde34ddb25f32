"""Who is answered when: kinds of days, the next opening, and files that are refused with every fault."""

from datetime import datetime
from pathlib import Path

import pytest

from routing.holidays import Calendar, DayKind
from routing.hours import Hours, Span, load_hours
from tieline.clock import CHINA
from tieline.errors import ConfigError
from tieline.model import Business

pytestmark = pytest.mark.unit


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp()


NOW = at("2026-11-21 12:00")
SHIPPED = load_hours(NOW)
COUNTER = {DayKind.WORKDAY: Span(9 * 60, 17 * 60), DayKind.WEEKEND: None, DayKind.HOLIDAY: None}
"""Hours that differ from day to day, which the shipped ones do not."""
OFFICE = Hours({Business.EXPANSION: COUNTER}, SHIPPED.calendar)


@pytest.mark.parametrize("clock", ["00:00", "03:00", "07:59", "22:00", "23:59"])
def test_at_night_only_repair_and_those_who_said_nothing_are_answered(clock: str) -> None:
    open_now = {business for business in Business if SHIPPED.state(business, at(f"2026-11-21 {clock}")).is_open}
    assert open_now == {Business.REPAIR, Business.OTHER}


@pytest.mark.parametrize("clock", ["08:00", "15:00", "21:59:59"])
def test_by_day_everybody_is_answered_on_holidays_too(clock: str) -> None:
    for day in ("2026-11-20", "2026-11-21", "2026-02-17"):
        assert all(SHIPPED.state(business, at(f"{day} {clock}")).is_open for business in Business)


@pytest.mark.parametrize(
    ("moment", "is_open", "why"),
    [
        ("2026-11-20 12:00", True, "workday: 09:00-17:00"),
        ("2026-11-21 12:00", False, "weekend: closed"),
        ("2026-10-01 12:00", False, "holiday (国庆节): closed"),
        ("2026-10-10 12:00", True, "workday (shifted working day): 09:00-17:00"),
        ("2028-01-03 12:00", True, "workday (no calendar of 2028): 09:00-17:00"),
    ],
)
def test_hours_by_kind_of_day(moment: str, is_open: bool, why: str) -> None:
    state = OFFICE.state(Business.EXPANSION, at(moment))
    assert (state.is_open, state.why) == (is_open, why)


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-11-20 08:59:59", "2026-11-20 09:00"),
        ("2026-11-20 17:00", "2026-11-23 09:00"),
        ("2026-09-30 18:00", "2026-10-08 09:00"),
        ("2026-02-13 18:00", "2026-02-14 09:00"),
        ("2026-02-14 18:00", "2026-02-24 09:00"),
    ],
)
def test_the_next_opening_is_over_weekends_and_holidays(moment: str, opens: str) -> None:
    found = OFFICE.state(Business.EXPANSION, at(moment)).next_opening
    assert found is not None
    assert found[0] == at(opens)
    assert found[1] == at(opens) + 8 * 3600


def test_an_open_business_has_no_next_opening_and_a_far_one_is_not_told() -> None:
    assert OFFICE.state(Business.EXPANSION, at("2026-11-20 12:00")).next_opening is None
    never = Hours({Business.BILLING: dict.fromkeys(DayKind)}, Calendar({}))
    assert never.state(Business.BILLING, NOW).next_opening is None


def refused(tmp_path: Path, hours: str, holidays: str, now: float = NOW) -> list[str]:
    (tmp_path / "hours.toml").write_text(hours, encoding="utf-8")
    (tmp_path / "holidays.toml").write_text(holidays, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_hours(now, tmp_path / "hours.toml", tmp_path / "holidays.toml")
    return [str(problem) for problem in caught.value.problems]


def test_a_year_that_is_missing_is_refused_at_load() -> None:
    with pytest.raises(ConfigError, match="the year 2028 is missing"):
        load_hours(at("2028-01-01 00:00"))
    load_hours(at("2027-12-31 23:59"))


def test_every_fault_of_both_files_is_told_with_its_line(tmp_path: Path) -> None:
    hours = """
[business]
repair = { days = "08:00-22:00" }
billing = { days = "8-22", weekends = "22:00-06:00" }
outage = { always = true, holidays = "closed" }
expansion = { days = "closed" }
complaint = { days = "08:00-24:30" }
weather = { always = true }
"""
    holidays = """
[[year]]
year = 2025
source = "nobody"
working = ["2025-01-02", "2025-05-03", "2026-01-03", "soon"]

[[year.holiday]]
name = "a"
from = "2025-05-01"
until = "2025-05-05"

[[year.holiday]]
name = "b"
from = "2025-05-05"
until = "2025-05-04"

[[year.holiday]]
name = "c"
from = "2025-05-05"
until = "2025-05-06"
colour = "red"

[[year]]
year = 2025
source = "again"
working = []
"""
    assert refused(tmp_path, hours, holidays) == [
        "hours.toml:2 business.other: table `other` is missing (write a table)",
        "hours.toml:3 business.repair: repair has hours (write `always = true`: the dark has no hours)",
        'hours.toml:4 business.billing.days: \'8-22\' is no span of hours (write e.g. "08:00-22:00" or "closed")',
        "hours.toml:4 business.billing.weekends: '22:00-06:00' does not end later that day (or write `always`)",
        "hours.toml:5 business.outage.holidays: it is open always (remove one of both)",
        'hours.toml:6 business.expansion.days: it is never open (write e.g. "08:00-22:00" or "closed")',
        "hours.toml:7 business.complaint.days: '08:00-24:30' does not end later that day (or write `always`)",
        "hours.toml:8 business.weather: unknown key `weather` (did you mean `other`?)",
        "holidays.toml:1: the year 2026 is missing (add a [[year]] with its holidays and working days)",
        "holidays.toml:5 year[0].working[0]: 2025-01-02 is no Saturday or Sunday (only those are shifted to)",
        "holidays.toml:5 year[0].working[1]: 2025-05-03 is free: a (remove it here or there)",
        "holidays.toml:5 year[0].working[2]: '2026-01-03' is no day of 2025 (write e.g. 2025-10-10)",
        "holidays.toml:5 year[0].working[3]: 'soon' is no day of 2025 (write e.g. 2025-10-10)",
        "holidays.toml:15 year[0].holiday[1].until: 2025-05-04 is before 2025-05-05 (write the last free day)",
        "holidays.toml:19 year[0].holiday[2].from: 2025-05-05 belongs to a already (let them not overlap)",
        "holidays.toml:21 year[0].holiday[2].colour: unknown key `colour` (remove it; known are from, name, until)",
        "holidays.toml:24 year[1].year: 2025 stands here twice (remove one)",
    ]

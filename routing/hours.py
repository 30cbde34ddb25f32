"""When agents answer which business: hours by kind of day, all faults of the files together. Pure but for loading."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from routing.holidays import DATA as HOLIDAYS
from routing.holidays import Calendar, DayKind, load_calendar
from tieline.clock import CHINA
from tieline.errors import ConfigError, Problem
from tieline.model import Business
from tieline.toml_file import Table, TomlFile

DATA: Final = Path(__file__).parent / "data" / "hours.toml"

LOOK_AHEAD_DAYS: Final = 31
"""The next opening is looked for so far: longer than any holiday."""

_CLOSED: Final = "closed"
_SPAN: Final = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])", re.ASCII)
_DAY_MIN: Final = 1440
_FORMS: Final = 'write e.g. "08:00-22:00" or "closed"'


@dataclass(frozen=True, slots=True)
class Span:
    """Hours within one day, in minutes since midnight: from `begin` until before `end`."""

    begin: int
    end: int

    def __str__(self) -> str:
        """Render as in the file."""
        return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in (self.begin, self.end))


Week = Mapping[DayKind, Span | None]
"""Hours of each kind of day, None: closed."""

Opening = tuple[float, float]
"""Begin and end of a time at which a business is open, Unix seconds."""


@dataclass(frozen=True, slots=True)
class State:
    """Whether a business is answered now.

    Attributes:
        why: In plain words.
        next_opening: When it is closed: the next one, None when there is none within `LOOK_AHEAD_DAYS`.
    """

    is_open: bool
    why: str
    next_opening: Opening | None = None


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of every business; None: day and night."""

    weeks: Mapping[Business, Week | None]
    calendar: Calendar

    def state(self, business: Business, now: float) -> State:
        """Tell whether a business is answered at a Unix time."""
        week = self.weeks[business]
        if week is None:
            return State(is_open=True, why="day and night")
        here = _here(now)
        day = self.calendar.day(here.date())
        span = week[day.kind]
        minute = here.hour * 60 + here.minute
        is_open = span is not None and span.begin <= minute < span.end
        why = f"{day.kind}{f' ({day.why})' if day.why else ''}: {span or _CLOSED}"
        return State(is_open, why, None if is_open else self._next(week, here))

    def _next(self, week: Week, here: datetime) -> Opening | None:
        for ahead in range(LOOK_AHEAD_DAYS + 1):
            day = here.date() + timedelta(days=ahead)
            span = week[self.calendar.day(day).kind]
            if span is not None and _at(day, span.begin) > here.timestamp():
                return _at(day, span.begin), _at(day, span.end)
        return None


def load_hours(now: float, path: Path = DATA, holidays: Path = HOLIDAYS) -> Hours:
    """Read the hours and the holidays.

    Args:
        now: Unix seconds; the calendar of its year must be there.
        path: The hours.
        holidays: The holidays.

    Raises:
        ConfigError: With every fault of both files and its line.
    """
    problems: list[Problem] = []
    weeks: dict[Business, Week | None] = {}
    calendar = Calendar({})
    try:
        weeks = _load_weeks(path)
    except ConfigError as error:
        problems += error.problems
    try:
        calendar = load_calendar(_here(now).date(), holidays)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(str(path), problems)
    return Hours(weeks, calendar)


def _load_weeks(path: Path) -> dict[Business, Week | None]:
    file = TomlFile(path)
    group = file.root.table("business")
    file.root.finish()
    weeks: dict[Business, Week | None] = {}
    for business in Business:
        table = group.table(business)
        weeks[business] = _week(table, business) if group.has(business) else None
        table.finish()
    group.finish()
    file.refuse_if_faulty()
    return weeks


def _week(table: Table, business: Business) -> Week | None:
    always = table.flag("always", default=False)
    said = [key for key in ("days", "weekends", "holidays") if table.has(key)]
    if always:
        if said:
            table.fault(said[0], "it is open always", "remove one of both")
        return None
    if business is Business.REPAIR:
        table.fault("", "repair has hours", "write `always = true`: the dark has no hours")
        return None
    days = _span(table, "days")
    week = {
        DayKind.WORKDAY: days,
        DayKind.WEEKEND: _span(table, "weekends") if "weekends" in said else days,
        DayKind.HOLIDAY: _span(table, "holidays") if "holidays" in said else days,
    }
    if not any(week.values()) and not any(table.wrong(key) for key in ("days", *said)):
        table.fault("days", "it is never open", _FORMS)
    return week


def _span(table: Table, key: str) -> Span | None:
    text = table.text(key)
    if text in ("", _CLOSED):
        return None
    found = _SPAN.fullmatch(text)
    if found is None:
        table.fault(key, f"{text!r} is no span of hours", _FORMS)
        return None
    begin, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if not begin < end <= _DAY_MIN:
        table.fault(key, f"{text!r} does not end later that day", "or write `always`")
        return None
    return Span(begin, end)


def _here(at: float) -> datetime:
    return datetime.fromtimestamp(at, CHINA)


def _at(day: date, minute: int) -> float:
    return (datetime.combine(day, time(), CHINA) + timedelta(minutes=minute)).timestamp()

"""Holidays and shifted working days, a table a year; all faults of the file together. Pure but for loading."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from tieline.toml_file import Table, TomlFile

DATA: Final = Path(__file__).parent / "data" / "holidays.toml"

_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 2099
_SATURDAY: Final = 5


class DayKind(StrEnum):
    """What hours depend on."""

    WORKDAY = "workday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True)
class Day:
    """What a day is, and how it is known: a holiday's name, that it is shifted, or that its year is missing."""

    kind: DayKind
    why: str = ""


@dataclass(frozen=True, slots=True)
class Year:
    """The calendar of a year.

    Attributes:
        source: Where it is from.
        expected: Worked out from the law: the shifted days were not known when it was written.
        holidays: Name of each free day.
        working: Saturdays and Sundays that are worked.
    """

    source: str
    expected: bool
    holidays: Mapping[date, str]
    working: frozenset[date]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The years that are known."""

    years: Mapping[int, Year]

    def day(self, day: date) -> Day:
        """Tell what a day is. In a year that is not known (a process that ran into it) weekends alone count."""
        weekly = DayKind.WEEKEND if day.weekday() >= _SATURDAY else DayKind.WORKDAY
        year = self.years.get(day.year)
        if year is None:
            return Day(weekly, f"no calendar of {day.year}")
        if day in year.holidays:
            return Day(DayKind.HOLIDAY, year.holidays[day])
        if day in year.working:
            return Day(DayKind.WORKDAY, "shifted working day")
        return Day(weekly)


def load_calendar(today: date, path: Path = DATA) -> Calendar:
    """Read the holidays' file.

    Args:
        today: Its year must be in the file.
        path: The file.

    Raises:
        ConfigError: With every fault of the file and its line.
    """
    file = TomlFile(path)
    years: dict[int, Year] = {}
    for table in file.root.tables("year"):
        number = table.integer("year", _FIRST_YEAR, _LAST_YEAR)
        if number in years:
            table.fault("year", f"{number} stands here twice", "remove one")
        years[number] = _year(table, number)
        table.finish()
    file.root.finish()
    if today.year not in years:
        file.root.fault("", f"the year {today.year} is missing", "add a [[year]] with its holidays and working days")
    file.refuse_if_faulty()
    return Calendar(years)


def _year(table: Table, number: int) -> Year:
    holidays: dict[date, str] = {}
    for entry in table.tables("holiday"):
        name, first, last = entry.text("name"), _day(entry, "from", number), _day(entry, "until", number)
        if first and last and last < first:
            entry.fault("until", f"{last} is before {first}", "write the last free day")
        for day in _days(first, last):
            if day in holidays:
                entry.fault("from", f"{day} belongs to {holidays[day]} already", "let them not overlap")
            holidays[day] = name
        entry.finish()
    return Year(
        source=table.text("source", max_length=200),
        expected=table.flag("expected", default=False),
        holidays=holidays,
        working=frozenset(_working(table, number, holidays)),
    )


def _working(table: Table, number: int, holidays: Mapping[date, str]) -> Iterator[date]:
    for position, text in enumerate(table.texts("working")):
        day = _read(text)
        keys = ("working", position)
        if day is None or day.year != number:
            table.fault(keys, f"{text!r} is no day of {number}", f"write e.g. {number}-10-10")
        elif day in holidays:
            table.fault(keys, f"{day} is free: {holidays[day]}", "remove it here or there")
        elif day.weekday() < _SATURDAY:
            table.fault(keys, f"{day} is no Saturday or Sunday", "only those are shifted to")
        else:
            yield day


def _day(table: Table, key: str, number: int) -> date | None:
    text = table.text(key)
    day = _read(text)
    if text and (day is None or day.year != number):
        table.fault(key, f"{text!r} is no day of {number}", f"write e.g. {number}-10-01")
        return None
    return day


def _read(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _days(first: date | None, last: date | None) -> Iterator[date]:
    if first and last:
        yield from (first + timedelta(days=number) for number in range((last - first).days + 1))

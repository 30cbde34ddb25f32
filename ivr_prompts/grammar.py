"""How slots become fragments: numbers, clock times, digits. Rules are data (`grammar.toml`). Pure but for loading.

Source of the Mandarin rules: the common grammar of Chinese numerals (两 before measure words, 零 once for skipped
places, 十二 but 一百一十二).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Final, TypeVar

from ivr_prompts.texts import DATA, DIALECTS, Texts
from tieline.model import MANDARIN, DialectId
from tieline.toml_file import TomlFile
from tieline.toml_table import Table

MAX_NUMBER: Final = 9999
"""Largest number that can be spoken."""

_Rule = TypeVar("_Rule")

CLOCK_PARTS: Final = ("period", "hour", "minutes")


@dataclass(frozen=True, slots=True)
class NumberRule:
    """Order rule of numbers, see `data/grammar.toml`.

    Attributes:
        places: Value of each place above the units and the stem of its fragments, in falling order.
    """

    units: str
    zero: str
    gap: str
    ten_inner: str
    counted_two: str
    places: tuple[tuple[int, str], ...]

    def fragments(self, number: int, *, counted: bool) -> tuple[str, ...]:
        """Speak a number.

        Args:
            number: 0 to `MAX_NUMBER`.
            counted: A measure word follows (两位, but 号码二).

        Raises:
            ValueError: The number is out of range.
        """
        if not 0 <= number <= MAX_NUMBER:
            raise ValueError(f"{number} is not within 0 to {MAX_NUMBER}")
        if number == 0:
            return (self.zero,)
        if number == 2 and counted:
            return (self.counted_two,)
        spoken: list[str] = []
        skipped = False
        rest = number
        for value, stem in (*self.places, (1, self.units)):
            digit, rest = divmod(rest, value)
            if digit == 0:
                skipped = True
                continue
            if spoken and skipped:
                spoken.append(self.gap)
            spoken.append(self.ten_inner if (value, digit) == (10, 1) and spoken else f"{stem}_{digit}")
            skipped = False
        return tuple(spoken)

    def names(self) -> Iterator[str]:
        """Give every fragment that a number can need."""
        yield from (self.zero, self.gap, self.ten_inner, self.counted_two)
        for _, stem in (*self.places, (1, self.units)):
            yield from (f"{stem}_{digit}" for digit in range(1, 10))


@dataclass(frozen=True, slots=True)
class ClockRule:
    """Order rule of clock times, see `data/grammar.toml`.

    Attributes:
        order: The parts `period`, `hour`, `minutes` in the order they are spoken.
        half: Fragment for thirty minutes, or empty.
        periods: First hour of each period of the day and its fragment, in rising order.
    """

    order: tuple[str, ...]
    hours: str
    minute: str
    half: str
    periods: tuple[tuple[int, str], ...]

    def fragments(self, at: time, numbers: NumberRule) -> tuple[str, ...]:
        """Speak a time of day to the minute, e.g. 下午三点十五分."""
        parts: dict[str, tuple[str, ...]] = {
            "period": (next(fragment for hour, fragment in reversed(self.periods) if hour <= at.hour),),
            "hour": (f"{self.hours}_{at.hour % 12 or (12 if at.hour else 0)}",),
            "minutes": self._minutes(at.minute, numbers),
        }
        return tuple(fragment for part in self.order for fragment in parts[part])

    def _minutes(self, minute: int, numbers: NumberRule) -> tuple[str, ...]:
        if minute == 0:
            return ()
        if minute == 30 and self.half:
            return (self.half,)
        gap = (numbers.gap,) if minute < 10 else ()
        return (*gap, *numbers.fragments(minute, counted=False), self.minute)

    def names(self) -> Iterator[str]:
        """Give every fragment that a clock time can need, beside numbers."""
        yield self.minute
        if self.half:
            yield self.half
        yield from (f"{self.hours}_{hour}" for hour in range(13))
        yield from (fragment for _, fragment in self.periods)


@dataclass(frozen=True, slots=True)
class Grammar:
    """The rules of one dialect; `digits` holds the fragment of each digit read one by one."""

    number: NumberRule
    clock: ClockRule
    digits: tuple[str, ...]

    def names(self) -> Iterator[str]:
        """Give every fragment that a slot of this dialect can need, places apart."""
        yield from self.number.names()
        yield from self.clock.names()
        yield from self.digits


def load_grammars(texts: Texts, directory: Path = DATA) -> Mapping[DialectId, Grammar]:
    """Read `grammar.toml`.

    Raises:
        ConfigError: The file is faulty, or names a fragment that does not exist.
    """
    file = TomlFile(directory / "grammar.toml")
    root = file.root
    numbers = _rules(root, "number", _number)
    clocks = _rules(root, "clock", _clock)
    digits = _rules(root, "digits", _digits)
    root.finish()
    for kind, names in _names(numbers, clocks, digits):
        for name in sorted(set(names) - texts.prompts.keys()):
            root.fault(kind, f"fragment {name} does not exist", "add it to fragments.toml")
    file.refuse_if_faulty()
    return {
        dialect: Grammar(
            numbers.get(dialect, numbers[MANDARIN]),
            clocks.get(dialect, clocks[MANDARIN]),
            digits.get(dialect, digits[MANDARIN]),
        )
        for dialect in DIALECTS
    }


def _names(
    numbers: Mapping[DialectId, NumberRule],
    clocks: Mapping[DialectId, ClockRule],
    digits: Mapping[DialectId, tuple[str, ...]],
) -> Iterator[tuple[tuple[str, str], Iterator[str]]]:
    yield from ((("number", dialect), rule.names()) for dialect, rule in numbers.items())
    yield from ((("clock", dialect), rule.names()) for dialect, rule in clocks.items())
    yield from ((("digits", dialect), iter(names)) for dialect, names in digits.items())


def _rules(root: Table, key: str, read: Callable[[Table], _Rule]) -> dict[DialectId, _Rule]:
    group = root.table(key)
    rules: dict[DialectId, _Rule] = {}
    for name in (MANDARIN, *(name for name in group.names() if name != MANDARIN)):
        if name not in DIALECTS:
            group.fault(name, f"{name!r} has no prompts", "use one of " + ", ".join(DIALECTS))
        table = group.table(name)
        rules[DialectId(name)] = read(table)
        table.finish()
    return rules


def _number(table: Table) -> NumberRule:
    places: list[tuple[int, str]] = []
    for position, place in enumerate(table.tables("places")):
        places.append((place.integer("value", 10, 1000), place.text("fragment")))
        place.finish()
        if places[-1][0] != 10 ** (3 - position):
            table.fault(("places", position), "places are 1000, 100, 10 in this order", "write all three")
    if len(places) != 3:
        table.fault("places", "places are 1000, 100, 10 in this order", "write all three")
    return NumberRule(
        table.text("units"),
        table.text("zero"),
        table.text("gap"),
        table.text("ten_inner"),
        table.text("counted_two"),
        tuple(places),
    )


def _clock(table: Table) -> ClockRule:
    order = table.texts("order")
    if sorted(order) != sorted(CLOCK_PARTS):
        table.fault(
            "order", "each of the parts stands here once", "write " + ", ".join(CLOCK_PARTS) + " in any order"
        )
    periods: list[tuple[int, str]] = []
    for period in table.tables("periods"):
        periods.append((period.integer("from_hour", 0, 23), period.text("fragment")))
        period.finish()
    if [hour for hour, _ in periods] != sorted({hour for hour, _ in periods}) or not periods or periods[0][0] != 0:
        table.fault("periods", "periods do not rise from hour 0", "begin with from_hour = 0 and let the hours rise")
    half = table.text("half", default="")
    return ClockRule(order, table.text("hours"), table.text("minute"), half, tuple(periods))


def _digits(table: Table) -> tuple[str, ...]:
    fragments = table.texts("fragments")
    if len(fragments) != 10:
        table.fault("fragments", f"{len(fragments)} fragments for ten digits", "write ten, 0 first")
    return fragments

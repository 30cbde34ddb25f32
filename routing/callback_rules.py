"""Whom one may call back, when and how often, read from one file, all faults together. Pure but for loading."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Final

from tieline.clock import CHINA
from tieline.toml_file import Table, TomlFile

DATA: Final = Path(__file__).parent / "data" / "callback.toml"

_PATTERN: Final = re.compile(r"\+[1-9][0-9x]{9,14}", re.ASCII)
"""Long enough that no short code (110, 95598, 96…) can be meant."""
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """See `data/callback.toml`.

    Attributes:
        numbers: What a number that may be dialled looks like.
        begin: From when on customers may be rung, China's civil time; until before `end`.
        again_s: Seconds from one try in vain to the next; there are no more tries than these and the first.
    """

    numbers: tuple[re.Pattern[str], ...]
    begin: time
    end: time
    again_s: tuple[float, ...]
    keep_s: float

    def may_dial(self, number: str) -> bool:
        """Tell whether a number (E.164) is one that may be dialled at all."""
        return any(pattern.fullmatch(number) for pattern in self.numbers)

    def permitted(self, now: float) -> bool:
        """Tell whether customers may be rung at a Unix time."""
        return self.begin <= datetime.fromtimestamp(now, CHINA).time() < self.end

    def permitted_from(self, at: float) -> float:
        """Give the first Unix time from `at` on at which customers may be rung."""
        if self.permitted(at):
            return at
        here = datetime.fromtimestamp(at, CHINA)
        today = datetime.combine(here.date(), self.begin, CHINA)
        return (today if here < today else today + timedelta(days=1)).timestamp()

    def next_try(self, tries: int, now: float) -> float | None:
        """Give the Unix time of the next try after so many in vain (at least one), None: that was the last."""
        return self.permitted_from(now + self.again_s[tries - 1]) if tries <= len(self.again_s) else None


def load_callback_rules(path: Path = DATA) -> CallbackRules:
    """Read the rules.

    Raises:
        ConfigError: With every fault of the file and its line.
    """
    file = TomlFile(path)
    root = file.root
    rules = CallbackRules(
        numbers=tuple(_numbers(root)),
        begin=_clock(root, "from"),
        end=_clock(root, "until"),
        again_s=tuple(_again(root)),
        keep_s=3600.0 * root.integer("keep_h", 1, 240),
    )
    if not rules.begin < rules.end and not root.wrong("from") and not root.wrong("until"):
        root.fault("until", "it does not end later that day", "customers are not rung at night")
    root.finish()
    file.refuse_if_faulty()
    return rules


def _numbers(root: Table) -> Iterator[re.Pattern[str]]:
    for position, text in enumerate(root.texts("numbers")):
        if not _PATTERN.fullmatch(text):
            root.fault(("numbers", position), f"{text!r} is no block of numbers", 'write e.g. "+86154059xxxxx"')
        else:
            yield re.compile(re.escape(text).replace("x", "[0-9]"), re.ASCII)


def _clock(root: Table, key: str) -> time:
    text = root.text(key)
    found = _CLOCK.fullmatch(text)
    if text and found is None:
        root.fault(key, f"{text!r} is no time of the day", 'write e.g. "08:00"')
    return time(int(found[1]), int(found[2])) if found else time()


def _again(root: Table) -> Iterator[float]:
    for table in root.tables("again"):
        yield 60.0 * table.integer("after_min", 5, 2880)
        table.finish()

"""A sentence with slots, as text: `您前面还有{count}位客户` is a piece, a slot and a piece. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_SLOT: Final = re.compile(r"\{([a-z_]+)(?::([a-z]+))?\}")
_DIGITS: Final = re.compile(r"[0-9]+")
_SPOKEN: Final = "零一二三四五六七八九"


class SlotKind(StrEnum):
    """What may stand in a slot."""

    COUNT = "count"
    MINUTES = "minutes"
    CLOCK = "clock"
    DIGITS = "digits"
    DIGIT = "digit"
    COUNTY = "county"
    CITY = "city"
    PLACE = "place"
    """A county or a city: `county_…` or `city_…`."""
    CAUSE = "cause"
    DAY = "day"
    """`0` today, `1` tomorrow, `2` the day after, `mon` to `sun` beyond."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a sentence that is filled during the call.

    Attributes:
        name: Keyword of the value, unique in the sentence.
        kind: Decides which fragments speak it.
    """

    name: str
    kind: SlotKind


Part = str | Slot
"""Constant words, or a slot."""


def parse_pattern(text: str) -> tuple[Part, ...]:
    """Split a sentence into constant words and slots.

    Raises:
        ValueError: A brace without a partner, an unknown kind, or a name used twice.
    """
    parts: list[Part] = []
    at = 0
    for match in _SLOT.finditer(text):
        parts.append(text[at : match.start()])
        parts.append(_slot(match[1], match[2]))
        at = match.end()
    parts.append(text[at:])
    words = "".join(part for part in parts if isinstance(part, str))
    if "{" in words or "}" in words:
        raise ValueError(f"a brace that belongs to no slot in {text!r}")
    names = [part.name for part in parts if isinstance(part, Slot)]
    if len(set(names)) != len(names):
        raise ValueError(f"a slot name is used twice in {text!r}")
    return tuple(part for part in parts if isinstance(part, Slot) or has_words(part))


def _slot(name: str, kind: str | None) -> Slot:
    try:
        return Slot(name, SlotKind(kind or name))
    except ValueError:
        known = ", ".join(SlotKind)
        raise ValueError(f"slot kind {kind or name!r} is not one of {known}") from None


def has_words(text: str) -> bool:
    """Tell whether something of a text is audible: not only punctuation and spaces."""
    return any(character.isalnum() for character in text)


def slots_of(parts: tuple[Part, ...]) -> tuple[Slot, ...]:
    """Give the slots in their order."""
    return tuple(part for part in parts if isinstance(part, Slot))


def spoken_digits(text: str) -> str:
    """Replace digits by the characters that are read one by one: 95598 by 九五五九八, 110 by 幺幺零.

    A `1` inside a number of several digits is 幺 as on any Chinese telephone; alone it is 一.
    """
    return _DIGITS.sub(_spoken_number, text)


def _spoken_number(match: re.Match[str]) -> str:
    number = "".join(_SPOKEN[int(digit)] for digit in match[0])
    return number.replace("一", "幺") if len(number) > 1 else number


def map_words(parts: tuple[Part, ...], change: Callable[[str], str]) -> tuple[Part, ...]:
    """Change the constant words of a sentence and keep its slots."""
    return tuple(part if isinstance(part, Slot) else change(part) for part in parts)

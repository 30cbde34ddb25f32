"""How long a sentence can become with the longest values in its slots. Pure."""

from collections.abc import Iterator, Mapping
from datetime import time
from typing import Final

from ivr_prompts.catalogue import PLACES, Catalogue
from ivr_prompts.grammar import MAX_NUMBER
from ivr_prompts.pattern import Slot, SlotKind
from ivr_prompts.texts import DIALECTS, Prompt, piece_ids
from tieline.errors import Problem
from tieline.model import DialectId

DIGITS_MAX: Final = 20
"""Longest row of digits that is reckoned with (a ticket number)."""


def check_lengths(catalogue: Catalogue) -> Iterator[Problem]:
    """Give a problem for each sentence that can last longer than its `max_ms`.

    Args:
        catalogue: With a manifest. A dialect that lacks a file of a sentence speaks Mandarin and is not reckoned.
    """
    durations = {name: sound.duration_ms for name, sound in (catalogue.sounds or {}).items()}
    for dialect in DIALECTS:
        longest = _longest_slots(catalogue, dialect, durations)
        for prompt in catalogue.texts.prompts.values():
            if dialect not in prompt.dialects:
                continue
            lasts_ms = _lasts_ms(prompt, dialect, durations, longest)
            if lasts_ms > prompt.max_ms:
                what = f"{prompt.id} can last {lasts_ms} ms in {dialect}, allowed are {prompt.max_ms}"
                yield Problem(prompt.where, what, "shorten the text, or record it faster")


def _lasts_ms(
    prompt: Prompt, dialect: DialectId, durations: Mapping[str, int], longest: Mapping[SlotKind, int]
) -> int:
    pieces = [f"{dialect}/{piece}" for piece in piece_ids(prompt, dialect)]
    if any(piece not in durations for piece in pieces):
        return 0
    slots = (part for part in prompt.pattern(dialect) if isinstance(part, Slot))
    return sum(durations[piece] for piece in pieces) + sum(longest[slot.kind] for slot in slots)


def _longest_slots(catalogue: Catalogue, dialect: DialectId, durations: Mapping[str, int]) -> dict[SlotKind, int]:
    grammar = catalogue.grammars[dialect]

    def lasts(fragments: tuple[str, ...]) -> int:
        return sum(durations.get(f"{dialect}/{fragment}", 0) for fragment in fragments)

    def longest(*beginnings: str) -> int:
        return max(lasts((name,)) for name in catalogue.texts.prompts if name.startswith(beginnings))

    number = max(lasts(grammar.number.fragments(value, counted=True)) for value in range(MAX_NUMBER + 1))
    clock = max(
        lasts(grammar.clock.fragments(time(hour, minute), grammar.number))
        for hour in range(24)
        for minute in range(60)
    )
    digit = max(lasts((name,)) for name in grammar.digits)
    return {
        SlotKind.COUNT: number,
        SlotKind.MINUTES: number,
        SlotKind.CLOCK: clock,
        SlotKind.DIGITS: digit * DIGITS_MAX,
        SlotKind.DIGIT: digit,
        SlotKind.COUNTY: longest("county_"),
        SlotKind.CITY: longest("city_"),
        SlotKind.PLACE: longest(*PLACES),
        SlotKind.CAUSE: longest("cause_"),
        SlotKind.DAY: longest("day_"),
    }

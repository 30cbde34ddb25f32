"""What a refused caller hears before answer: why, in the dialect of the city and in Mandarin, then the danger line.

Pure. With a notice of the city the reason is what is known of the outage, else that the lines are full. The whole
lasts at most `LONGEST_MS`, because it holds a trunk channel; `tieline prompts check` adds up all that there can be.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Final

from ivr_prompts.announce import Sentence, both_dialects, in_dialects, refusal_sentence, spoken_times
from ivr_prompts.catalogue import PLACES, Catalogue, SlotValue
from ivr_prompts.notice import Notice
from ivr_prompts.pattern import Slot, SlotKind
from ivr_prompts.texts import DIALECTS, Texts
from tieline.errors import Problem
from tieline.model import MANDARIN, CityId, DialectId, RefusalCause

LONGEST_MS: Final = 15_000
"""Early media holds a trunk channel for its length (domain-facts (g))."""

REASONS: Final[Mapping[RefusalCause, str]] = {
    RefusalCause.QUOTA: "refuse_quota",
    RefusalCause.PLATFORM: "refuse_platform",
}
"""Prompt of each cause, without a notice; its only slot, if any, is the city."""
_TELL_NOTICE: Final = ("refuse_notice", "refuse_notice_later")
_DANGER: Final = Sentence("refuse_danger", {})
_CITY: Final = Slot("city", SlotKind.CITY)


def refusal_files(
    catalogue: Catalogue,
    *,
    city: CityId,
    dialects: Sequence[DialectId],
    prompt: str,
    notices: Sequence[Notice],
    now: float,
) -> tuple[str, ...]:
    """Give the files of the message.

    Args:
        catalogue: Resolves prompts to files.
        city: Whose caller is refused.
        dialects: The city's.
        prompt: What is said without a notice, e.g. out of `REASONS`.
        notices: Those of the city, the most important first; only that one is told.
        now: Unix seconds.
    """
    reason = refusal_sentence(notices[0], now) if notices else _reason(catalogue, prompt, city)
    return (
        *in_dialects(catalogue, [reason], both_dialects(dialects)),
        *in_dialects(catalogue, [_DANGER], [MANDARIN]),
    )


def reason_prompts(texts: Texts) -> tuple[str, ...]:
    """Give the prompts that can be the reason when there is no notice: `refuse_…` with no slot but the city."""
    return tuple(
        name
        for name, prompt in texts.prompts.items()
        if name.startswith("refuse_") and name != _DANGER.prompt and set(prompt.slots) <= {_CITY}
    )


def check_refusals(catalogue: Catalogue) -> Iterator[Problem]:
    """Give a problem for each dialect and reason whose longest message, whatever place, cause and time, is too long.

    Args:
        catalogue: With a manifest. A file that is missing is told elsewhere and counts nothing here.
    """
    danger_ms = _lasts_ms(catalogue, _DANGER, [MANDARIN])
    for dialect, prompt in product(DIALECTS, (*reason_prompts(catalogue.texts), *_TELL_NOTICE)):
        sentence = _longest(catalogue, prompt, both_dialects([dialect]))
        lasts_ms = _lasts_ms(catalogue, sentence, both_dialects([dialect])) + danger_ms
        if lasts_ms > LONGEST_MS:
            values = ", ".join(f"{name} {value}" for name, value in sentence.slots.items())
            with_values = f" with {values}" if values else ""
            what = f"a refusal by {prompt}{with_values} lasts {lasts_ms} ms in {dialect}, allowed are {LONGEST_MS}"
            yield Problem(catalogue.texts.prompts[prompt].where, what, "shorten the text, or record it faster")


def _reason(catalogue: Catalogue, prompt: str, city: CityId) -> Sentence:
    return Sentence(prompt, {"city": city} if catalogue.texts.prompts[prompt].slots else {})


def _longest(catalogue: Catalogue, prompt: str, dialects: Sequence[DialectId]) -> Sentence:
    """Fill each slot with the value that takes longest; slots are spoken one after the other, so each for itself."""
    slots = catalogue.texts.prompts[prompt].slots
    values = {slot.name: next(_values(catalogue.texts, slot.kind)) for slot in slots}
    for slot in slots:
        tried = [Sentence(prompt, {**values, slot.name: value}) for value in _values(catalogue.texts, slot.kind)]
        values = dict(max(tried, key=lambda sentence: _lasts_ms(catalogue, sentence, dialects)).slots)
    return Sentence(prompt, values)


def _values(texts: Texts, kind: SlotKind) -> Iterator[SlotValue]:
    """Give all that can stand in a slot of a reason."""
    if kind is SlotKind.CLOCK:
        yield from spoken_times()
    elif kind is SlotKind.PLACE:
        yield from (name for name in texts.prompts if name.startswith(PLACES))
    else:
        beginning = f"{kind}_"
        yield from (name.removeprefix(beginning) for name in texts.prompts if name.startswith(beginning))


def _lasts_ms(catalogue: Catalogue, sentence: Sentence, dialects: Sequence[DialectId]) -> int:
    sounds = catalogue.sounds or {}
    found = (sounds.get(file) for file in in_dialects(catalogue, [sentence], dialects))
    return sum(sound.duration_ms for sound in found if sound is not None)

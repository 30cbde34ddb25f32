"""What is said of notices, to a caller at the greeting and to one who is refused, and of closed business. Pure.

Times are spoken to the half hour, rounded up: nobody knows the end better, and a refused caller has 15 s.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from ivr_prompts.catalogue import Catalogue, SlotValue
from ivr_prompts.notice import Notice
from ivr_prompts.texts import DIALECTS
from tieline.clock import CHINA
from tieline.model import MANDARIN, DialectId

NOTICES_TOLD: Final = 2
"""Of one city at the greeting; who wants none of them presses a key."""

_HALF_HOUR_S: Final = 1800
_NAMED_DAYS: Final = 3
_WEEKDAY_IS_CLEAR: Final = 6
"""Days ahead for which a weekday's name means one day only."""
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Sentence(NamedTuple):
    """A prompt and the values of its slots."""

    prompt: str
    slots: Mapping[str, SlotValue]


def main_dialect(dialects: Sequence[DialectId]) -> DialectId:
    """Give the dialect that most of a city speak: the first one with prompts, Mandarin apart."""
    return next((dialect for dialect in dialects if dialect != MANDARIN and dialect in DIALECTS), MANDARIN)


def notice_files(
    catalogue: Catalogue, notices: Sequence[Notice], *, dialects: Sequence[DialectId], now: float
) -> tuple[str, ...]:
    """Give the files that tell notices, in each of the dialects, and that the menu follows; nothing without notices.

    Args:
        catalogue: Resolves prompts to files.
        notices: Those of the caller's city, the most important first (`ivr_prompts.notice.of_city`).
        dialects: The caller's own dialect if it is known, else those of `both_dialects`.
        now: Unix seconds.
    """
    told = [notice_sentence(notice, now) for notice in notices[:NOTICES_TOLD]]
    if not told:
        return ()
    sentences = [*told, Sentence("notice_continue", {})]
    return in_dialects(catalogue, sentences, dialects)


def in_dialects(
    catalogue: Catalogue, sentences: Sequence[Sentence], dialects: Sequence[DialectId]
) -> tuple[str, ...]:
    """Give the files of sentences in one dialect after the other; what falls back to the same files is said once."""
    spoken = (
        tuple(file for prompt, slots in sentences for file in catalogue.sentence(prompt, dialect, **slots))
        for dialect in dialects
    )
    return tuple(file for files in dict.fromkeys(spoken) for file in files)


def both_dialects(dialects: Sequence[DialectId]) -> tuple[DialectId, ...]:
    """Give the dialects that a caller of a city is spoken to in while his own is unknown."""
    return tuple(dict.fromkeys((main_dialect(dialects), MANDARIN)))


def notice_sentence(notice: Notice, now: float) -> Sentence:
    """Tell a notice whole."""
    back = _spoken_time(notice.until)
    return Sentence("notice", {**_outage(notice), "day": _day(back, now), "clock": back.time()})


def refusal_sentence(notice: Notice, now: float) -> Sentence:
    """Tell a notice shortly, with the time today or else the day."""
    back = _spoken_time(notice.until)
    day = _day(back, now)
    if day == "0":
        return Sentence("refuse_notice", {**_outage(notice), "clock": back.time()})
    return Sentence("refuse_notice_later", {**_outage(notice), "day": day})


def closed_sentence(opening: tuple[float, float] | None, now: float) -> Sentence:
    """Tell that a business is not answered now, and when it is.

    Args:
        opening: Begin and end of the next opening, Unix seconds, or None: not soon.
        now: Unix seconds.
    """
    if opening is None:
        return Sentence("out_of_hours_long", {})
    begin, end = (datetime.fromtimestamp(at, CHINA) for at in opening)
    if _days_ahead(begin, now) > _WEEKDAY_IS_CLEAR:
        return Sentence("out_of_hours_long", {})
    return Sentence("out_of_hours", {"day": _day(begin, now), "from": begin.time(), "until": end.time()})


def spoken_times() -> Iterator[str]:
    """Give every clock time that a notice can name."""
    yield from (f"{hour:02}:{minute:02}" for hour in range(24) for minute in (0, 30))


def _outage(notice: Notice) -> dict[str, SlotValue]:
    place = f"county_{notice.county}" if notice.county else f"city_{notice.city}"
    return {"place": place, "cause": notice.cause}


def _spoken_time(at: float) -> datetime:
    return datetime.fromtimestamp(math.ceil(at / _HALF_HOUR_S) * _HALF_HOUR_S, CHINA)


def _day(at: datetime, now: float) -> str:
    ahead = _days_ahead(at, now)
    return str(ahead) if ahead < _NAMED_DAYS else _WEEKDAYS[at.weekday()]


def _days_ahead(at: datetime, now: float) -> int:
    return (at.date() - datetime.fromtimestamp(now, CHINA).date()).days

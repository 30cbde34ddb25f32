"""A time as people type it on the command line. Pure."""

import re
from datetime import datetime, time, timedelta
from typing import Final

from tieline.clock import CHINA

FORMS: Final = "`18:30`, `2026-11-21 18:30` or `+3h`"
PAST_FORMS: Final = "`18:30`, `2026-11-21 18:30` or `-3h`"
"""For help texts and messages."""

_SPAN: Final = re.compile(r"([+-][0-9]{1,4})([mhd])", re.ASCII)
_CLOCK: Final = re.compile(r"[0-9]{1,2}:[0-9]{2}", re.ASCII)
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


def read_moment(text: str, now: float, *, past: bool = False) -> float:
    """Read a time: a clock time (the next one to come), a date and time, or a span from now.

    Without an offset of its own it is China's civil time.

    Args:
        text: `18:30`, `2026-11-21 18:30`, ISO 8601 with or without an offset, or `+90m`, `-3h`, `+2d`.
        now: Unix seconds.
        past: A clock time is the last one that was.

    Returns:
        Unix seconds.

    Raises:
        ValueError: It is none of these.
    """
    here = datetime.fromtimestamp(now, CHINA)
    words = text.strip()
    if span := _SPAN.fullmatch(words):
        return now + timedelta(**{_UNITS[span[2]]: int(span[1])}).total_seconds()
    try:
        if _CLOCK.fullmatch(words):
            at = datetime.combine(here.date(), time.fromisoformat(words.zfill(5)), CHINA)
            if past:
                return (at if at <= here else at - timedelta(days=1)).timestamp()
            return (at if at > here else at + timedelta(days=1)).timestamp()
        found = datetime.fromisoformat(words)
        return (found if found.tzinfo else found.replace(tzinfo=CHINA)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time: write {PAST_FORMS if past else FORMS}") from None

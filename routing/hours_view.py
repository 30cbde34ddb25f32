"""What is told of the hours: each business at a time, and what of the calendar is not sure. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from routing.hours import Hours, Opening
from tieline.clock import CHINA
from tieline.model import Business

_DECEMBER: Final = 12


class BusinessHours(msgspec.Struct, frozen=True, kw_only=True):
    """One business at a time.

    Attributes:
        is_open: Agents answer it.
        why: In plain words.
        next_opening: When it is closed: begin and end of the next opening, Unix seconds; null when none is near.
    """

    is_open: bool = msgspec.field(name="open")
    why: str
    next_opening: Opening | None


def states(hours: Hours, at: float) -> Mapping[Business, BusinessHours]:
    """Tell of every business at a Unix time."""
    found = {business: hours.state(business, at) for business in Business}
    return {
        business: BusinessHours(is_open=state.is_open, why=state.why, next_opening=state.next_opening)
        for business, state in found.items()
    }


def warnings(hours: Hours, at: float) -> Sequence[str]:
    """Say what of the calendar is not sure; in December the next year counts, too."""
    here = datetime.fromtimestamp(at, CHINA)
    years = hours.calendar.years
    wanted = [here.year, here.year + 1] if here.month == _DECEMBER else [here.year]
    missing = [f"the holidays of {year} are missing: weekends alone count" for year in wanted if year not in years]
    expected = [
        f"the holidays of {year} are those of the law alone: the shifted working days are not known yet"
        for year in wanted
        if year in years and years[year].expected
    ]
    return missing + expected

"""Who was refused and should be called back: a line a number, how often, when last, and what came of it. Pure."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from tieline.model import Outcome

READ: Final = "refused.read"
"""Action in the audit trail: the list holds whole numbers, so who looks at it is written down."""

_SERVED: Final = frozenset((Outcome.ANSWERED, Outcome.CALLED_BACK, Outcome.SELF_SERVED))


class Attempt(NamedTuple):
    """One call of a number.

    Attributes:
        number: E.164, empty when it was not shown.
        at: When it arrived, Unix seconds.
        ticket: Number of the ticket that a refused call is attached to, or empty.
    """

    number: str
    at: float
    outcome: Outcome
    ticket: str


class RefusedNumber(msgspec.Struct, frozen=True, kw_only=True):
    """A number that was refused. Times are Unix seconds.

    Attributes:
        number: E.164. Personal data.
        times: How often it was refused.
        through_at: When it was served after the last refusal, by an agent or by the menu; 0 when it was not.
        ticket: The open ticket that the newest refusal with one is attached to, or empty.
    """

    number: str
    times: int
    first_at: float
    last_at: float
    through_at: float = 0.0
    ticket: str = ""


class RefusedList(msgspec.Struct, frozen=True, kw_only=True):
    """The refused of a city.

    Attributes:
        numbers: The last refused first.
        without_number: Refused calls whose number was not shown: nobody can call them back.
    """

    numbers: tuple[RefusedNumber, ...]
    without_number: int


def refused_list(attempts: Iterable[Attempt]) -> RefusedList:
    """Make the list of a city's attempts, refused and other, in any order."""
    by_number: dict[str, list[Attempt]] = {}
    for attempt in sorted(attempts, key=lambda found: found.at):
        by_number.setdefault(attempt.number, []).append(attempt)
    nameless = by_number.pop("", [])
    found = [_refused(number, calls) for number, calls in by_number.items() if _refusals(calls)]
    return RefusedList(
        numbers=tuple(sorted(found, key=lambda one: (-one.last_at, one.number))),
        without_number=len(_refusals(nameless)),
    )


def _refusals(calls: Iterable[Attempt]) -> list[Attempt]:
    return [call for call in calls if call.outcome is Outcome.REFUSED]


def _refused(number: str, calls: list[Attempt]) -> RefusedNumber:
    refusals = _refusals(calls)
    last = refusals[-1].at
    return RefusedNumber(
        number=number,
        times=len(refusals),
        first_at=refusals[0].at,
        last_at=last,
        through_at=next((call.at for call in calls if call.outcome in _SERVED and call.at >= last), 0.0),
        ticket=next((call.ticket for call in reversed(refusals) if call.ticket), ""),
    )

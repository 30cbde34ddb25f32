"""What a policy came to over several courses of a day, and how it stands beside another one. Pure."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from bench._measure import quantile
from bench.world.book import Book, Tally


@dataclass(frozen=True, slots=True)
class Outcome:
    """One policy on one course of a day."""

    whole: Tally
    peak: Tally
    spread: float

    @classmethod
    def of(cls, book: Book) -> "Outcome":
        """Take what a day's book says."""
        return cls(book.whole, book.peak, book.occupancy_spread())


@dataclass(frozen=True, slots=True)
class Measures:
    """Shares are of calls, 0 to 1; waits in seconds.

    Attributes:
        own: Answered by a native or fluent speaker, of those who asked for a dialect.
        soon: Answered in 20 s, of all.
        right_soon: The same, and in the language that was asked for.
        stuck: Got nobody of their dialect, of answered callers who manage no Mandarin.
        p95_ratio: 95th percentile of the wait in the worst-off dialect (Mandarin is one) over that in the best-off.
        spread: Standard deviation of the agents' occupancy, mean over the courses.
        crossed: Answered at the other site, of those answered.
        peak_own: `own` in the peak; `peak_soon`, `soon` in it.
        own_by_dialect: `own` for each dialect.
    """

    own: float
    soon: float
    right_soon: float
    answered: float
    stuck: float
    mean_s: float
    p95_s: float
    p95_ratio: float
    spread: float
    crossed: float
    peak_own: float
    peak_soon: float
    own_by_dialect: Mapping[str, float]


def measure(outcomes: Sequence[Outcome]) -> Measures:
    """Add up the courses; every call counts the same."""
    whole, peak = Tally(), Tally()
    for outcome in outcomes:
        whole.add(outcome.whole)
        peak.add(outcome.peak)
    waits = array("d", (wait_s for each in whole.waits.values() for wait_s in each))
    p95_s = whole.p95_by_dialect().values()
    return Measures(
        own=_share(whole.own, whole.wanting),
        soon=_share(whole.soon, whole.offered),
        right_soon=_share(whole.right_soon, whole.offered),
        answered=_share(whole.answered, whole.offered),
        stuck=_share(whole.stuck, whole.helpless),
        mean_s=mean(waits),
        p95_s=quantile(waits, 0.95),
        p95_ratio=max(p95_s) / min(p95_s),
        spread=mean(outcome.spread for outcome in outcomes),
        crossed=_share(whole.crossed, whole.answered),
        peak_own=_share(peak.own, peak.wanting),
        peak_soon=_share(peak.soon, peak.offered),
        own_by_dialect={
            dialect: whole.own_by_dialect[dialect] / len(each) for dialect, each in sorted(whole.waits.items())
        },
    )


def _share(part: int, of: int) -> float:
    return part / of if of else 0.0


def gap_closed(own: float, rival: float, ceiling: float) -> float:
    """Tell which share of the way from the rival's `own` to the ceiling's is gone.

    >>> round(gap_closed(0.8, 0.6, 0.9), 3)
    0.667
    """
    return (own - rival) / (ceiling - rival)

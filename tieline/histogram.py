"""Counts of values by upper bounds, as Prometheus wants them. Pure."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate

import msgspec


class Buckets(msgspec.Struct, frozen=True):
    """A picture of a histogram.

    Attributes:
        bounds: Upper bounds, rising.
        counts: Values in each bucket, not cumulated; one more bucket holds what is above the last bound.
        total: The sum of all values.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float

    def cumulated(self) -> list[tuple[str, float]]:
        """Give each bound with the number of values up to it; the last bound is `+Inf`."""
        return list(zip((*map(str, self.bounds), "+Inf"), accumulate(self.counts), strict=True))

    def at_most(self, share: float) -> float | None:
        """Give the bound that a share of the values (above 0, at most 1) do not exceed, None above the last."""
        needed = math.ceil(share * sum(self.counts))
        up_to = zip(self.bounds, accumulate(self.counts), strict=False)
        return next((bound for bound, values in up_to if values >= needed), None)


def joined(pictures: Iterable[Buckets]) -> Buckets:
    """Add histograms of the same bounds up; without any it has no bounds and no values."""
    every = tuple(pictures)
    bounds = every[0].bounds if every else ()
    counts = tuple(map(sum, zip(*(picture.counts for picture in every), strict=True)))
    return Buckets(bounds, counts, sum(picture.total for picture in every))


class Histogram:
    """Counts values.

    Args:
        bounds: Upper bounds, rising.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._total = 0.0

    def add(self, value: float) -> None:
        """Count one value; one that is equal to a bound belongs below it."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def picture(self) -> Buckets:
        """Give what was counted so far."""
        return Buckets(self._bounds, tuple(self._counts), self._total)

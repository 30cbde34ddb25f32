"""Counts of values by upper bounds, as Prometheus wants them. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
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

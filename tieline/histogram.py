"""Counts of values by upper bounds, as Prometheus wants them. Pure."""

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """Counts values.

    Args:
        bounds: Upper bounds, rising; one more bucket holds what is above the last.

    Attributes:
        total: The sum of all values.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self.total = 0.0
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)

    def add(self, value: float) -> None:
        """Count one value; one that is equal to a bound belongs below it."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def cumulated(self) -> list[tuple[str, float]]:
        """Give each bound with the number of values up to it; the last bound is `+Inf`."""
        names = (*map(str, self._bounds), "+Inf")
        return [(name, sum(self._counts[: place + 1])) for place, name in enumerate(names)]

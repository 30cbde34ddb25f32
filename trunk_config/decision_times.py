"""How long the decisions about lines take, and how many fell to the node's own count."""

from collections.abc import Mapping
from typing import Final

from tieline.histogram import Histogram
from trunk_config.admission import Verdict

BY_NODE: Final = "group"
"""Redis did not decide in time: the node's own count (GROUP_COUNT) did, or will."""

BOUNDS_S: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
"""Up to the deadline of 50 ms; the goal is 99 of 100 within 20 ms."""


class DecisionTimes:
    """Counts decisions by verdict.

    Attributes:
        by_verdict: Seconds of each decision, as histograms.
    """

    def __init__(self) -> None:
        words = (*map(str, Verdict), BY_NODE)
        self.by_verdict: Mapping[str, Histogram] = {word: Histogram(BOUNDS_S) for word in words}

    def took(self, verdict: str, seconds: float) -> None:
        """Count one decision: a `Verdict`, or `BY_NODE`."""
        self.by_verdict[verdict].add(seconds)

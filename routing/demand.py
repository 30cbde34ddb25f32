"""How much each dialect is asked for: the load that its speakers' reserve follows from. Pure; takes `now`."""

from dataclasses import dataclass, field
from math import exp
from typing import Final

from tieline.model import DialectId

_LEAST_SHARE: Final = 0.1
"""In the first tenth of the averaging time a few calls must not look like a storm."""


@dataclass(slots=True)
class _Rate:
    """Calls a second, as they were at a time."""

    value: float
    at: float


@dataclass(slots=True)
class Demand:
    """Exponential averages of the calls by dialect.

    Attributes:
        mean_s: Time over which is averaged, seconds.
        since: When counting began, Unix seconds.
    """

    mean_s: float
    since: float | None = None
    _rates: dict[DialectId, _Rate] = field(default_factory=dict)

    def count(self, dialect: DialectId, now: float) -> None:
        """Count a call."""
        if self.since is None:
            self.since = now
        rate = self._rates.setdefault(dialect, _Rate(0.0, now))
        rate.value = rate.value * exp(min(0.0, rate.at - now) / self.mean_s) + 1 / self.mean_s
        rate.at = now

    def calls_per_s(self, dialect: DialectId, now: float) -> float:
        """Give the rate of a dialect's calls; what is missing since the beginning is made up for."""
        rate = self._rates.get(dialect)
        if rate is None or self.since is None:
            return 0.0
        known = 1.0 - exp(min(0.0, self.since - now) / self.mean_s)
        return rate.value * exp(min(0.0, rate.at - now) / self.mean_s) / max(_LEAST_SHARE, known)

"""How many busy speakers will soon be free: told from how long each has talked, or wraps up. Pure; takes `now`.

A talk that has just begun does not end in a quarter of a minute, one of three minutes well may: a mean rate for all
of them knows less. Talks, wrap-up included, are taken to be lognormal.
Source of the law: L. Brown et al., "Statistical Analysis of a Telephone Call Center", JASA 100 (2005), section 4.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from math import erfc, log, sqrt
from typing import Final

from tieline.model import AgentId, DialectId

_AGE_STEP_S: Final = 5
_OLDEST_S: Final = 3600
"""Talks that last longer are no likelier to end for that."""
_A_CROWD: Final = 24
"""Of so many the mean rate knows as much, and does not cost more the more there are."""
_NONE_LONGER: Final = 1e-12
"""Share of the talks that are longer than any: never quite nothing, since shares are divided."""


@dataclass(frozen=True, slots=True)
class Busy:
    """What keeps an agent busy.

    Attributes:
        since: When his talk began, Unix seconds.
        until: When his wrap-up ends; 0 while he talks.
    """

    since: float = 0.0
    until: float = 0.0


@dataclass(slots=True)
class Freeing:
    """Busy speakers by dialect.

    Attributes:
        mean_s: Mean time that a call keeps an agent busy, wrap-up included, seconds.
        spread: Of those times: the standard deviation of their logarithms; 0 for the mean rate, whatever their age.
        busy: Speakers who talk or wrap up.
    """

    mean_s: float
    spread: float
    busy: defaultdict[DialectId, dict[AgentId, Busy]] = field(default_factory=lambda: defaultdict(dict))
    _told: dict[DialectId, dict[int, tuple[float, float]]] = field(default_factory=dict)

    def set(self, agent: AgentId, dialects: Iterable[DialectId], busy: Busy | None) -> None:
        """Note what keeps a speaker of some dialects busy; None for nothing that will end by itself."""
        for dialect in dialects:
            if busy is None:
                self.busy[dialect].pop(agent, None)
            else:
                self.busy[dialect][agent] = busy
            self._told.pop(dialect, None)

    def expected(self, dialect: DialectId, within_s: float, now: float) -> float:
        """Tell how many busy speakers of a dialect are likely to be free within so many (whole) seconds."""
        told, whole_s = self._told.setdefault(dialect, {}), int(within_s)
        at, many = told.get(whole_s, (-1.0, 0.0))
        if at != now:
            many = self._expected(dialect, whole_s, now)
            told[whole_s] = now, many
        return many

    def _expected(self, dialect: DialectId, within_s: int, now: float) -> float:
        known = self.busy[dialect]
        if len(known) > _A_CROWD or not self.spread:
            return len(known) * min(1.0, within_s / self.mean_s)
        return sum([self._chance(one, within_s, now) for one in known.values()])

    def _chance(self, busy: Busy, within_s: int, now: float) -> float:
        if busy.until:
            return 1.0 if busy.until <= now + within_s else 0.0
        age_s = min(_OLDEST_S, max(0, int(now - busy.since)))
        return _chance_to_end(age_s - age_s % _AGE_STEP_S, within_s, self.mean_s, self.spread)


@lru_cache(maxsize=10_000)
def _chance_to_end(age_s: int, within_s: int, mean_s: float, spread: float) -> float:
    """Give the chance that a talk of that age ends within so many seconds."""
    return 1.0 - _share_longer(age_s + within_s, mean_s, spread) / _share_longer(age_s, mean_s, spread)


def _share_longer(length_s: int, mean_s: float, spread: float) -> float:
    """Give the share of talks that last longer."""
    if length_s <= 0:
        return 1.0
    location = log(mean_s) - spread**2 / 2
    return max(_NONE_LONGER, 0.5 * erfc((log(length_s) - location) / spread / sqrt(2)))

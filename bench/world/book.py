"""What became of the calls: counted per day, for the whole of it and for its peak.

A call is offered when it reaches the pool, every try for itself; who hangs up within five seconds is left out. The
wait of a caller is the time until the agent answers, or until he hangs up.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import pstdev
from typing import Final

from bench._measure import quantile
from bench.world.model import HOUR_S, Day, Service, Try
from routing.agents import Agent
from tieline.model import AgentId, DialectId

SOON_S: Final = 20.0
"""The level's bound: answered within this."""

SHORT_S: Final = 5.0
"""Who hangs up within this is not offered."""


@dataclass(slots=True)
class Tally:
    """Counts of tries.

    Attributes:
        offered: All but the short ones.
        soon: Answered within 20 s.
        right_soon: The same, and in the language that was asked for.
        wanting: Offered, and a dialect was asked for.
        own: Of them, answered by a native or fluent speaker.
        helpless: Answered calls of callers who manage no Mandarin.
        stuck: Of them, those who got nobody of their dialect.
        crossed: Answered by an agent of the other site.
        waits: By what was asked for, seconds.
    """

    offered: int = 0
    answered: int = 0
    soon: int = 0
    right_soon: int = 0
    wanting: int = 0
    own: int = 0
    helpless: int = 0
    stuck: int = 0
    crossed: int = 0
    waits: dict[DialectId, "array[float]"] = field(default_factory=dict)
    own_by_dialect: Counter[DialectId] = field(default_factory=Counter)

    def count_answered(self, call: Try, agent: Agent, service: Service, wait_s: float) -> None:
        """Count a call that was answered."""
        caller, own = call.caller, service is Service.OWN
        self._count(call, wait_s)
        self.answered += 1
        self.crossed += agent.site != caller.site
        if wait_s <= SOON_S:
            self.soon += 1
            self.right_soon += own
        if caller.wants_dialect and own:
            self.own += 1
            self.own_by_dialect[caller.dialect] += 1
        if caller.cannot:
            self.helpless += 1
            self.stuck += service is Service.OTHER

    def count_gone(self, call: Try, wait_s: float) -> None:
        """Count a call whose caller hung up waiting."""
        if wait_s >= SHORT_S:
            self._count(call, wait_s)

    def _count(self, call: Try, wait_s: float) -> None:
        dialect = call.caller.dialect
        self.offered += 1
        self.wanting += call.caller.wants_dialect
        if dialect not in self.waits:
            self.waits[dialect] = array("d")
        self.waits[dialect].append(wait_s)

    def add(self, other: "Tally") -> None:
        """Take in what another day counted."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.own_by_dialect.update(other.own_by_dialect)
        for dialect, waits in other.waits.items():
            self.waits.setdefault(dialect, array("d")).extend(waits)

    def p95_by_dialect(self) -> Mapping[DialectId, float]:
        """The 95th percentile of the wait by what was asked for, seconds."""
        return {dialect: quantile(waits, 0.95) for dialect, waits in self.waits.items()}


_COUNTS: Final = ("offered", "answered", "soon", "right_soon", "wanting", "own", "helpless", "stuck", "crossed")


class Book:
    """A day's tallies, and how busy each agent was."""

    def __init__(self, day: Day) -> None:
        self.whole = Tally()
        self.peak = Tally()
        self._peak_from, self._peak_to = day.peak
        self._busy_since: dict[AgentId, float] = {}
        self._busy_s: defaultdict[AgentId, float] = defaultdict(float)
        self._duty_s: defaultdict[AgentId, float] = defaultdict(float)
        for shift in day.shifts:
            self._duty_s[shift.agent] += min(shift.to, day.end) - shift.start

    def answered(self, call: Try, agent: Agent, service: Service, came: float, now: float) -> None:
        """An agent answered a call that came at `came`."""
        self.whole.count_answered(call, agent, service, now - came)
        if self._peak_from <= came < self._peak_to:
            self.peak.count_answered(call, agent, service, now - came)

    def gone(self, call: Try, came: float, now: float) -> None:
        """A caller hung up."""
        self.whole.count_gone(call, now - came)
        if self._peak_from <= came < self._peak_to:
            self.peak.count_gone(call, now - came)

    def busy(self, agent: AgentId, now: float) -> None:
        """An agent's phone rings."""
        self._busy_since[agent] = now

    def free(self, agent: AgentId, now: float) -> None:
        """An agent can take the next call."""
        self._busy_s[agent] += now - self._busy_since.pop(agent)

    def occupancy_spread(self) -> float:
        """Standard deviation of the share of time that agents with an hour of duty or more were busy."""
        shares = [self._busy_s[agent] / duty_s for agent, duty_s in self._duty_s.items() if duty_s >= HOUR_S]
        return pstdev(shares) if shares else 0.0

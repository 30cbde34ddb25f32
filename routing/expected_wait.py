"""How long a waiting call will probably still wait, and how many go before it. Pure; takes `now`.

A call waits for one of the agents whom its ladder reaches, now or at a later step. Of these as many must come free
as calls go before it, and one more. An agent who is ready counts at once, one in wrap-up when that ends, one who
talks by the mean rate at which talks end: the expected number of those who have come free grows from moment to
moment, and the wait is over when it is large enough. A call ahead that could go to others as well counts with the
share of its agents that both can have.

Agents are bits of whole numbers here: sets of thousands are intersected and counted in a microsecond.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Final, NamedTuple

from routing.agents import Agent
from routing.kinds import takes
from routing.ladders import LadderSet
from routing.offers import Waiting
from routing.seats import Seat
from tieline.model import AgentId, AgentState, Business, CallId, DialectId, SiteId

_BUSY: Final = frozenset((AgentState.OFFERED, AgentState.TALKING))
_TIMED: Final = frozenset((AgentState.WRAP_UP, AgentState.NOT_READY))


class Asked(NamedTuple):
    """What decides whom a call reaches, and when."""

    business: Business
    dialect: DialectId
    only_dialect: bool
    site: SiteId


@dataclass(frozen=True, slots=True)
class Expected:
    """What a waiting call may expect.

    Attributes:
        ahead: Calls that go before it, those that can go elsewhere counted in part, rounded.
        wait_s: Seconds still to wait; None: nobody on duty whom its ladder reaches.
    """

    ahead: int
    wait_s: float | None


class Opened(NamedTuple):
    """Agents whom a ladder reaches from a wait on."""

    after_s: float
    agents: int


class Release(NamedTuple):
    """Agents who come free together.

    Attributes:
        at_s: Counted from now.
        free: How many then.
        more: How many take and finish calls from then on.
    """

    at_s: float
    free: int
    more: int


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is there, as sets of bits.

    Attributes:
        timed: Seconds until each of those comes free who are known to.
    """

    ready: int
    busy: int
    timed: tuple[tuple[float, int], ...]

    @property
    def everybody(self) -> int:
        """All of them; who is away without a known end is not there."""
        return self.ready | self.busy | sum(bit for _, bit in self.timed)


@dataclass(slots=True)
class WaitEstimator:
    """Estimates the waits of a pool.

    Attributes:
        agents: Of all sites.
        ladders: What the matcher goes by.
        reached: For each kind of call the agents by the wait from which on they are reached; filled as they come.
    """

    agents: Mapping[AgentId, Agent]
    ladders: LadderSet
    reached: dict[Asked, tuple[Opened, ...]] = field(default_factory=dict)

    def use(self, ladders: LadderSet) -> None:
        """Go by other ladders from now on."""
        if ladders is not self.ladders:
            self.ladders = ladders
            self.reached.clear()

    def estimate(
        self, waiting: Iterable[Waiting], seats: Mapping[AgentId, Seat], *, busy_s: float, now: float
    ) -> dict[CallId, Expected]:
        """Estimate all waits.

        Args:
            waiting: Every call in the pool, of all sites.
            seats: Of the agents of all sites, as far as known.
            busy_s: Mean time that a call keeps an agent, wrap-up included, seconds.
            now: Unix seconds.
        """
        duty = self._duty(seats, now)
        shares: dict[tuple[Asked, Asked], float] = {}
        settled: dict[Asked, list[Release]] = {}
        before: Counter[Asked] = Counter()
        found: dict[CallId, Expected] = {}
        for call in sorted(waiting, key=self._turn):
            asked = Asked(call.need.business, call.need.dialect, call.need.only_dialect, call.site)
            ahead = 0.0
            for other, count in before.items():
                share = shares.get((other, asked))
                if share is None:
                    share = shares[other, asked] = self._share(other, asked, duty.everybody)
                ahead += count * share
            waited_s = inf if self.ladders.lanes[call.need.lane].at_once else now - call.since
            releases = self._releases(asked, duty, waited_s, settled)
            found[call.call_id] = Expected(round(ahead), _when(releases, ahead + 1, busy_s))
            before[asked] += 1
        return found

    def _turn(self, call: Waiting) -> tuple[float, CallId]:
        return call.since - self.ladders.lanes[call.need.lane].head_start_s, call.call_id

    def _share(self, other: Asked, own: Asked, there: int) -> float:
        """Tell which part of the agents of a call ahead are ours as well."""
        theirs, ours = (there & _all(self._steps(asked)) for asked in (other, own))
        return (theirs & ours).bit_count() / theirs.bit_count() if theirs else 0.0

    def _releases(
        self, asked: Asked, duty: Duty, waited_s: float, settled: dict[Asked, list[Release]]
    ) -> list[Release]:
        """Give who comes free when; the same for all calls of a kind once all their steps are open."""
        steps = self._steps(asked)
        if any(waited_s < step.after_s for step in steps):
            return sorted(_releases(steps, duty, waited_s))
        if asked not in settled:
            settled[asked] = sorted(_releases(steps, duty, waited_s))
        return settled[asked]

    def _duty(self, seats: Mapping[AgentId, Seat], now: float) -> Duty:
        ready = busy = 0
        timed: list[tuple[float, int]] = []
        for number, agent in enumerate(self.agents):
            seat = seats.get(agent)
            if seat is None:
                continue
            if seat.state is AgentState.READY:
                ready |= 1 << number
            elif seat.state in _BUSY:
                busy |= 1 << number
            elif seat.state in _TIMED and seat.until:
                timed.append((max(0.0, seat.until - now), 1 << number))
        return Duty(ready, busy, tuple(timed))

    def _steps(self, asked: Asked) -> tuple[Opened, ...]:
        steps = self.reached.get(asked)
        if steps is None:
            steps = self.reached[asked] = tuple(self._climb(asked))
        return steps

    def _climb(self, asked: Asked) -> Iterator[Opened]:
        known = 0
        for step in self.ladders.of(asked.business, asked.dialect).steps:
            agents = sum(
                1 << number
                for number, agent in enumerate(self.agents.values())
                if takes(step, agent, asked.business, asked.dialect, asked.site)
            )
            if agents & ~known:
                later_s = step.only_dialect_s if asked.only_dialect else 0.0
                yield Opened(step.after_s + later_s, agents & ~known)
                known |= agents


def _all(steps: Iterable[Opened]) -> int:
    return sum(step.agents for step in steps)


def _releases(steps: Iterable[Opened], duty: Duty, waited_s: float) -> Iterator[Release]:
    for after_s, agents in steps:
        opens = max(0.0, after_s - waited_s)
        ready, busy = (agents & duty.ready).bit_count(), (agents & duty.busy).bit_count()
        yield Release(opens, ready, ready + busy)
        yield from (Release(max(opens, until), 1, 1) for until, bit in duty.timed if agents & bit)


def _when(releases: Iterable[Release], wanted: float, busy_s: float) -> float | None:
    """Find when so many are expected to have come free; None: never."""
    free, rate, at = 0.0, 0.0, 0.0
    for moment, count, more in releases:
        if rate and free + rate * (moment - at) >= wanted:
            break
        free += rate * (moment - at) + count
        at, rate = moment, rate + more / busy_s
        if free >= wanted:
            return at
    return at + (wanted - free) / rate if rate else None

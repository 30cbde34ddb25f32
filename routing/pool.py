"""The pool's index: waiting calls and idle agents by kind, speakers and callers by dialect. Pure; takes `now`.

Each change costs a search in one sorted list, whatever the size of the pool.
"""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from operator import attrgetter, itemgetter
from typing import Final

from routing.agents import Agent
from routing.demand import Demand
from routing.freeing import Busy, Freeing
from routing.kinds import AgentKey, AgentKind, CallKey, CallKind, Terms, agent_key, agent_kind, call_key, call_kind
from routing.ladders import LadderSet
from routing.offers import Waiting
from routing.present import Present
from tieline.model import MANDARIN, AgentId, Business, CallId, DialectId, Lane, SiteId


@dataclass(frozen=True, slots=True)
class CallRows:
    """Waiting calls of some kinds as agents of a kind see them: whose wait counts alike.

    Attributes:
        own: Their dialect, if each second of their wait counts by `Pool.weight`; else it counts once.
        head_start_s: How much longer than they did the calls count as having waited.
        crowded_head_start_s: The same while the pool is crowded.
        heads_of: Picks those of the kinds out of `Pool.heads`.
        kinds: The kinds with the terms.
    """

    own: DialectId | None
    head_start_s: float
    crowded_head_start_s: float
    heads_of: Callable[[Sequence[float]], tuple[float, ...]]
    kinds: list[tuple[CallKind, Terms]]


AgentRow = tuple[float, AgentKind, Terms]
"""Idle agents of a kind as calls of a kind see them: their price without scarcity, their kind, the terms."""
_RESERVE_HOLDS_S: Final = 10.0
"""A load that is averaged over half an hour is the same for so long."""
_SAME_S: Final = 0.001
"""Waits that differ by less are one call's: `since` comes back from a difference of times."""


@dataclass(slots=True)
class Pool:
    """Who can be matched now.

    Attributes:
        agents: All that may ever come.
        calls: Those that wait for an agent.
        idle: Since when agents who may be offered are idle.
        on_duty: Agents who are, or will soon be, there for a caller.
        heads: Since when the first call of each kind waits, by the kind's number; without one, never.
        waiting_kinds: Kinds of which calls wait, or did lately.
        idle_kinds: Kinds of which agents are idle, or were lately.
        demand: Load of the dialects.
        callers: Waiting calls by dialect.
        queues: The same without those to be called back.
        trained: Agents on duty by the dialects that they speak, and by business.
        idle_speakers: Idle agents by dialect.
        freeing: Busy ones.
        apart: Calls and agents, or a site's agents, who are not to be brought together just now.
    """

    agents: Mapping[AgentId, Agent]
    ladders: LadderSet
    demand: Demand
    calls: dict[CallId, Waiting] = field(default_factory=dict)
    idle: dict[AgentId, float] = field(default_factory=dict)
    on_duty: set[AgentId] = field(default_factory=set)
    heads: list[float] = field(default_factory=list)
    waiting_kinds: Present[CallKind, AgentKind, list[CallRows]] = field(
        default_factory=lambda: Present(attrgetter("calls"), _call_rows)
    )
    idle_kinds: Present[AgentKind, CallKind, list[AgentRow]] = field(
        default_factory=lambda: Present(attrgetter("idle"), _agent_rows)
    )
    callers: Counter[DialectId] = field(default_factory=Counter)
    queues: Counter[DialectId] = field(default_factory=Counter)
    trained: Counter[tuple[DialectId, Business]] = field(default_factory=Counter)
    idle_speakers: Counter[DialectId] = field(default_factory=Counter)
    apart: set[tuple[CallId, AgentId | SiteId]] = field(default_factory=set)
    _reserves: dict[DialectId, tuple[float, float]] = field(default_factory=dict)
    _agent_kinds: dict[AgentId, AgentKind] = field(default_factory=dict)
    _call_kinds: dict[CallKey, CallKind] = field(default_factory=dict)
    _dialect_kinds: defaultdict[DialectId, list[CallKind]] = field(default_factory=lambda: defaultdict(list))
    freeing: Freeing = field(init=False)

    def __post_init__(self) -> None:
        self.freeing = Freeing(self.ladders.numbers.talk_s, self.ladders.numbers.talk_spread)
        kinds: dict[AgentKey, AgentKind] = {}
        for agent in self.agents.values():
            key = agent_key(agent)
            self._agent_kinds[agent.id] = kinds.get(key) or kinds.setdefault(key, agent_kind(agent))

    # Calls ---------------------------------------------------------------------------------------------------

    def add_call(self, call: Waiting) -> None:
        """Let a call wait that does not wait yet."""
        kind = self.kind_of_call(call)
        insort(kind.calls, (call.since, call.call_id))
        self.heads[kind.number] = kind.calls[0][0]
        self.calls[call.call_id] = call
        self.waiting_kinds.add(kind)
        self._count(call, 1)

    def remove_call(self, call_id: CallId) -> None:
        """Take a call out; one that does not wait changes nothing."""
        call = self.calls.pop(call_id, None)
        if call is None:
            return
        kind = self.kind_of_call(call)
        del kind.calls[bisect_left(kind.calls, (call.since, call_id))]
        self.heads[kind.number] = kind.calls[0][0] if kind.calls else inf
        self._count(call, -1)

    def _count(self, call: Waiting, by: int) -> None:
        need = call.need
        self.callers[need.dialect] += by
        if need.lane is not Lane.CALLBACK:
            self.queues[need.dialect] += by

    def kind_of_call(self, call: Waiting) -> CallKind:
        """Give the kind of a call; a dialect that is not known here is taken for Mandarin."""
        key = call_key(call)
        kind = self._call_kinds.get(key)
        if kind is None:
            known = (key.business, key.dialect) in self.ladders.ladders
            kind = call_kind(key if known else key._replace(dialect=MANDARIN), self.ladders, len(self.heads))
            self.heads.append(inf)
            self._call_kinds[key] = kind
            self._dialect_kinds[key.dialect].append(kind)
        return kind

    def may_try(self, call_id: CallId, agent: AgentId) -> bool:
        """Tell whether a call and an agent may be brought together."""
        apart = self.apart
        return (call_id, agent) not in apart and (call_id, self.agents[agent].site) not in apart

    def is_soon_served(self, since: float, within_s: float) -> bool:
        """Tell whether some agent, whatever he speaks, is likely to come free for a caller within so many seconds.

        Those who came before get the next ones, so only they and the caller himself count.
        """
        busy = len(self.on_duty) - len(self.idle)
        served = within_s * busy / self.ladders.numbers.talk_s
        if served < 1:
            return False
        if len(self.calls) <= served:
            return True
        before = (since - _SAME_S,)
        return 1 + sum([bisect_left(kind.calls, before) for kind in self._call_kinds.values()]) <= served

    def is_crowded(self) -> bool:
        """Tell whether more calls wait than the agents on duty can soon take."""
        return len(self.calls) > self.ladders.numbers.crowded_share * len(self.on_duty)

    # Agents --------------------------------------------------------------------------------------------------

    def set_agent(self, agent: AgentId, *, on_duty: bool, idle_since: float | None, busy: Busy | None = None) -> None:
        """Note how it stands with an agent.

        Args:
            agent: He.
            on_duty: Whether he is, or will soon be, there for a caller.
            idle_since: Since when he is idle, Unix seconds; None when he may not be offered.
            busy: The talk or wrap-up that he is in, or None.
        """
        kind = self._agent_kinds[agent]
        if on_duty is not (agent in self.on_duty):
            (self.on_duty.add if on_duty else self.on_duty.discard)(agent)
            self.trained.update(dict.fromkeys(kind.serves, 1 if on_duty else -1))
        self.freeing.set(agent, kind.spoken, busy)
        before = self.idle.get(agent)
        if before == idle_since:
            return
        if before is not None:
            self._remove_idle(agent, before, kind)
        if idle_since is not None:
            self._add_idle(agent, idle_since, kind)

    def kind_of_agent(self, agent: AgentId) -> AgentKind:
        """Give the kind of an agent."""
        return self._agent_kinds[agent]

    def _add_idle(self, agent: AgentId, since: float, kind: AgentKind) -> None:
        self.idle[agent] = since
        insort(kind.idle, (since, agent))
        self.idle_kinds.add(kind)
        for dialect in kind.spoken:
            self.idle_speakers[dialect] += 1

    def _remove_idle(self, agent: AgentId, since: float, kind: AgentKind) -> None:
        del self.idle[agent]
        del kind.idle[bisect_left(kind.idle, (since, agent))]
        for dialect in kind.spoken:
            self.idle_speakers[dialect] -= 1

    # Dialects ------------------------------------------------------------------------------------------------

    def reserve(self, dialect: DialectId, now: float) -> float:
        """Tell how many idle speakers are kept for a dialect; none for one that nobody asks for."""
        holds_until, reserve = self._reserves.get(dialect, (0.0, 0.0))
        if now >= holds_until:
            numbers = self.ladders.numbers
            load = self.demand.calls_per_s(dialect, now) * numbers.talk_s
            reserve = numbers.reserve * max(load, numbers.least_load) ** numbers.reserve_power
            if load < numbers.least_load:
                reserve *= load / numbers.least_load
            self._reserves[dialect] = (now + _RESERVE_HOLDS_S, reserve)
        return reserve

    def weight(self, dialect: DialectId) -> float:
        """Tell how much each second of wait counts at a speaker of the caller's dialect.

        It counts the more, the more callers of the dialect wait for each of its speakers on duty: where these would
        be too few even if they did nothing else, they do little else.
        """
        numbers = self.ladders.numbers
        of_each = self.queues[dialect] / max(1, self.trained[dialect, Business.OTHER])  # `other` is everybody's
        return min(numbers.own_dialect_weight + numbers.queue_weight * of_each**2, numbers.most_weight)

    def is_kept(self, dialect: DialectId, now: float) -> bool:
        """Tell whether no more speakers of a dialect are idle, or free soon, than are to be kept."""
        soon = self.freeing.expected(dialect, self.ladders.numbers.soon_s, now)
        return self.idle_speakers[dialect] + soon <= self.reserve(dialect, now)

    def scarcity(self, dialects: Iterable[DialectId], now: float) -> float:
        """Price the speakers of some dialects: how many are to be kept in proportion to how many are idle."""
        shares = [self.reserve(dialect, now) / self.idle_speakers[dialect] for dialect in dialects]
        return self.ladders.numbers.scarcity_price * max(shares)

    def is_near(self, key: CallKey, since: float, within_s: float, now: float) -> bool:
        """Tell whether a speaker is likely to come free within so many seconds for who waits since then.

        Those of the dialect who came before get the next speakers, so only they and the caller himself count. An idle
        one is nobody to wait for: were he trained for what the caller wants, the caller would have him. Where nobody
        on duty is trained for it, there is nobody to wait for at all.
        """
        dialect = key.dialect
        if not self.trained[dialect, key.business]:
            return False
        served = self.freeing.expected(dialect, within_s, now)
        if served < 1 or self.callers[dialect] <= served:
            return served >= 1
        before = (since - _SAME_S,)
        return 1 + sum([bisect_left(kind.calls, before) for kind in self._dialect_kinds[dialect]]) <= served


def _call_rows(kinds: Iterable[CallKind], agents: AgentKind) -> list[CallRows]:
    alike: defaultdict[tuple[DialectId | None, float, float], list[tuple[CallKind, Terms]]] = defaultdict(list)
    for kind in kinds:
        if (terms := kind.terms(agents)) is not None:
            alike[terms.own, terms.head_start_s, terms.crowded_head_start_s].append((kind, terms))
    return [CallRows(*counts, _picker([kind.number for kind, _ in seen]), seen) for counts, seen in alike.items()]


def _picker(numbers: Sequence[int]) -> Callable[[Sequence[float]], tuple[float, ...]]:
    return itemgetter(*numbers, numbers[0])  # the first one twice: of one alone it would give no tuple


def _agent_rows(kinds: Iterable[AgentKind], calls: CallKind) -> list[AgentRow]:
    """Give the rows in the order of their prices."""
    seen = ((kind, calls.terms(kind)) for kind in kinds)
    rows = [(terms.price, kind, terms) for kind, terms in seen if terms is not None]
    return sorted(rows, key=itemgetter(0))

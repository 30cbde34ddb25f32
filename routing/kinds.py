"""Kinds of calls, equal but for their wait, and kinds of agents, equal but for their idle time. Pure.

So the matcher looks at the first of each kind, however many wait; and on which terms an agent of one kind may have a
call of another is worked out once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from math import ceil
from typing import Final, NamedTuple

from routing.agents import Agent
from routing.ladders import ACCEPTED, Accept, LadderSet, Reach, Step
from routing.offers import Waiting
from tieline.model import MANDARIN, AgentId, Business, CallId, DialectId, Lane, Level, SiteId

_UP_TO: Final = {accept: frozenset(list(Accept)[: number + 1]) for number, accept in enumerate(Accept)}
"""What a step takes: what it names and all that is better."""
_NOT_KEPT_FROM: Final = frozenset((Lane.LIFE_SAFETY, Lane.IMPORTANT))
"""Lanes whose calls get reserved speakers, too: a lower lane's call, waiting longer, would get them first."""


class Terms(NamedTuple):
    """On which terms an agent may have a call.

    Attributes:
        step: The first step of the ladder that takes the agent.
        opens_s: Wait from which on, seconds.
        near_s: Put off while a speaker is as near as this, seconds; 0 for never.
        hold_s: For so long at most.
        gives_way_from_s: Up to this wait the agent is kept for callers of `others` while few of their speakers are
            idle, or free soon.
        gives_way_s: Up to this one if somebody else is likely to come free for the call by then.
        sure_s: From this wait on nothing stands in the way any more.
        others: Dialects that the agent speaks besides the caller's.
        fit_price: How badly the agent fits.
        price: The same, with what crossing to the agent's site costs.
        head_start_s: How much longer than it did the call counts as having waited.
        crowded_head_start_s: The same while the pool is crowded.
        own: The caller's dialect where the agent speaks it and each second of the wait counts the more for that.
    """

    step: int
    opens_s: float
    near_s: float
    hold_s: float
    gives_way_from_s: float
    gives_way_s: float
    sure_s: float
    others: tuple[DialectId, ...]
    fit_price: float
    price: float
    head_start_s: float
    crowded_head_start_s: float
    own: DialectId | None


class AgentKey(NamedTuple):
    """What agents of a kind have in common."""

    site: SiteId
    dialects: frozenset[tuple[DialectId, Level]]
    business: frozenset[tuple[Business, Level]]


class CallKey(NamedTuple):
    """What calls of a kind have in common."""

    site: SiteId
    dialect: DialectId
    business: Business
    lane: Lane
    only_dialect: bool


@dataclass(eq=False, slots=True)
class AgentKind:
    """Agents of one kind.

    Attributes:
        like: Any of them.
        spoken: What they understand besides Mandarin.
        serves: Each of these with every business that they are trained for.
        idle: The idle ones, the longest idle first: since when, and who.
    """

    like: Agent
    spoken: tuple[DialectId, ...]
    serves: tuple[tuple[DialectId, Business], ...]
    idle: list[tuple[float, AgentId]] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class CallKind:
    """Calls of one kind.

    Attributes:
        key: What they have in common.
        number: Of the kind.
        ladders: What the terms follow from.
        looks_s: Waits at which something may open, in order, seconds.
        calls: The waiting ones, the longest wait first: since when, and which.
    """

    key: CallKey
    number: int
    ladders: LadderSet
    looks_s: tuple[float, ...]
    calls: list[tuple[float, CallId]] = field(default_factory=list)
    _terms: dict[AgentKind, Terms | None] = field(default_factory=dict)

    def terms(self, agents: AgentKind) -> Terms | None:
        """Give the terms for agents of a kind; None when they are never to have such a call."""
        try:
            return self._terms[agents]
        except KeyError:
            return self._terms.setdefault(agents, terms_for(self.key, agents, self.ladders))


def agent_key(agent: Agent) -> AgentKey:
    """Tell an agent's kind."""
    return AgentKey(agent.site, frozenset(agent.dialects.items()), frozenset(agent.business.items()))


def agent_kind(agent: Agent) -> AgentKind:
    """Make the kind of which an agent is."""
    spoken = tuple(dialect for dialect in agent.dialects if dialect != MANDARIN and agent.speaks(dialect))
    return AgentKind(agent, spoken, tuple(product(spoken, filter(agent.trained_for, Business))))


def call_key(call: Waiting) -> CallKey:
    """Tell a call's kind."""
    need = call.need
    return CallKey(call.site, need.dialect, need.business, need.lane, need.only_dialect)


def call_kind(key: CallKey, ladders: LadderSet, number: int) -> CallKind:
    """Make a kind of calls."""
    return CallKind(key, number, ladders, tuple(sorted(_looks(key, ladders))))


def _looks(key: CallKey, ladders: LadderSet) -> set[float]:
    if ladders.lanes[key.lane].at_once:
        return set()
    numbers = ladders.numbers
    looks = set(_every(numbers.give_way_look_s, numbers.give_way_from_s, numbers.give_way_s))
    for step in ladders.of(key.business, key.dialect).steps:
        opens_s = _opens_s(step, key)
        looks.add(opens_s)
        if step.hold_s:
            looks.update(_every(numbers.look_again_s, opens_s, opens_s + step.hold_s))
    return {look for look in looks if look > 0}


def _every(every_s: float, begin_s: float, end_s: float) -> Iterator[float]:
    """Give the waits from one to another in steps, the last one in any case."""
    yield from (begin_s + every_s * number for number in range(ceil((end_s - begin_s) / every_s)))
    yield end_s


def _opens_s(step: Step, key: CallKey) -> float:
    return step.after_s + (step.only_dialect_s if key.only_dialect else 0.0)


def takes(step: Step, agent: Agent, business: Business, dialect: DialectId, site: SiteId) -> bool:
    """Tell whether an agent may have a call from a step on.

    Args:
        step: Of the call's ladder.
        agent: Of any site.
        business: What the caller wants.
        dialect: What he speaks.
        site: Whose call it is.
    """
    knowledge = ACCEPTED[agent.dialects.get(dialect)]
    understood = knowledge is not Accept.MANDARIN or agent.speaks(MANDARIN)
    reached = step.reach is Reach.ANY or agent.site == site
    return agent.trained_for(business) and understood and reached and knowledge in _UP_TO[step.accept]


def terms_for(key: CallKey, agents: AgentKind, ladders: LadderSet) -> Terms | None:
    """Work out on which terms agents of a kind may have calls of a kind; None for never."""
    agent, lane = agents.like, ladders.lanes[key.lane]
    if key.business in ladders.left.get(agent.site, ()):
        return None
    knowledge, crosses = ACCEPTED[agent.dialects.get(key.dialect)], agent.site != key.site
    for number, step in enumerate(ladders.of(key.business, key.dialect).steps):
        if not takes(step, agent, key.business, key.dialect, key.site):
            continue
        others = tuple(dialect for dialect in agents.spoken if dialect != key.dialect)
        opens_s = 0.0 if lane.at_once else _opens_s(step, key)
        hold_s = 0.0 if lane.at_once else step.hold_s
        kept = bool(others) and not lane.at_once and key.lane not in _NOT_KEPT_FROM
        gives_way_s = ladders.numbers.give_way_s if kept else 0.0
        fit_price = _fit_price(key, agent, knowledge, ladders)
        head_start_s = _head_start_s(key, knowledge, ladders, crosses=crosses)
        return Terms(
            step=number,
            opens_s=opens_s,
            near_s=step.only_dialect_near_s if key.only_dialect else step.near_s,
            hold_s=hold_s,
            gives_way_from_s=ladders.numbers.give_way_from_s,
            gives_way_s=gives_way_s,
            sure_s=max(opens_s + hold_s, gives_way_s),
            others=others,
            fit_price=fit_price,
            price=fit_price + (ladders.numbers.crossing_price if crosses else 0.0),
            head_start_s=head_start_s + _own_s(key, knowledge, ladders.numbers.own_dialect_s),
            crowded_head_start_s=head_start_s + _own_s(key, knowledge, ladders.numbers.crowded_dialect_s),
            own=_own(key, knowledge),
        )
    return None


def _fit_price(key: CallKey, agent: Agent, knowledge: Accept, ladders: LadderSet) -> float:
    numbers = ladders.numbers
    dialect = {
        Accept.FLUENT: numbers.fluent_price,
        Accept.BASIC: numbers.basic_price,
        Accept.MANDARIN: numbers.mandarin_price,
    }
    prices = {Level.FLUENT: numbers.fluent_price, Level.BASIC: numbers.business_price}
    level = agent.business.get(key.business, Level.NATIVE)  # `other` is everybody's
    return dialect.get(knowledge, 0.0) + prices.get(level, 0.0)


def _own(key: CallKey, knowledge: Accept) -> DialectId | None:
    if key.dialect == MANDARIN or key.lane is Lane.CALLBACK or knowledge not in _UP_TO[Accept.FLUENT]:
        return None  # calls back wait for hours: weighed, they would go before all who are on the line
    return key.dialect


def _head_start_s(key: CallKey, knowledge: Accept, ladders: LadderSet, *, crosses: bool) -> float:
    """Give what a call's lane, its site and another dialect make of its wait."""
    numbers = ladders.numbers
    lost_s = numbers.crossing_s if crosses else 0.0
    if key.dialect != MANDARIN and knowledge is Accept.MANDARIN:
        lost_s += numbers.no_dialect_s
    return ladders.lanes[key.lane].head_start_s - lost_s


def _own_s(key: CallKey, knowledge: Accept, own_dialect_s: float) -> float:
    return own_dialect_s if key.dialect != MANDARIN and knowledge in _UP_TO[Accept.FLUENT] else 0.0

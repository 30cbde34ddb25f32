"""The choice: the best agent for a call, the best call for an agent. Pure; takes `now`.

*Agent for a call:* of the idle agents whom the ladder lets through, the lowest price: fit first, then scarcity (what
the agent's other dialects are worth just now) and the site; then who knows the caller's place, then who is idle
longest.

*Call for an agent:* of the waiting calls whose ladder lets the agent through, the one with the longest wait, head
starts included: those of its lane, and of the agent's own dialect. A second of wait for the own dialect counts more,
the longer its queue is for each of its speakers.

Speakers of whom too few are idle, or free soon, are kept for their own callers, until another caller has waited long
enough.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace
from itertools import islice
from math import inf
from typing import Final, NamedTuple

from routing.agents import Place
from routing.decision import Lost
from routing.kinds import AgentKind, CallKind, Terms
from routing.offers import Waiting
from routing.pool import CallRows, Pool
from tieline.model import AgentId, CallId, DialectId

OTHERS: Final = 3
"""So many of those not chosen are told."""

_NOT_EXACT_S: Final = 1e-6
"""Who is looked at in the moment when a step opens has waited so long, whatever the difference of two times says."""

OpenKind = tuple[float, AgentKind, Terms, float]
"""Agents whom a call may have: price, kind, terms, and what of the price is scarcity."""


class AgentOption(NamedTuple):
    """An idle agent as a call sees him; in order of preference.

    Attributes:
        price: Lower is better.
        place: How well he knows the caller's.
    """

    price: float
    place: Place
    idle_since: float
    agent: AgentId
    terms: Terms
    scarcity: float


class CallOption(NamedTuple):
    """A waiting call as an agent sees it.

    Attributes:
        lost: Why it is not open to him yet, or None.
    """

    since: float
    call_id: CallId
    terms: Terms
    lost: Lost | None


@dataclass(frozen=True, slots=True)
class AgentPick:
    """The agent for a call.

    Attributes:
        chosen: He.
        open_kinds: Kinds that were open, with price, terms and scarcity; those whom fit and site alone make dearer
            than the chosen one are not all among them.
        shut_kinds: Kinds that were not, and why.
    """

    chosen: AgentOption
    open_kinds: list[OpenKind]
    shut_kinds: list[tuple[AgentKind, Terms, Lost]]


@dataclass(frozen=True, slots=True)
class CallPick:
    """The call for an agent.

    Attributes:
        chosen: It.
        others: The first of some other kinds: those that would have gone before it, were they open, then the next.
    """

    chosen: CallOption
    others: list[CallOption]


def choose_agent(pool: Pool, call: Waiting, now: float) -> AgentPick | None:
    """Find the best idle agent for a call, whether or not it waits in the pool; None when nobody may have it."""
    kind, wait_s = pool.kind_of_call(call), now - call.since + _NOT_EXACT_S
    opened: list[OpenKind] = []
    shut: list[tuple[AgentKind, Terms, Lost]] = []
    lowest = inf
    scarcities: dict[tuple[DialectId, ...], float] = {(): 0.0}
    for price, agents, terms in pool.idle_kinds.seen_by(kind):
        if price > lowest and len(opened) + len(shut) > OTHERS:
            break  # all that follow are dearer, scarce or not
        if not agents.idle:
            continue
        if pool.apart and not any(pool.may_try(call.call_id, agent) for _, agent in agents.idle):
            shut.append((agents, terms, Lost.LEFT_OUT))
        elif wait_s < terms.sure_s and (lost := _shut(pool, kind, terms, wait_s, now)):
            shut.append((agents, terms, lost))
        else:
            scarcity = scarcities.get(terms.others)
            if scarcity is None:
                scarcity = scarcities[terms.others] = pool.scarcity(terms.others, now)
            opened.append((price + scarcity, agents, terms, scarcity))
            lowest = min(lowest, price + scarcity)
    return AgentPick(_first(pool, call, opened), opened, shut) if opened else None


def choose_wanted(pool: Pool, call: Waiting) -> AgentPick | None:
    """Take the agent to whom a call was transferred, when he is idle and its ladder lets him through at any step."""
    since = pool.idle.get(call.wanted)
    if since is None or not pool.may_try(call.call_id, call.wanted):
        return None
    terms = pool.kind_of_call(call).terms(pool.kind_of_agent(call.wanted))
    if terms is None:
        return None
    place = pool.agents[call.wanted].place_known(call.need)
    return AgentPick(AgentOption(terms.price, place, since, call.wanted, terms, 0.0), [], [])


def choose_call(pool: Pool, agent: AgentId, now: float) -> CallPick | None:
    """Find the best waiting call for an idle agent; None when he may have none of them yet."""
    chosen: CallOption | None = None
    others: list[CallOption] = []
    for kind, terms in _longest_first(pool, agent, now):
        first = kind.calls[0] if not pool.apart else _maybe_first_call(pool, kind, agent)
        if first is None:
            continue
        since, call_id = first
        wait_s = now - since + _NOT_EXACT_S
        lost = _shut(pool, kind, terms, wait_s, now) if wait_s < terms.sure_s else None
        option = CallOption(since, call_id, terms, lost)
        if lost or chosen:
            others.append(option)
        else:
            chosen = option
        if chosen and len(others) >= OTHERS:
            break
    return CallPick(chosen, others) if chosen else None


def _longest_first(pool: Pool, agent: AgentId, now: float) -> Iterator[tuple[CallKind, Terms]]:
    """Give the kinds of which calls wait, the longest wait first, as it counts for an agent."""
    crowded, queue = pool.is_crowded(), list[tuple[float, int, float, float, CallRows, Sequence[float]]]()
    agents = pool.kind_of_agent(agent)
    weights: dict[DialectId | None, float] = {None: 1.0}
    weights.update((dialect, pool.weight(dialect)) for dialect in agents.spoken)
    for number, rows in enumerate(pool.waiting_kinds.seen_by(agents)):
        weight, start_s = weights[rows.own], rows.crowded_head_start_s if crowded else rows.head_start_s
        heads: Sequence[float] = rows.heads_of(pool.heads)
        queue.append(((min(heads) - now) * weight - start_s, number, weight, start_s, rows, heads))
    heapify(queue)
    while queue and queue[0][0] < inf:
        _, number, weight, start_s, rows, heads = queue[0]
        first = heads.index(min(heads))
        yield rows.kinds[first]
        left = [*heads[: len(rows.kinds)]]
        left[first] = inf
        heapreplace(queue, ((min(left) - now) * weight - start_s, number, weight, start_s, rows, left))


def _shut(pool: Pool, kind: CallKind, terms: Terms, wait_s: float, now: float) -> Lost | None:
    """Tell why a call may not have an agent on these terms yet, or None."""
    if wait_s < terms.opens_s:
        return Lost.NOT_YET
    since = now - wait_s
    if wait_s < terms.opens_s + terms.hold_s and pool.is_near(kind.key, since, terms.near_s, now):
        return Lost.HELD
    if wait_s < terms.gives_way_s and any(pool.is_kept(other, now) for other in terms.others):
        if wait_s < terms.gives_way_from_s:
            return Lost.RESERVED
        if pool.is_soon_served(since, terms.gives_way_s - wait_s):
            return Lost.IN_TIME
    return None


def _first(pool: Pool, call: Waiting, opened: Sequence[OpenKind]) -> AgentOption:
    """Pick out of the kinds with the lowest price who knows the caller's place, or is idle longest."""
    lowest = min([option[0] for option in opened])
    among = pool.ladders.numbers.place_among
    longest_idle = [
        (since, agent, number)
        for number, (price, agents, _, _) in enumerate(opened)
        if price <= lowest
        for since, agent in _longest_idle(pool, call, agents, among)
    ]
    longest_idle.sort()
    need = call.need
    place, since, agent, number = min(
        [
            (pool.agents[agent].place_known(need), since, agent, number)
            for since, agent, number in longest_idle[:among]
        ]
    )
    return AgentOption(lowest, place, since, agent, *opened[number][2:])


def _longest_idle(pool: Pool, call: Waiting, agents: AgentKind, among: int) -> Sequence[tuple[float, AgentId]]:
    """Give the longest idle of a kind; who is left out just now takes nobody's place."""
    if not pool.apart:
        return agents.idle[:among]
    return list(islice((each for each in agents.idle if pool.may_try(call.call_id, each[1])), among))


def _maybe_first_call(pool: Pool, kind: CallKind, agent: AgentId) -> tuple[float, CallId] | None:
    return next((each for each in kind.calls if pool.may_try(each[1], agent)), None)

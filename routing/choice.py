"""The choice: the best agent for a call, the best call for an agent. Pure; takes `now`.

*Agent for a call:* of the idle agents whom the ladder lets through, the lowest price: fit first, then scarcity (what
the agent's other dialects are worth just now) and the site; then who knows the caller's place, then who is idle
longest.

*Call for an agent:* of the waiting calls whose ladder lets the agent through, the one with the longest wait, head
starts included: those of its lane, and of the agent's own dialect.

Speakers of whom too few are idle are kept for their own callers, until another caller has waited long enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import NamedTuple

from routing.agents import Place
from routing.decision import Lost
from routing.kinds import AgentKind, CallKind, Terms
from routing.offers import Waiting
from routing.pool import Pool
from tieline.model import AgentId, CallId


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


CallOption = tuple[float, float, CallId, Terms]
"""A waiting call as an agent sees it, in order of preference: since when it counts as waiting, head starts taken off;
since when it waits; which; on which terms. A bare tuple: a hundred are made for each agent who comes free."""


@dataclass(frozen=True, slots=True)
class AgentPick:
    """The agent for a call.

    Attributes:
        chosen: He.
        open_kinds: The kinds that were open, with price, terms and scarcity.
        shut_kinds: The kinds that were not, and why.
    """

    chosen: AgentOption
    open_kinds: list[tuple[float, AgentKind, Terms, float]]
    shut_kinds: list[tuple[AgentKind, Terms, Lost]]


@dataclass(frozen=True, slots=True)
class CallPick:
    """The call for an agent.

    Attributes:
        chosen: It.
        open_calls: The first of each kind that was open, the best first.
        shut_calls: The first of each kind that was not, and why.
    """

    chosen: CallOption
    open_calls: list[CallOption]
    shut_calls: list[tuple[CallOption, Lost]]


def choose_agent(pool: Pool, call: Waiting, now: float) -> AgentPick | None:
    """Find the best idle agent for a call, whether or not it waits in the pool; None when nobody may have it."""
    kind, wait_s = pool.kind_of_call(call), now - call.since
    reserves, scarcity_price = pool.reserves(now), pool.ladders.numbers.scarcity_price
    opened: list[tuple[float, AgentKind, Terms, float]] = []
    shut: list[tuple[AgentKind, Terms, Lost]] = []
    for agents in pool.idle_kinds:
        terms = kind.terms(agents)
        if terms is None:
            continue
        if pool.apart and not any(pool.may_try(call.call_id, agent) for _, agent in agents.idle):
            shut.append((agents, terms, Lost.LEFT_OUT))
            continue
        if wait_s < terms.sure_s and (lost := _shut(pool, kind, terms, wait_s, now)):
            shut.append((agents, terms, lost))
            continue
        scarcity = 0.0
        if terms.others:
            scarcity = scarcity_price * max([reserves[other] for other in terms.others])
        opened.append((terms.price + scarcity, agents, terms, scarcity))
    return AgentPick(_first(pool, call, opened), opened, shut) if opened else None


def choose_call(pool: Pool, agent: AgentId, now: float) -> CallPick | None:
    """Find the best waiting call for an idle agent; None when he may have none of them yet."""
    agents, apart = pool.kind_of_agent(agent), pool.apart
    opened: list[CallOption] = []
    shut: list[tuple[CallOption, Lost]] = []
    for kind in pool.waiting_kinds:
        terms = kind.terms(agents)
        if terms is None:
            continue
        first = kind.calls[0] if not apart else _maybe_first_call(pool, kind, agent)
        if first is None:
            continue
        since, call_id = first
        option = (since - terms.head_start_s, since, call_id, terms)
        if now - since < terms.sure_s and (lost := _shut(pool, kind, terms, now - since, now)):
            shut.append((option, lost))
        else:
            opened.append(option)
    opened.sort()
    return CallPick(opened[0], opened, shut) if opened else None


def _shut(pool: Pool, kind: CallKind, terms: Terms, wait_s: float, now: float) -> Lost | None:
    """Tell why a call may not have an agent on these terms yet, or None."""
    if wait_s < terms.opens_s:
        return Lost.NOT_YET
    if wait_s < terms.opens_s + terms.hold_s and pool.is_near(kind.key.dialect, terms.near_s):
        return Lost.HELD
    if wait_s < terms.gives_way_s and any(pool.is_kept(other, now) for other in terms.others):
        return Lost.RESERVED
    return None


def _first(pool: Pool, call: Waiting, opened: Sequence[tuple[float, AgentKind, Terms, float]]) -> AgentOption:
    """Pick out of the kinds with the lowest price who knows the caller's place, or is idle longest."""
    lowest = min([option[0] for option in opened])
    among = pool.ladders.numbers.place_among
    longest_idle = nsmallest(
        among,
        [
            (since, agent, number)
            for number, (price, agents, _, _) in enumerate(opened)
            if price <= lowest
            for since, agent in agents.idle[:among]
            if not pool.apart or pool.may_try(call.call_id, agent)
        ],
    )
    need = call.need
    return min(
        [
            AgentOption(lowest, pool.agents[agent].place_known(need), since, agent, *opened[number][2:])
            for since, agent, number in longest_idle
        ]
    )


def _maybe_first_call(pool: Pool, kind: CallKind, agent: AgentId) -> tuple[float, CallId] | None:
    return next((each for each in kind.calls if pool.may_try(each[1], agent)), None)

"""From a choice to the decision that is kept: the chosen, the best few others and why each lost. Pure."""

from collections.abc import Iterator
from itertools import islice
from operator import itemgetter
from typing import Final

from routing.agents import Place
from routing.choice import OTHERS, AgentOption, AgentPick, CallOption, CallPick
from routing.decision import Cause, Decision, Fit, Lost, OtherAgent, OtherCall
from routing.kinds import Terms
from routing.offers import Waiting
from routing.pool import Pool
from tieline.model import MANDARIN, AgentId

_PLACES: Final = {Place.COUNTY: "county", Place.CITY: "city", Place.NEITHER: ""}


def agent_chosen(pool: Pool, call: Waiting, pick: AgentPick, *, cause: Cause, fence: int, now: float) -> Decision:
    """Say why an agent was chosen for a call."""
    chosen = pick.chosen
    fit = _fit(pool, call, chosen, now)
    others = tuple(islice(_other_agents(pool, call, pick, now), OTHERS))
    return _decision(pool, call, chosen.agent, chosen.terms, fit, cause, fence, now, other_agents=others)


def call_chosen(pool: Pool, call: Waiting, agent: AgentId, pick: CallPick, *, fence: int, now: float) -> Decision:
    """Say why a call was chosen for an agent."""
    terms = pick.chosen.terms
    place = pool.agents[agent].place_known(call.need)
    fit = _fit(pool, call, AgentOption(terms.price, place, pool.idle[agent], agent, terms, 0.0), now)
    others = tuple(_other_call(pool, option, pick.chosen, now) for option in pick.others)
    return _decision(pool, call, agent, terms, fit, Cause.AGENT, fence, now, other_calls=others)


def _decision(
    pool: Pool,
    call: Waiting,
    agent: AgentId,
    terms: Terms,
    fit: Fit,
    cause: Cause,
    fence: int,
    now: float,
    *,
    other_agents: tuple[OtherAgent, ...] = (),
    other_calls: tuple[OtherCall, ...] = (),
) -> Decision:
    need = call.need
    ladder = pool.ladders.of(need.business, need.dialect)
    return Decision(
        at=now,
        cause=cause,
        call_id=call.call_id,
        agent=agent,
        fence=fence,
        version=pool.ladders.version,
        ladder=ladder.id,
        step=terms.step,
        open_s=terms.opens_s,
        accept=ladder.steps[terms.step].accept,
        dialect=need.dialect,
        business=need.business,
        lane=need.lane,
        wait_s=now - call.since,
        fit=fit,
        other_agents=other_agents,
        other_calls=other_calls,
    )


def _fit(pool: Pool, call: Waiting, option: AgentOption, now: float) -> Fit:
    agent = pool.agents[option.agent]
    return Fit(
        dialect=agent.dialects.get(call.need.dialect, ""),
        business=agent.business.get(call.need.business, ""),
        crosses=agent.site != call.site,
        place=_PLACES[option.place],
        price=option.price,
        scarcity=option.scarcity,
        idle_s=now - option.idle_since,
    )


# Other agents ------------------------------------------------------------------------------------------------


def _other_agents(pool: Pool, call: Waiting, pick: AgentPick, now: float) -> Iterator[OtherAgent]:
    """Give those who were open, best first, then those who were not."""
    options = [
        AgentOption(price, pool.agents[agent].place_known(call.need), since, agent, terms, scarcity)
        for price, agents, terms, scarcity in sorted(pick.open_kinds, key=itemgetter(0))[: OTHERS + 1]
        for since, agent in agents.idle[: 2 if terms is pick.chosen.terms else 1]
        if agent != pick.chosen.agent
    ]
    for option in sorted(options):
        yield OtherAgent(option.agent, _fit(pool, call, option, now), _why_not(option, pick.chosen))
    for agents, terms, lost in pick.shut_kinds:
        since, agent = agents.idle[0]
        option = AgentOption(terms.price, pool.agents[agent].place_known(call.need), since, agent, terms, 0.0)
        yield OtherAgent(agent, _fit(pool, call, option, now), lost)


def _why_not(other: AgentOption, chosen: AgentOption) -> Lost:
    """Name the first difference, in the order in which the parts of a price weigh."""
    if other.terms.fit_price > chosen.terms.fit_price:
        return Lost.FIT
    if other.price > chosen.price:
        return Lost.SCARCITY if other.scarcity > chosen.scarcity else Lost.SITE
    return Lost.PLACE if other.place > chosen.place else Lost.IDLE


# Other calls -------------------------------------------------------------------------------------------------


def _other_call(pool: Pool, other: CallOption, chosen: CallOption, now: float) -> OtherCall:
    need = pool.calls[other.call_id].need
    lost = other.lost or _why_not_call(pool, other, chosen)
    return OtherCall(other.call_id, need.dialect, need.lane, now - other.since, lost)


def _why_not_call(pool: Pool, other: CallOption, chosen: CallOption) -> Lost:
    if other.since > chosen.since:
        return Lost.WAIT
    lanes = pool.ladders.lanes
    other_need, need = pool.calls[other.call_id].need, pool.calls[chosen.call_id].need
    if lanes[other_need.lane].head_start_s < lanes[need.lane].head_start_s:
        return Lost.LANE
    return Lost.DIALECT if {other_need.dialect, need.dialect} != {MANDARIN} else Lost.SITE

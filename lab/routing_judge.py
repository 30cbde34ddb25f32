"""What the routing of many calls must show, judged from what the sites' buses were told. Pure.

Rings are seen by Asterisk (its AMI events), offers and ends as the matchers told them; nothing is taken from a
matcher's own memory.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from lab.books import Difference
from routing.agents import Agent
from routing.ladders import ACCEPTED, Accept
from routing.why import CallDecisions, Offered
from tieline import bus
from tieline.model import AgentId, Business, CallId, DialectId, Lane, SiteId

RINGS_FOR_NOBODY_S: Final = 0.5
SETTLES_S: Final = 0.6
"""An older call that is offered so soon after a younger one was on its way already: to the other site's agent."""

_LEGS: Final = (bus.AgentRinging, bus.AgentAnswered, bus.AgentLegGone)

Told = Mapping[SiteId, Sequence[bus.Event]]
"""What each site's bus was told, in its order."""


@dataclass(frozen=True, slots=True)
class Ring:
    """An agent's leg of a call, from its first ring to its end; Unix seconds.

    Attributes:
        answered_at: 0 for never.
        until: 0 when nobody told of the end.
    """

    call_id: str
    agent: str
    since: float
    answered_at: float = 0.0
    until: float = 0.0


def rings_of(told: Told, agents: Mapping[AgentId, Agent]) -> list[Ring]:
    """Put the agents' legs together, each in the order of the bus of the agent's site.

    The call's site tells of a leg, too, when it is its end of the tie line. What a bridge told again, since Redis did
    not answer in time, counts once.
    """
    rings: list[Ring] = []
    for site, events in told.items():
        own = {agent.id for agent in agents.values() if agent.site == site}
        open_: dict[tuple[str, str], Ring] = {}
        for event in dict.fromkeys(events):
            if isinstance(event, _LEGS) and event.agent not in own:
                continue
            match event:
                case bus.AgentRinging(call_id=call_id, agent=agent, at=at):
                    open_[call_id, agent] = Ring(call_id, agent, at)
                case bus.AgentAnswered(call_id=call_id, agent=agent, at=at):
                    ring = open_.get((call_id, agent), Ring(call_id, agent, at))
                    open_[call_id, agent] = Ring(call_id, agent, ring.since, at)
                case bus.AgentLegGone(call_id=call_id, agent=agent, at=at) if (call_id, agent) in open_:
                    ring = open_.pop((call_id, agent))
                    rings.append(Ring(call_id, agent, ring.since, ring.answered_at, at))
                case _:
                    continue
        rings += open_.values()
    return sorted(rings, key=lambda ring: ring.since)


def rung_twice(rings: Iterable[Ring]) -> Iterator[Difference]:
    """Name agents and calls that had two legs at once."""
    of_agent, of_call = defaultdict(list), defaultdict(list)
    for ring in rings:
        of_agent[ring.agent].append(ring)
        of_call[ring.call_id].append(ring)
    for name, own in (*of_agent.items(), *of_call.items()):
        for first, second in pairwise(own):
            if not first.until:
                yield Difference(name, f"the leg of {first.agent} and {first.call_id} has no end")
            elif second.since < first.until:
                legs = f"{first.agent} of {first.call_id} and {second.agent} of {second.call_id}"
                yield Difference(name, f"two legs at once: {legs}, for {first.until - second.since:.3f} s")


def ringing_for_nobody(rings: Iterable[Ring], left_at: Mapping[str, float]) -> dict[str, float]:
    """Give by call how long a phone rang for a caller who had hung up, seconds; only where it did."""
    found: dict[str, float] = {}
    for ring in rings:
        if ring.answered_at or not ring.until or ring.call_id not in left_at:
            continue
        for_nobody_s = ring.until - max(ring.since, left_at[ring.call_id])
        if for_nobody_s > 0:
            found[ring.call_id] = max(for_nobody_s, found.get(ring.call_id, 0.0))
    return found


def offered_twice(told: Told) -> Iterator[Difference]:
    """Name calls and agents that a site offered while another offer of them was open."""
    for site, events in told.items():
        agent_of: dict[str, str] = {}
        call_of: dict[str, str] = {}
        for event in events:
            match event:
                case bus.OfferMade(call_id=call_id, agent=agent):
                    if call_id in agent_of:
                        yield Difference(call_id, f"{site} offered {agent}, {agent_of[call_id]} was offered already")
                    if agent in call_of:
                        yield Difference(agent, f"{site} offered {call_id}, {call_of[agent]} was offered already")
                    agent_of[call_id], call_of[agent] = agent, call_id
                case (
                    bus.OfferWithdrawn(call_id=call_id)
                    | bus.OfferFailed(call_id=call_id)
                    | bus.CallGone(call_id=call_id)
                    | bus.AgentLegGone(call_id=call_id)
                ):
                    call_of.pop(agent_of.pop(call_id, ""), None)
                case _:
                    continue


def out_of_order(told: Told) -> Iterator[Difference]:
    """Name calls that were passed over by one that asked for the same, and was younger or of a lower lane.

    Who came first is what the site's bus says, since that is what its matcher knew. No drill is as long as the head
    start of a lane, so within one a lower lane never goes before a higher one.
    """
    offered_at = _offers(told)
    for site, events in told.items():
        waiting: dict[str, bus.CallWaiting] = {}
        for event in events:
            match event:
                case bus.CallWaiting(call_id=call_id):
                    waiting[call_id] = event
                case (
                    bus.CallGone(call_id=call_id)
                    | bus.CallJournalled(call_id=call_id)
                    | bus.OfferTaken(call_id=call_id)
                ):
                    waiting.pop(call_id, None)
                case bus.OfferMade(call_id=call_id, at=at) if call_id in waiting:
                    for other in _passed_over(waiting, call_id):
                        if not any(abs(when - at) <= SETTLES_S for when in offered_at.get(other, ())):
                            yield Difference(
                                other,
                                f"{site}: passed over by {call_id}, younger or of a lower lane, and asking the same",
                            )
                    del waiting[call_id]
                case _:
                    continue


def _passed_over(waiting: Mapping[str, bus.CallWaiting], chosen: str) -> Iterator[str]:
    """Yield the calls that were told before the chosen one, asked for the same, and had to go before it."""
    asked, place = _asked(waiting[chosen]), _place(waiting[chosen])
    for call_id, call in waiting.items():
        if call_id == chosen:
            return
        if _asked(call) == asked and _place(call) < place:
            yield call_id


def _asked(call: bus.CallWaiting) -> tuple[object, ...]:
    return call.city, call.dialect, call.business, call.only_dialect


def _place(call: bus.CallWaiting) -> tuple[int, float]:
    return list(Lane).index(Lane(call.lane)), call.since


def _offers(told: Told) -> dict[str, list[float]]:
    offered_at: dict[str, list[float]] = defaultdict(list)
    for events in told.values():
        for event in events:
            if isinstance(event, bus.OfferMade):
                offered_at[event.call_id].append(event.at)
    return offered_at


def unjustified(
    rings: Iterable[Ring], decisions: Mapping[CallId, CallDecisions], agents: Mapping[AgentId, Agent]
) -> Iterator[Difference]:
    """Name talks whose agent no decision explains, or whose decision does not agree with who he is."""
    for ring in rings:
        if not ring.answered_at:
            continue
        kept = decisions.get(CallId(ring.call_id))
        offers = [one for one in kept.decisions if isinstance(one, Offered)] if kept else []
        offers = [one for one in offers if one.decision.agent == ring.agent and one.at <= ring.answered_at]
        if not offers:
            yield Difference(ring.call_id, f"nothing explains {ring.agent}")
            continue
        if what := _maybe_wrong(offers[-1], agents[AgentId(ring.agent)]):
            yield Difference(ring.call_id, f"{ring.agent}: {what}")


def _maybe_wrong(offer: Offered, agent: Agent) -> str | None:
    decision = offer.decision
    level = agent.dialects.get(DialectId(decision.dialect))
    if not agent.trained_for(Business(decision.business)):
        return f"not trained for {decision.business}"
    accepted = list(Accept)
    if accepted.index(ACCEPTED[level]) > accepted.index(Accept(decision.accept)):
        return f"speaks {decision.dialect} as {level}, the step wants {decision.accept}"
    if (level or "") != decision.fit.dialect:
        return f"explained with {decision.fit.dialect!r}, speaks {decision.dialect} as {level}"
    if decision.wait_s < decision.open_s:
        return f"its step opens after {decision.open_s} s, the call had waited {decision.wait_s} s"
    return None

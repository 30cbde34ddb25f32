"""The matcher: one pool of waiting calls, agents with skills, one offer per agent and per call. Pure; takes `now`.

It knows the calls and the agents of several sites, and offers those of its own sites (`own`). The owner of the agent
makes the offer; the owner of the call takes it up or declines it. So an agent is never offered twice and a call never
reserved twice, whatever the two sites believe of each other.

Each method takes one event and returns what must be done about it. Events may come late, twice or out of order:
what does not fit the present state changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final

from routing.agents import Agent
from routing.decision import Cause, Decision, Fit
from routing.ladders import ACCEPTED, Accept, LadderSet
from routing.offers import (
    DeclineOffer,
    Effect,
    MakeOffer,
    Offer,
    SeatChanged,
    TakeUpOffer,
    Waiting,
    WithdrawOffer,
)
from routing.seat_facts import (
    Answered,
    CallOver,
    Fact,
    LegGone,
    Offered,
    OfferOver,
    OwnCall,
    PhoneAt,
    PhoneIdle,
    Rung,
)
from routing.seats import EMPTY, Seat, SeatRules, after
from routing.wishes import Asked
from tieline.model import MANDARIN, AgentId, AgentState, CallId, NodeId, SiteId

REMEMBER_GONE_S: Final = 60.0
_ANY_NODE: Final = NodeId("")
_UP_TO: Final = {accept: tuple(Accept)[: number + 1] for number, accept in enumerate(Accept)}


@dataclass(frozen=True, slots=True)
class Rules(SeatRules):
    """The matcher's times, all in seconds, besides those of the agents' seats.

    Attributes:
        lease_s: How long an offer may lie in the mailbox before it is withdrawn.
        ring_s: How long a phone rings; with `lease_s` on top the offer counts as failed even if nobody says so.
    """

    lease_s: float = 5.0
    ring_s: float = 20.0


@dataclass(slots=True)
class Matcher:
    """State of one pool.

    Attributes:
        agents: Of all sites.
        own: Sites whose agents it offers and whose calls it answers for.
        next_fence: Fence of the next offer.
        waiting: Own calls in the pool.
        seats: States of own agents.
        offers: Those of own agents, whosever call, and those that own calls have of the other site's agents.
        peer_waiting: The other site's calls, as far as known.
        peer_seats: States of the other site's agents, as far as known.
        gone: Calls that ended within the last `REMEMBER_GONE_S`: the news of an end and of an arrival come from
            different processes and may change places, and a dead call must not enter the pool.
    """

    agents: Mapping[AgentId, Agent]
    rules: Rules
    ladders: LadderSet
    own: frozenset[SiteId]
    next_fence: int = 1
    waiting: dict[CallId, Waiting] = field(default_factory=dict)
    seats: dict[AgentId, Seat] = field(default_factory=dict)
    offers: dict[CallId, Offer] = field(default_factory=dict)
    peer_waiting: dict[CallId, Waiting] = field(default_factory=dict)
    peer_seats: dict[AgentId, Seat] = field(default_factory=dict)
    gone: dict[CallId, float] = field(default_factory=dict)

    def restore(self, waiting: Iterable[Waiting], seats: Mapping[AgentId, Seat], offers: Iterable[Offer]) -> None:
        """Take over the state that a matcher before this one left, into an empty one; `tick` goes on from there."""
        self.waiting.update((call.call_id, call) for call in waiting)
        self.seats.update((agent, seat) for agent, seat in seats.items() if agent in self.agents)
        self.offers.update((offer.call.call_id, offer) for offer in offers)

    def use(self, ladders: LadderSet, now: float) -> list[Effect]:
        """Go by other ladders from now on."""
        self.ladders = ladders
        return self._match(now)

    # Calls ---------------------------------------------------------------------------------------------------

    def call_waiting(self, call: Waiting, now: float) -> list[Effect]:
        """A call entered the pool, or came back after no answer; the other site's calls are known the same way."""
        if call.call_id in self.offers or call.call_id in self.gone:
            return []
        pool = self._pool(call)
        if call.call_id in pool:
            return []
        pool[call.call_id] = call
        return self._match(now)

    def call_gone(self, call_id: CallId, now: float, at: float | None = None) -> list[Effect]:
        """The caller hung up, or the safety net took the call; `at` is when, as in all that follow."""
        self.gone[call_id] = now
        self.waiting.pop(call_id, None)
        self.peer_waiting.pop(call_id, None)
        offer = self.offers.pop(call_id, None)
        if offer is None:
            return []
        effects: list[Effect] = [] if offer.lease_until == 0 else [WithdrawOffer(offer, "gone")]
        effects += self._release(offer, now, CallOver(call_id, now if at is None else at))
        return effects + self._match(now)

    # Offers --------------------------------------------------------------------------------------------------

    def taken(self, call_id: CallId, agent: AgentId, fence: int, now: float) -> list[Effect]:
        """The hold loop took an offer: from now on the agent's phone is dialled."""
        offer = self._offer_of(call_id, agent, fence)
        if offer is None or offer.taken:
            return []
        limit = now + self.rules.ring_s + self.rules.lease_s
        self.offers[call_id] = replace(offer, taken=True, lease_until=limit)
        return []

    def rung(self, call_id: CallId, agent: AgentId, now: float, at: float | None = None) -> list[Effect]:
        """The agent's phone rings: for our offer, or because the safety net dials him."""
        return self._news(agent, now, Rung(call_id, now if at is None else at))

    def answered(self, call_id: CallId, agent: AgentId, now: float, at: float | None = None) -> list[Effect]:
        """The agent took the call. True whatever we believed: a late word from the mailbox is a talk, too."""
        offer = self.offers.pop(call_id, None)
        effects: list[Effect] = []
        if offer is not None and offer.agent != agent:
            effects += [WithdrawOffer(offer, "gone"), *self._release(offer, now)]
        self.waiting.pop(call_id, None)
        self.peer_waiting.pop(call_id, None)
        if agent not in self.agents:
            return effects + self._match(now)
        if self._is_ours(agent):
            effects += self._seat(agent, now, Answered(call_id, now if at is None else at))
        if offer is not None and offer.agent == agent:
            if self._is_ours(agent) and self.seats[agent].state is not AgentState.TALKING:
                effects += self._release(offer, now)  # the end was told before the beginning
            else:
                self.offers[call_id] = replace(offer, taken=True, lease_until=0.0)
        return effects + self._match(now)

    def failed(self, call_id: CallId, agent: AgentId, fence: int, now: float) -> list[Effect]:
        """The agent did not answer: he pauses, and the call will be told as waiting again."""
        offer = self._offer_of(call_id, agent, fence)
        if offer is None:
            return []
        return self._fail(offer, now) + self._match(now)

    def foreign_offer(
        self, call_id: CallId, agent: AgentId, fence: int, lease_until: float, now: float
    ) -> list[Effect]:
        """The other site offers an agent of its own: to a call of ours, or to one of its own, which we only note."""
        call = self.waiting.get(call_id)
        if call is None:
            if self.peer_waiting.pop(call_id, None):
                return []
            return [DeclineOffer(call_id, agent, fence, "offered" if call_id in self.offers else "gone")]
        if lease_until <= now:
            return [DeclineOffer(call_id, agent, fence, "late")]
        del self.waiting[call_id]
        self.offers[call_id] = Offer(call, agent, fence, lease_until)
        return [TakeUpOffer(self.offers[call_id])]

    def declined(self, call_id: CallId, agent: AgentId, fence: int, now: float) -> list[Effect]:
        """The other site does not want our agent for its call: he is free again, as long idle as before."""
        offer = self._offer_of(call_id, agent, fence)
        if offer is None or offer.taken or not self._is_ours(agent):
            return []
        del self.offers[call_id]
        return [WithdrawOffer(offer, "declined"), *self._release(offer, now), *self._match(now)]

    # Agents --------------------------------------------------------------------------------------------------

    def phone_seen(
        self, agent: AgentId, *, reachable: bool, now: float, node: NodeId = _ANY_NODE, at: float | None = None
    ) -> list[Effect]:
        """A node reaches an agent's phone, or does so no longer."""
        return self._news(agent, now, PhoneAt(node, reachable, now if at is None else at))

    def phone_idle(self, agent: AgentId, now: float, at: float | None = None) -> list[Effect]:
        """A list of channels shows that an agent's phone is in no call; offers that are only reserved stand."""
        known = self.seats.get(agent, EMPTY)
        effects = self._news(agent, now, PhoneIdle(now if at is None else at))
        if known.state is AgentState.TALKING:
            effects = self._talk_over(agent, CallId(known.reason), now) + effects
        return effects

    def own_call(self, agent: AgentId, *, busy: bool, now: float, at: float | None = None) -> list[Effect]:
        """An agent dials himself, or has ended that call."""
        return self._news(agent, now, OwnCall(busy, now if at is None else at))

    def asked(self, agent: AgentId, wish: Asked, now: float) -> list[Effect]:
        """Somebody wants an agent in another state."""
        return self._news(agent, now, wish)

    def agent_free(
        self, agent: AgentId, now: float, call_id: CallId | None = None, at: float | None = None
    ) -> list[Effect]:
        """The agent's leg ended: wrap-up after a talk, nothing otherwise (`failed` or the caller decides)."""
        seat = self.seats.get(agent, EMPTY)
        over = call_id or CallId(seat.reason)
        if not self._is_ours(agent) or (call_id is None and seat.state is not AgentState.TALKING):
            return []
        effects = self._seat(agent, now, LegGone(over, now if at is None else at))
        return effects + self._talk_over(agent, over, now) + self._match(now)

    # The other site ------------------------------------------------------------------------------------------

    def peer_view(
        self, site: SiteId, seats: Mapping[AgentId, Seat], waiting: Iterable[Waiting], now: float
    ) -> list[Effect]:
        """Take the whole picture of another site in place of what was known of it; an empty one drops it."""
        self.peer_waiting = {call_id: call for call_id, call in self.peer_waiting.items() if call.site != site}
        self.peer_waiting.update(
            (call.call_id, call) for call in waiting if call.call_id not in self.offers.keys() | self.gone.keys()
        )
        others = {agent: seat for agent, seat in self.peer_seats.items() if self.agents[agent].site != site}
        self.peer_seats = others | {agent: seat for agent, seat in seats.items() if agent in self.agents}
        return self._match(now)

    def peer_seat(self, agent: AgentId, seat: Seat, now: float) -> list[Effect]:
        """The other site told the state of an agent of its own."""
        if agent in self.agents and not self._is_ours(agent):
            self.peer_seats[agent] = seat
        return self._match(now)

    # Time ----------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> list[Effect]:
        """Do what is due: leases that ran out, pauses that end, steps that open."""
        effects: list[Effect] = []
        for call_id in [call_id for call_id, at in self.gone.items() if at < now - REMEMBER_GONE_S]:
            del self.gone[call_id]
        for offer in [offer for offer in self.offers.values() if 0 < offer.lease_until <= now]:
            if offer.taken:
                effects += self._fail(offer, now)
            else:
                del self.offers[offer.call.call_id]
                self._pool(offer.call)[offer.call.call_id] = offer.call
                effects += [WithdrawOffer(offer, "lease"), *self._release(offer, now)]
        for agent in [agent for agent, seat in self.seats.items() if 0 < seat.until <= now]:
            effects += self._seat(agent, now)
        return effects + self._match(now)

    def next_deadline(self, now: float) -> float | None:
        """Give the Unix time at which `tick` next has something to do, or None."""
        times = [offer.lease_until for offer in self.offers.values() if offer.lease_until > 0]
        times += [seat.until for seat in self.seats.values() if seat.until > 0]
        opens = (
            call.since + step.after_s for call in self._all_waiting() for step in self.ladders.of(call.need).steps
        )
        times += [at for at in opens if at > now]
        return min(times, default=None)

    # Matching ------------------------------------------------------------------------------------------------

    def _match(self, now: float) -> list[Effect]:
        """Give free agents to waiting calls, longest wait first."""
        effects: list[Effect] = []
        free = [agent for agent, seat in self.seats.items() if seat.state is AgentState.READY]
        for call in sorted(self._all_waiting(), key=lambda call: (call.since, call.call_id)) if free else ():
            agent = self._best_agent(call, free, now)
            if agent is None:
                continue
            free.remove(agent)
            effects += self._offer(call, agent, now)
            if not free:
                break
        return effects

    def _best_agent(self, call: Waiting, free: Iterable[AgentId], now: float) -> AgentId | None:
        """Pick the longest idle agent who fits now; a speaker of the dialect goes before one who is not."""
        fitting = [agent for agent in free if self._step(call, self.agents[agent], now) is not None]
        dialect = call.need.dialect
        return min(
            fitting,
            key=lambda agent: (not self.agents[agent].speaks(dialect), self.seats[agent].idle_since, agent),
            default=None,
        )

    def _step(self, call: Waiting, agent: Agent, now: float) -> int | None:
        """Find the first open step of the call's ladder that accepts the agent."""
        if not agent.trained_for(call.need.business):
            return None
        level = ACCEPTED[agent.dialects.get(call.need.dialect)]
        if level is Accept.MANDARIN and not agent.speaks(MANDARIN):
            return None
        for number, step in enumerate(self.ladders.of(call.need).steps):
            if now - call.since >= step.after_s and level in _UP_TO[step.accept]:
                return number
        return None

    def _offer(self, call: Waiting, agent: AgentId, now: float) -> list[Effect]:
        decision = self._decision(call, agent, now)
        offer = Offer(call, agent, self.next_fence, now + self.rules.lease_s)
        self.next_fence += 1
        del self._pool(call)[call.call_id]
        self.offers[call.call_id] = offer
        return [*self._seat(agent, now, Offered(call.call_id, offer.fence)), MakeOffer(offer, decision)]

    def _decision(self, call: Waiting, agent: AgentId, now: float) -> Decision:
        ladder = self.ladders.of(call.need)
        number = self._step(call, self.agents[agent], now) or 0
        skills = self.agents[agent]
        fit = Fit(
            dialect=skills.dialects.get(call.need.dialect, ""),
            business=skills.business.get(call.need.business, ""),
            crosses=skills.site != call.site,
            place="",
            price=0.0,
            scarcity=0.0,
            idle_s=now - self.seats[agent].idle_since,
        )
        return Decision(
            at=now,
            cause=Cause.CALL,
            call_id=call.call_id,
            agent=agent,
            fence=self.next_fence,
            version=self.ladders.version,
            ladder=ladder.id,
            step=number,
            open_s=ladder.steps[number].after_s,
            accept=ladder.steps[number].accept,
            dialect=call.need.dialect,
            business=call.need.business,
            lane=call.need.lane,
            wait_s=now - call.since,
            fit=fit,
        )

    # Small parts ---------------------------------------------------------------------------------------------

    def _is_ours(self, agent: AgentId) -> bool:
        known = self.agents.get(agent)
        return known is not None and known.site in self.own

    def _pool(self, call: Waiting) -> dict[CallId, Waiting]:
        return self.waiting if call.site in self.own else self.peer_waiting

    def _all_waiting(self) -> Iterator[Waiting]:
        return chain(self.waiting.values(), self.peer_waiting.values())

    def _offer_of(self, call_id: CallId, agent: AgentId, fence: int) -> Offer | None:
        offer = self.offers.get(call_id)
        return offer if offer and (offer.agent, offer.fence) == (agent, fence) else None

    # Seats ---------------------------------------------------------------------------------------------------

    def _fail(self, offer: Offer, now: float) -> list[Effect]:
        del self.offers[offer.call.call_id]
        return [WithdrawOffer(offer, "failed"), *self._release(offer, now, missed_at=now)]

    def _talk_over(self, agent: AgentId, call_id: CallId, now: float) -> list[Effect]:
        """Forget the offer that led to a talk which is over."""
        offer = self.offers.get(call_id)
        if offer is None or offer.agent != agent or offer.lease_until > 0:
            return []
        del self.offers[call_id]
        return self._release(offer, now)

    def _release(self, offer: Offer, now: float, *facts: Fact, missed_at: float = 0.0) -> list[Effect]:
        """Give the agent of an offer back, when he is ours; he pauses when he did not answer."""
        if not self._is_ours(offer.agent):
            return []
        return self._seat(offer.agent, now, *facts, OfferOver(offer.call.call_id, offer.fence, missed_at))

    def _news(self, agent: AgentId, now: float, fact: Fact) -> list[Effect]:
        """Take a fact about an agent of ours; it may make him ready."""
        return self._seat(agent, now, fact) + self._match(now) if self._is_ours(agent) else []

    def _seat(self, agent: AgentId, now: float, *facts: Fact) -> list[Effect]:
        before = self.seats.get(agent, EMPTY)
        seat = self.seats[agent] = after(before, now, self.rules, *facts)
        return [] if seat == before else [SeatChanged(agent, seat, news=seat.shown != before.shown)]

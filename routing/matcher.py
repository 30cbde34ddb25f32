"""The matcher: one pool of waiting calls, agents with skills, one offer per agent and per call. Pure; takes `now`.

This is the foundation: longest wait first, longest idle agent among those who fit, Mandarin after
`Rules.relax_s`. Ladders, lanes, scarcity and crossing sites replace `Matcher._fits` and `Matcher._best_agent`; the
states and the effects stay.

Each method takes one event and returns what must be done about it. Events may come late, twice or out of order:
what does not fit the present state changes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from routing.agents import Agent
from tieline.model import MANDARIN, AgentId, AgentState, CallId, Need, NodeId

REMEMBER_GONE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Rules:
    """The matcher's times, all in seconds.

    Attributes:
        relax_s: After this wait an agent of the business who lacks the dialect may answer in Mandarin.
        lease_s: How long an offer may lie in the mailbox before it is withdrawn.
        ring_s: How long a phone rings; with `lease_s` on top the offer counts as failed even if nobody says so.
        wrap_up_s: Pause after a talk.
        pause_s: Pause of an agent who did not answer.
    """

    relax_s: float = 15.0
    lease_s: float = 5.0
    ring_s: float = 20.0
    wrap_up_s: float = 10.0
    pause_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call in the pool. `since` is its first arrival there and never changes."""

    call_id: CallId
    node: NodeId
    channel: str
    need: Need
    since: float


@dataclass(frozen=True, slots=True)
class Offer:
    """One call reserved for one agent.

    Attributes:
        fence: Grows with every offer of the site; an answer that names an older one is void.
        lease_until: Unix seconds; withdrawn then unless taken.
        taken: The hold loop took it: the phone rings or the two talk.
    """

    call: Waiting
    agent: AgentId
    fence: int
    lease_until: float
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Seat:
    """An agent's present state.

    Attributes:
        until: When `WRAP_UP` or `NOT_READY` ends by itself, 0 for never.
        idle_since: When the agent became ready.
    """

    state: AgentState = AgentState.OFFLINE
    until: float = 0.0
    idle_since: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MakeOffer:
    """Put the offer into the channel's mailbox."""

    offer: Offer


@dataclass(frozen=True, slots=True)
class WithdrawOffer:
    """The offer is void; `why` is `lease`, `gone` or `failed`."""

    offer: Offer
    why: str


@dataclass(frozen=True, slots=True)
class SeatChanged:
    """Tell the world about an agent's state."""

    agent: AgentId
    seat: Seat


Effect = MakeOffer | WithdrawOffer | SeatChanged


@dataclass(slots=True)
class Matcher:
    """State of one site's pool.

    Attributes:
        next_fence: Fence of the next offer.
        gone: Calls that ended within the last `REMEMBER_GONE_S`: the news of an end and of an arrival come from
            different processes and may change places, and a dead call must not enter the pool.
    """

    agents: Mapping[AgentId, Agent]
    rules: Rules
    next_fence: int
    waiting: dict[CallId, Waiting] = field(default_factory=dict)
    seats: dict[AgentId, Seat] = field(default_factory=dict)
    offers: dict[CallId, Offer] = field(default_factory=dict)
    gone: dict[CallId, float] = field(default_factory=dict)

    # Calls ---------------------------------------------------------------------------------------------------

    def call_waiting(self, call: Waiting, now: float) -> list[Effect]:
        """A call entered the pool, or came back after no answer."""
        if call.call_id in self.waiting or call.call_id in self.offers or call.call_id in self.gone:
            return []
        self.waiting[call.call_id] = call
        return self._match(now)

    def call_gone(self, call_id: CallId, now: float) -> list[Effect]:
        """The caller hung up, or the safety net took the call."""
        self.gone[call_id] = now
        self.waiting.pop(call_id, None)
        offer = self.offers.pop(call_id, None)
        if offer is None:
            return []
        talking = self.seats[offer.agent].state is AgentState.TALKING
        effects: list[Effect] = [] if talking else [WithdrawOffer(offer, "gone")]
        effects += self._wrap_up(offer.agent, now) if talking else self._free(offer.agent, now)
        return effects + self._match(now)

    # Offers --------------------------------------------------------------------------------------------------

    def taken(self, call_id: CallId, agent: AgentId, fence: int, now: float) -> list[Effect]:
        """The hold loop took an offer: from now on the agent's phone is dialled."""
        offer = self.offers.get(call_id)
        if offer is None or offer.fence != fence or offer.agent != agent or offer.taken:
            return []
        limit = now + self.rules.ring_s + self.rules.lease_s
        self.offers[call_id] = replace(offer, taken=True, lease_until=limit)
        return []

    def answered(self, call_id: CallId, agent: AgentId, now: float) -> list[Effect]:
        """The agent took the call. True whatever we believed: a late word from the mailbox is a talk, too."""
        offer = self.offers.get(call_id)
        effects: list[Effect] = []
        if offer is not None and offer.agent != agent:
            del self.offers[call_id]
            effects += [WithdrawOffer(offer, "gone"), *self._free(offer.agent, now)]
        self.waiting.pop(call_id, None)
        if agent not in self.agents:
            return effects + self._match(now)
        if offer is not None and offer.agent == agent:
            self.offers[call_id] = replace(offer, taken=True, lease_until=0.0)
        effects += self._seat(agent, Seat(AgentState.TALKING, reason=call_id))
        return effects + self._match(now)

    def failed(self, call_id: CallId, agent: AgentId, fence: int, now: float) -> list[Effect]:
        """The agent did not answer: he pauses, and the call will be told as waiting again."""
        offer = self.offers.get(call_id)
        if offer is None or offer.fence != fence or offer.agent != agent:
            return []
        return self._fail(offer, now) + self._match(now)

    # Agents --------------------------------------------------------------------------------------------------

    def phone_seen(self, agent: AgentId, *, reachable: bool, now: float) -> list[Effect]:
        """An agent's phone came or went. Until the desks exist a registered phone means a ready agent."""
        if agent not in self.agents:
            return []
        state = self.seats.get(agent, Seat()).state
        if reachable and state is AgentState.OFFLINE:
            return self._free(agent, now) + self._match(now)
        if not reachable and state in (AgentState.READY, AgentState.WRAP_UP, AgentState.NOT_READY):
            return self._seat(agent, Seat(AgentState.OFFLINE, reason="phone gone"))
        return []

    def agent_free(self, agent: AgentId, now: float) -> list[Effect]:
        """The agent's leg ended: wrap-up after a talk, nothing otherwise (`failed` or the caller decides)."""
        seat = self.seats.get(agent)
        if seat is None or seat.state is not AgentState.TALKING:
            return []
        for call_id in [call_id for call_id, offer in self.offers.items() if offer.agent == agent]:
            del self.offers[call_id]
        return self._wrap_up(agent, now) + self._match(now)

    # Time ----------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> list[Effect]:
        """Do what is due: leases that ran out, pauses that end, callers who may now be answered in Mandarin."""
        effects: list[Effect] = []
        for call_id in [call_id for call_id, at in self.gone.items() if at < now - REMEMBER_GONE_S]:
            del self.gone[call_id]
        for offer in [offer for offer in self.offers.values() if 0 < offer.lease_until <= now]:
            if offer.taken:
                effects += self._fail(offer, now)
            else:
                del self.offers[offer.call.call_id]
                self.waiting[offer.call.call_id] = offer.call
                effects += [WithdrawOffer(offer, "lease"), *self._free(offer.agent, now)]
        for agent in [agent for agent, seat in self.seats.items() if 0 < seat.until <= now]:
            effects += self._free(agent, now)
        return effects + self._match(now)

    def next_deadline(self, now: float) -> float | None:
        """Give the Unix time at which `tick` next has something to do, or None."""
        times = [offer.lease_until for offer in self.offers.values() if offer.lease_until > 0]
        times += [seat.until for seat in self.seats.values() if seat.until > 0]
        relaxes = (call.since + self.rules.relax_s for call in self.waiting.values())
        times += [at for at in relaxes if at > now]
        return min(times, default=None)

    # Matching ------------------------------------------------------------------------------------------------

    def _match(self, now: float) -> list[Effect]:
        """Give free agents to waiting calls, longest wait first."""
        effects: list[Effect] = []
        if not self.waiting:
            return effects
        free = [agent for agent, seat in self.seats.items() if seat.state is AgentState.READY]
        if not free:
            return effects
        for call in sorted(self.waiting.values(), key=lambda call: (call.since, call.call_id)):
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
        fitting = [agent for agent in free if self._fits(call, self.agents[agent], now)]
        dialect = call.need.dialect
        return min(
            fitting,
            key=lambda agent: (not self.agents[agent].speaks(dialect), self.seats[agent].idle_since, agent),
            default=None,
        )

    def _fits(self, call: Waiting, agent: Agent, now: float) -> bool:
        if not agent.handles(call.need):
            return False
        if agent.speaks(call.need.dialect):
            return True
        return now - call.since >= self.rules.relax_s and agent.speaks(MANDARIN)

    def _offer(self, call: Waiting, agent: AgentId, now: float) -> list[Effect]:
        offer = Offer(call, agent, self.next_fence, now + self.rules.lease_s)
        self.next_fence += 1
        del self.waiting[call.call_id]
        self.offers[call.call_id] = offer
        return [*self._seat(agent, Seat(AgentState.OFFERED, reason=call.call_id)), MakeOffer(offer)]

    # Seats ---------------------------------------------------------------------------------------------------

    def _fail(self, offer: Offer, now: float) -> list[Effect]:
        del self.offers[offer.call.call_id]
        pause = Seat(AgentState.NOT_READY, until=now + self.rules.pause_s, reason="no answer")
        return [WithdrawOffer(offer, "failed"), *self._seat(offer.agent, pause)]

    def _wrap_up(self, agent: AgentId, now: float) -> list[Effect]:
        return self._seat(agent, Seat(AgentState.WRAP_UP, until=now + self.rules.wrap_up_s))

    def _free(self, agent: AgentId, now: float) -> list[Effect]:
        return self._seat(agent, Seat(AgentState.READY, idle_since=now))

    def _seat(self, agent: AgentId, seat: Seat) -> list[Effect]:
        self.seats[agent] = seat
        return [SeatChanged(agent, seat)]

"""The matcher: one pool of waiting calls, agents with skills, one offer per agent and per call. Pure; takes `now`.

It knows the calls and the agents of several sites, and offers those of its own sites (`own`). The owner of the agent
makes the offer; the owner of the call takes it up or declines it. So an agent is never offered twice and a call never
reserved twice, whatever the two sites believe of each other.

Each method takes one event and returns what must be done about it. Events may come late, twice or out of order:
what does not fit the present state changes nothing. How agent and call are chosen is in `routing.choice`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from routing.agents import Agent
from routing.business_sites import Left
from routing.ended import Ended
from routing.exchange import Exchange
from routing.exchange import Rules as Rules  # whoever makes a matcher needs both
from routing.foreign import Foreign
from routing.ladders import LadderSet
from routing.offers import Effect, Offer, Onward, Step, Waiting, WithdrawOffer
from routing.seat_facts import Answered, CallOver, Fact, LegGone, OwnCall, PhoneAt, PhoneIdle, Rung
from routing.seats import EMPTY, Seat
from routing.wishes import Asked
from tieline.model import AgentId, AgentState, CallId, DialectId, NodeId, SiteId

_ANY_NODE: Final = NodeId("")


class Matcher:
    """State of one pool.

    Args:
        agents: Of all sites.
        rules: Times.
        ladders: What the choice goes by.
        own: Sites whose agents it offers and whose calls it answers for.
        next_fence: Fence of the first offer.

    Attributes:
        gone: Calls that ended lately.
    """

    def __init__(
        self,
        agents: Mapping[AgentId, Agent],
        rules: Rules,
        ladders: LadderSet,
        own: frozenset[SiteId],
        next_fence: int = 1,
    ) -> None:
        self.agents = agents
        self.rules = rules
        self.own = own
        self.gone = Ended()
        self._exchange = Exchange(agents, rules, ladders, own, next_fence)
        self._seating, self._offering = self._exchange.seating, self._exchange.offering
        self._foreign = Foreign(self._exchange, self.gone)

    @property
    def waiting(self) -> Mapping[CallId, Waiting]:
        """Own calls in the pool."""
        return self._exchange.waiting

    @property
    def peer_waiting(self) -> Mapping[CallId, Waiting]:
        """The other site's calls, as far as known."""
        return self._exchange.peer_waiting

    @property
    def peer_offered(self) -> Mapping[CallId, Waiting]:
        """Those of them to whom their own site has offered an agent of its own."""
        return self._foreign.offered

    @property
    def seats(self) -> Mapping[AgentId, Seat]:
        """States of own agents."""
        return self._seating.seats

    @property
    def peer_seats(self) -> Mapping[AgentId, Seat]:
        """States of other sites' agents, as far as known."""
        return self._seating.peer_seats

    @property
    def offers(self) -> Mapping[CallId, Offer]:
        """Those of own agents, whosever call, and those that own calls have of another site's agents."""
        return self._offering.offers

    @property
    def ladders(self) -> LadderSet:
        """What the choice goes by."""
        return self._exchange.pool.ladders

    def restore(self, waiting: Iterable[Waiting], seats: Mapping[AgentId, Seat], offers: Iterable[Offer]) -> None:
        """Take over the state that a matcher before this one left, into an empty one; `tick` goes on from there."""
        self._seating.restore(seats)
        for offer in offers:
            self._offering.put(offer)
            self._exchange.consulting.watch(offer)
        for call in waiting:
            self._exchange.wait(call, call.since)

    def use(self, ladders: LadderSet, now: float) -> list[Effect]:
        """Go by other ladders from now on; what the sites leave to each other stays."""
        wanted = replace(ladders, left=self.ladders.left)
        if wanted != self.ladders:
            self._exchange.use(wanted, now)
        return self._exchange.match(now)

    def leave(self, left: Left, now: float) -> list[Effect]:
        """Let the agents of sites leave businesses to another site from now on."""
        if left != self.ladders.left:
            self._exchange.use(replace(self.ladders, left=left), now)
        return self._exchange.match(now)

    # Calls ---------------------------------------------------------------------------------------------------

    def call_waiting(self, call: Waiting, now: float) -> list[Effect]:
        """A call entered the pool, or came back: after no answer, or by a transfer, which ends its talk."""
        call_id = call.call_id
        offer = self.offers.get(call_id)
        if offer is not None and (offer.talks or offer.handed_over) and call.moved_at > offer.answered_at:
            self._exchange.consulting.moved(offer, call.moved_at, now)
            self._exchange.wait(call, now)
        elif self._exchange.knows(call_id):
            self._exchange.note_return(call)
        elif call_id not in self.gone:
            self._exchange.count(call.need.dialect, call.since, now)
            self._exchange.wait(call, now)
        return self._exchange.match(now)

    def call_gone(self, call_id: CallId, now: float, at: float | None = None) -> list[Effect]:
        """The caller hung up, or the safety net took the call; `at` is when, as in all that follow."""
        over = CallOver(call_id, _at(at, now))
        self.gone.add(call_id, over.at, now)
        self._exchange.leave(call_id)
        self._foreign.forget(call_id)
        offer = self._offering.take_out(call_id)
        if offer is not None:
            self._exchange.consulting.call_over(offer, over, now)
            if offer.lease_until > 0:
                self._exchange.out.append(WithdrawOffer(offer, "gone"))
            self._offering.release(offer, now, over)
        elif agent := self._seating.maybe_with(call_id):
            self._seating.news(agent, now, over)
        return self._exchange.match(now)

    def transfer(self, call_id: CallId, agent: AgentId, step: Step, onward: Onward, now: float) -> list[Effect]:
        """Somebody wants a step with the caller who talks with `agent`; one that does not fit changes nothing."""
        offer = self.offers.get(call_id)
        if offer is not None and offer.call.site in self.own and offer.talks and offer.agent == agent:
            self._exchange.transfer(offer, step, onward, now)
        return self._exchange.match(now)

    def transferred(self, call_id: CallId, kind: str, now: float, at: float | None = None) -> list[Effect]:
        """A consultation ended: `attended`, the first agent left, and is free when his leg ends; or `threeway`."""
        offer = self.offers.get(call_id)
        if offer is not None and offer.second and kind == "attended":
            self._exchange.consulting.hand_over(offer, _at(at, now), now)
        elif offer is not None and offer.second and kind == "threeway":
            self._exchange.consulting.joined(offer, _at(at, now))
        return self._exchange.match(now)

    # Offers --------------------------------------------------------------------------------------------------

    def taken(self, call_id: CallId, agent: AgentId, fence: int, now: float, at: float | None = None) -> list[Effect]:
        """The hold loop took an offer: from now on the agent's phone is dialled; after its lease it means nothing."""
        offer, until = self._offering.of(call_id, agent, fence), now + self.rules.ring_s + self.rules.lease_s
        if offer is None:
            self._exchange.consulting.dialled(call_id, agent, fence, _at(at, now), until)
        elif not offer.taken and _at(at, now) <= offer.lease_until:
            self._offering.extend(offer, until)
        return self._exchange.match(now)

    def rung(self, call_id: CallId, agent: AgentId, now: float, at: float | None = None) -> list[Effect]:
        """The agent's phone rings: for our offer, or because the safety net dials him."""
        return self._news(agent, now, *self.gone.with_end(Rung(call_id, _at(at, now))))

    def answered(self, call_id: CallId, agent: AgentId, now: float, at: float | None = None) -> list[Effect]:
        """The agent took the call. True whatever we believed: a late word from the mailbox is a talk, too."""
        if self._exchange.consulting.has_second(call_id, agent):
            self._exchange.consulting.answered(call_id, agent, _at(at, now), now)
            return self._exchange.match(now)
        offer = self._offering.take_out(call_id)
        if offer is not None and offer.agent != agent:
            self._exchange.give_back(offer, "gone", now)
            offer = None
        self._exchange.leave(call_id)
        ours = self._seating.is_ours(agent)
        if ours:
            self._seating.news(agent, now, *self.gone.with_end(Answered(call_id, _at(at, now))))
        if offer is not None:
            if ours and self.seats[agent].state is not AgentState.TALKING:
                self._offering.release(offer, now)  # the end was told before the beginning
            else:
                self._offering.talking(offer, _at(at, now))
                if offer.handed_over:
                    self._exchange.consulting.next_leg(offer, agent, _at(at, now))
        return self._exchange.match(now)

    def failed(self, call_id: CallId, agent: AgentId, fence: int, now: float, status: str = "") -> list[Effect]:
        """The agent did not answer: he pauses, and the call will be told as waiting again; `status` is Dial's."""
        self._exchange.consulting.not_to_be(call_id, agent, fence, status.lower(), now, missed_at=now)
        offer = self._offering.of(call_id, agent, fence)
        if offer is not None and offer.lease_until > 0:
            self._exchange.fail(offer, now)
        return self._exchange.match(now)

    def called_off(self, call_id: CallId, agent: AgentId, fence: int, now: float, at: float) -> list[Effect]:
        """The node that had the agent's phone rung wants him no more: he is not to blame.

        A caller whom he was offered is gone; one for whose agent he was to be consulted, or to whom that agent has
        handed the caller over, may still be there.
        """
        offer = self._offering.of(call_id, agent, fence)
        if offer is None:
            self._exchange.consulting.called_off(call_id, agent, fence, now)
        elif offer.lent and not offer.talks:
            self._exchange.give_back(offer, "gone", now)
        elif not offer.handed_over:
            return self.call_gone(call_id, now, at)
        return self._exchange.match(now)

    def wanted(self, call: Waiting, agent: AgentId, now: float) -> list[Effect]:
        """An agent of another site who talks with `call` wants to consult one of ours."""
        if self._seating.is_ours(agent) and call.site not in self.own:
            self._exchange.lend(call, agent, now)
        return self._exchange.match(now)

    def foreign_offer(
        self, call_id: CallId, agent: AgentId, fence: int, lease_until: float, call_site: SiteId, now: float
    ) -> list[Effect]:
        """Another site offers an agent of its own: to a call of ours, or to one that is not, which we only note."""
        self._foreign.offer(call_id, agent, fence, lease_until, call_site, now)
        return self._exchange.match(now)

    def foreign_withdrawn(self, call_id: CallId, agent: AgentId, fence: int, now: float) -> list[Effect]:
        """Another site takes its offer back: the call waits again, ours if the offer was not taken meanwhile."""
        self._foreign.withdrawn(call_id, agent, fence, now)
        return self._exchange.match(now)

    def declined(self, call_id: CallId, agent: AgentId, fence: int, now: float, why: str = "") -> list[Effect]:
        """The call's site does not want our agent for it: he is free again, as long idle as before.

        Or another site does not lend us its agent (fence 0).
        """
        self._foreign.declined(call_id, agent, fence, why, now)
        return self._exchange.match(now)

    # Agents --------------------------------------------------------------------------------------------------

    def phone_seen(
        self, agent: AgentId, *, reachable: bool, now: float, node: NodeId = _ANY_NODE, at: float | None = None
    ) -> list[Effect]:
        """A node reaches an agent's phone, or does so no longer."""
        return self._news(agent, now, PhoneAt(node, reachable, _at(at, now)))

    def phone_idle(self, agent: AgentId, now: float, at: float | None = None) -> list[Effect]:
        """A list of channels shows that an agent's phone is in no call; offers that are only reserved stand.

        It was asked for at `at`, and is told after all that happened while it was made: a talk may be younger.
        """
        known, idle = self.seats.get(agent, EMPTY), PhoneIdle(_at(at, now))
        talk = known.legs.maybe_talking()
        if talk is None or talk.begun_at >= idle.at:
            return self._news(agent, now, idle)
        call_id = talk.call_id
        if not self._exchange.consulting.leg_gone(call_id, agent, idle.at, now):
            self._offering.talk_over(agent, call_id, idle, now)
        return self._exchange.match(now)

    def own_call(self, agent: AgentId, *, busy: bool, now: float, at: float | None = None) -> list[Effect]:
        """An agent dials himself, or has ended that call."""
        return self._news(agent, now, OwnCall(busy, _at(at, now)))

    def asked(self, agent: AgentId, wish: Asked, now: float) -> list[Effect]:
        """Somebody wants an agent in another state."""
        return self._news(agent, now, wish)

    def agent_free(
        self, agent: AgentId, now: float, call_id: CallId | None = None, at: float | None = None
    ) -> list[Effect]:
        """The agent's leg ended: wrap-up after a talk, nothing otherwise (`failed` or the caller decides)."""
        seat = self.seats.get(agent, EMPTY)
        over = call_id or CallId(seat.reason)
        if self._exchange.consulting.leg_gone(over, agent, _at(at, now), now):
            return self._exchange.match(now)
        if self._seating.is_ours(agent) and (call_id is not None or seat.state is AgentState.TALKING):
            self._offering.talk_over(agent, over, LegGone(over, _at(at, now)), now)
        return self._exchange.match(now)

    def _news(self, agent: AgentId, now: float, *facts: Fact) -> list[Effect]:
        if self._seating.is_ours(agent):
            self._seating.news(agent, now, *facts)
        return self._exchange.match(now)

    # The other site ------------------------------------------------------------------------------------------

    def peer_view(
        self, site: SiteId, seats: Mapping[AgentId, Seat], waiting: Iterable[Waiting], now: float
    ) -> list[Effect]:
        """Take the whole picture of another site in place of what was known of it; an empty one drops it."""
        self._foreign.view(site, seats, waiting, now)
        return self._exchange.match(now)

    def came_elsewhere(self, dialect: DialectId, since: float, now: float) -> None:
        """A caller came to another site: its agents and ours are worth the same to both only if both count all."""
        self._exchange.count(dialect, since, now)

    # Time ----------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> list[Effect]:
        """Do what is due: leases that ran out, pauses that end, steps that open."""
        self.gone.forget(now)
        self._exchange.timers.run_due(now)
        return self._exchange.match(now)

    def next_deadline(self, now: float) -> float | None:
        """Give the Unix time at which `tick` next has something to do, or None."""
        at = self._exchange.timers.next()
        return None if at is None else max(at, now)


def _at(at: float | None, now: float) -> float:
    return now if at is None else at

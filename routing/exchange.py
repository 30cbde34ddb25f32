"""Where waiting calls and idle agents meet: who waits, whom the choice picks, which offers stand. Pure; takes `now`.

`routing.matcher` turns events into what is done here.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from routing.agents import Agent
from routing.choice import choose_agent, choose_call, choose_wanted
from routing.consulting import BUSY, Consulting
from routing.crossing import EXPECTED_S, WANTED_S, Crossing
from routing.decision import Cause, Decision
from routing.demand import Demand
from routing.ladders import LadderSet
from routing.offering import Offering
from routing.offers import (
    DeclineOffer,
    Effect,
    LendAgent,
    MakeOffer,
    MoveCall,
    Offer,
    Onward,
    Step,
    Waiting,
    WithdrawOffer,
)
from routing.pool import Pool
from routing.reasons import agent_chosen, call_chosen
from routing.seat_facts import Offered
from routing.seating import Seating
from routing.seats import SeatRules
from routing.timers import Timer, Timers
from tieline.model import AgentId, CallId, DialectId, Lane, SiteId

_NEW_S: Final = 2.0
MOVING_S: Final = 3.0
"""So long a caller may be on his way out of a talk."""
CALL_BACK_S: Final = 40.0
"""So much longer the offer of a call back stands: the customer's phone rings, and he is told who calls."""


@dataclass(frozen=True, slots=True)
class Rules(SeatRules):
    """The matcher's times, all in seconds, besides those of the agents' seats.

    Attributes:
        lease_s: How long an offer may lie in the mailbox before it is withdrawn.
        ring_s: How long a phone rings; with `lease_s` on top the offer counts as failed even if nobody says so.
    """

    lease_s: float = 5.0
    ring_s: float = 20.0


class Exchange:
    """Calls, seats and offers, with the index that the choice needs.

    Args:
        agents: Of all sites.
        rules: Times.
        ladders: What the choice goes by.
        own: Sites whose agents are offered and whose calls are answered for.
        next_fence: Fence of the first offer.

    Attributes:
        waiting: Own calls in the pool.
        peer_waiting: Other sites' calls, as far as known.
        out: Effects of the present event.
    """

    def __init__(
        self,
        agents: Mapping[AgentId, Agent],
        rules: Rules,
        ladders: LadderSet,
        own: frozenset[SiteId],
        next_fence: int,
    ) -> None:
        self.agents = agents
        self.own = own
        self.waiting: dict[CallId, Waiting] = {}
        self.peer_waiting: dict[CallId, Waiting] = {}
        self.out: list[Effect] = []
        self.timers = Timers()
        self._lease_s, self._rings_s = rules.lease_s, rules.ring_s + rules.lease_s
        self._next_fence = next_fence
        self._looks: dict[CallId, Timer] = {}
        self._to_place: dict[CallId, Cause] = {}
        pool = Pool(agents, ladders, Demand(ladders.numbers.load_s))
        self.seating = Seating(agents, own, rules, pool, self.timers, self.out)
        self.offering = Offering(self.seating, self.timers, self._offer_over)
        self.consulting = Consulting(self.seating, self.offering, self.timers, self.out)
        self.crossing = Crossing(self.seating, self.timers, self._to_place)

    @property
    def pool(self) -> Pool:
        """Who can be matched now."""
        return self.seating.pool

    def use(self, ladders: LadderSet, now: float) -> None:
        """Go by other ladders from now on: every call and every agent is looked at again."""
        before = self.pool
        before.demand.mean_s = ladders.numbers.load_s
        self.seating.fill(Pool(self.agents, ladders, before.demand, apart=before.apart))
        for call in before.calls.values():
            self.wait(call, now)

    # Calls ---------------------------------------------------------------------------------------------------

    def knows(self, call_id: CallId) -> bool:
        """Tell whether a call waits or has an offer."""
        return call_id in self.waiting or call_id in self.peer_waiting or call_id in self.offering.offers

    def count(self, dialect: DialectId, since: float, now: float) -> None:
        """Count what a call asks for; one that has waited comes back, or is called back, and is no new one."""
        if now - since < _NEW_S:
            self.pool.demand.count(dialect, now)

    def wait(self, call: Waiting, now: float) -> None:
        """Let a call wait."""
        calls = self.waiting if call.site in self.own else self.peer_waiting
        calls[call.call_id] = call
        self.pool.add_call(call)
        self._to_place[call.call_id] = Cause.CALL
        self._look_later(call, now)

    def leave(self, call_id: CallId) -> Waiting | None:
        """Take a call out of the pool, and give it."""
        call = self.waiting.pop(call_id, None) or self.peer_waiting.pop(call_id, None)
        if call is not None:
            self.crossing.settle(call_id)
            self.pool.remove_call(call_id)
            if timer := self._looks.pop(call_id, None):
                timer.cancel()
        return call

    def _look_later(self, call: Waiting, now: float) -> None:
        """Look at a call again when something more may be open to it."""
        if timer := self._looks.pop(call.call_id, None):
            timer.cancel()
        looks_s = self.pool.kind_of_call(call).looks_s
        following = bisect_right(looks_s, now - call.since)
        while following < len(looks_s) and call.since + looks_s[following] <= now:
            following += 1  # the difference of two times is not exact
        if following < len(looks_s):
            at = call.since + looks_s[following]
            self._looks[call.call_id] = self.timers.set(at, partial(self._look, call))

    def _look(self, call: Waiting, now: float) -> None:
        self._to_place[call.call_id] = Cause.STEP
        self._look_later(call, now)

    # Offers --------------------------------------------------------------------------------------------------

    def note_return(self, call: Waiting) -> None:
        """A call that has an offer is told as waiting: the agent did not answer, which will be told, too."""
        if call.call_id in self.offering.offers:
            self.offering.returned[call.call_id] = call

    def fail(self, offer: Offer, now: float) -> None:
        """The agent did not answer: he pauses; the call waits again as soon as it is told."""
        returned = self.offering.returned.get(offer.call.call_id)
        self.give_back(offer, "failed", now, missed_at=now)
        if returned is not None:
            self.wait(returned, now)

    def give_back(self, offer: Offer, why: str, now: float, *, missed_at: float = 0.0) -> None:
        """Withdraw an offer and give its agent back; what becomes of the call is said elsewhere."""
        self.offering.take_out(offer.call.call_id)
        self.out.append(WithdrawOffer(offer, why))
        self.offering.release(offer, now, missed_at=missed_at)

    def _offer_over(self, offer: Offer, now: float) -> None:
        """An offer's time is over: nobody took it, or nobody said what came of it."""
        if offer.taken:
            self.fail(offer, now)
            return
        self.give_back(offer, "lease", now)
        if offer.lent:
            return
        if offer.call.site not in self.own or not self.seating.is_ours(offer.agent):
            self.crossing.part(offer.call.call_id, offer.agent, now)
        self.wait(offer.call, now)

    # Talks ---------------------------------------------------------------------------------------------------

    def transfer(self, offer: Offer, step: Step, onward: Onward, now: float) -> None:
        """Do a step with the caller of a talk; one that does not fit changes nothing."""
        match step:
            case Step.BLIND if not offer.second and now >= offer.moving_until:
                self.offering.note(replace(offer, moving_until=now + MOVING_S))
                self.out.append(MoveCall(offer.call, onward))
            case Step.CONSULT if not offer.second:
                self._consult(offer, onward.agent, now)
            case Step.CONSULT if offer.second != onward.agent:
                self.consulting.refuse(offer, onward.agent, BUSY)
            case Step.COMPLETE | Step.JOIN | Step.BACK if offer.second:
                self.consulting.step(offer, step, now)
            case _:
                pass

    def _consult(self, offer: Offer, second: AgentId, now: float) -> None:
        """Reserve a second agent of ours for a talk, or ask another site for its agent."""
        if second not in self.pool.idle:
            self.consulting.refuse(offer, second, self.seating.why_not_idle(second))
        elif self.seating.is_ours(second):
            self.consulting.begin(offer, second, self._take_fence(), now, now + self._rings_s)
        else:
            self.consulting.want(offer, second, now)

    def lend(self, call: Waiting, agent: AgentId, now: float) -> None:
        """Reserve an agent of ours for a talk of another site; its node must begin to dial him within the lease."""
        talk = self.offering.offers.get(call.call_id)
        if agent not in self.pool.idle:
            self.out.append(DeclineOffer(call.call_id, agent, 0, self.seating.why_not_idle(agent)))
        elif talk is not None and (talk.second or not talk.talks):
            self.out.append(DeclineOffer(call.call_id, agent, 0, "offered"))
        elif talk is not None:
            self.consulting.lend(talk, agent, self._take_fence(), now, now + self._lease_s)
        else:
            self.leave(call.call_id)
            offer = Offer(call, agent, self._take_fence(), now + self._lease_s, lent=True)
            self.offering.put(offer)
            self.seating.news(agent, now, Offered(call.call_id, offer.fence))
            self.out.append(LendAgent(offer))

    def lent(self, call_id: CallId, agent: AgentId, fence: int, now: float) -> bool:
        """Another site has lent an agent; tells whether he is still wanted."""
        return self.consulting.lent(call_id, agent, fence, now + self._rings_s)

    def _take_fence(self) -> int:
        self._next_fence += 1
        return self._next_fence - 1

    # Matching ------------------------------------------------------------------------------------------------

    def match(self, now: float) -> list[Effect]:
        """Match whoever came since the last time, and give all effects since then."""
        free, self.seating.came_free = self.seating.came_free, {}
        for agent in free:
            if agent in self.pool.idle:
                self._serve(agent, now)
        for call, cause in self._pending():
            if call.call_id in self.pool.calls and self.pool.idle:
                self._place(call, cause, now)
        effects = self.out.copy()
        self.out.clear()
        return effects

    def _pending(self) -> Iterable[tuple[Waiting, Cause]]:
        """Give the calls to be looked at, those of higher lanes and longer wait first."""
        pool, causes = self.pool, self._to_place
        calls = [pool.calls[call_id] for call_id in causes if call_id in pool.calls]
        if len(calls) > 1:
            lanes = pool.ladders.lanes
            calls.sort(key=lambda call: (call.since - lanes[call.need.lane].head_start_s, call.call_id))
        pending = [(call, causes[call.call_id]) for call in calls]
        causes.clear()
        return pending

    def _serve(self, agent: AgentId, now: float) -> None:
        """Give an agent the best call."""
        pick = choose_call(self.pool, agent, now)
        if pick is not None:
            call = self.pool.calls[pick.chosen.call_id]
            self._offer(call, agent, call_chosen(self.pool, call, agent, pick, fence=self._next_fence, now=now), now)

    def _place(self, call: Waiting, cause: Cause, now: float) -> None:
        """Give a call the best agent; another site's is left to that site."""
        wanted = choose_wanted(self.pool, call)
        pick = wanted or choose_agent(self.pool, call, now)
        if pick is None:
            return
        cause = Cause.TRANSFER if wanted else cause
        agent = pick.chosen.agent
        if not self.seating.is_ours(agent):
            self.crossing.expect(call, agent, now, WANTED_S if wanted else EXPECTED_S)
            return
        decision = agent_chosen(self.pool, call, pick, cause=cause, fence=self._next_fence, now=now)
        self._offer(call, agent, decision, now)

    def _offer(self, call: Waiting, agent: AgentId, decision: Decision, now: float) -> None:
        self.leave(call.call_id)
        lease_s = self._lease_s + (CALL_BACK_S if call.need.lane is Lane.CALLBACK else 0.0)
        offer = Offer(call, agent, self._take_fence(), now + lease_s)
        self.offering.put(offer)
        self.seating.news(agent, now, Offered(call.call_id, offer.fence))
        self.out.append(MakeOffer(offer, decision))

"""A talk in which the agent consults a second one: who is reserved for it, and who has the caller at its end. Pure.

The second agent is reserved as for an offer, with a fence of his own, so nobody else is offered to him. Whoever's leg
ends first leaves the caller to the other: the first agent after `complete` or a three-way talk, the second after
`back`, or when he does not answer. A first agent who leaves while the second one's phone still rings has handed the
caller over to that phone: it rings on for him, as for an offer that was taken.
"""

from dataclasses import dataclass, replace
from functools import partial

from routing.offering import Offering
from routing.offers import NOBODY, Effect, EndLeg, NextLeg, Offer, Step, StepConsult
from routing.seat_facts import Answered, CallOver, LegGone, Offered, OfferOver
from routing.seating import Seating
from routing.seats import EMPTY
from routing.timers import Timers
from tieline.model import AgentId, AgentState, CallId


@dataclass(slots=True)
class Consulting:
    """The second agents of talks; who they are is kept with the talk's offer."""

    seating: Seating
    offering: Offering
    timers: Timers
    out: list[Effect]

    def begin(self, offer: Offer, second: AgentId, fence: int, now: float, until: float) -> None:
        """Reserve a second agent and let his phone ring for the first one; void at `until` if he has not answered."""
        consulted = replace(offer, second=second, second_fence=fence, second_until=until)
        self.offering.note(consulted)
        self.seating.news(second, now, Offered(offer.call.call_id, fence))
        self.watch(consulted)
        self.out.append(StepConsult(offer.call, offer.agent, Step.CONSULT, second))

    def watch(self, offer: Offer) -> None:
        """Look at a second agent again when he must have answered."""
        if offer.second:
            self.timers.set(offer.second_until, partial(self._late, offer.call.call_id, offer.second_fence))

    def step(self, offer: Offer, step: Step) -> None:
        """Lead a consultation on: to its end, into a three-way talk, or back."""
        if step is Step.BACK:
            self.offering.note(replace(offer, second_until=0.0))  # a phone that was called off is not to blame
        self.out.append(StepConsult(offer.call, offer.agent, step, offer.second))

    def has_second(self, call_id: CallId, agent: AgentId) -> bool:
        """Tell whether an agent is the second one of a talk."""
        offer = self.offering.offers.get(call_id)
        return offer is not None and bool(agent) and offer.second == agent

    def leg_gone(self, call_id: CallId, agent: AgentId, at: float, now: float) -> bool:
        """An agent's leg ended; tells whether it was one of a consultation, so that the talk goes on."""
        offer = self.offering.offers.get(call_id)
        if offer is None or not offer.second or agent not in (offer.agent, offer.second):
            return False
        if agent == offer.second:
            missed_at = at if self._rings(agent) and offer.second_until else 0.0
            self.offering.note(alone(offer))
            self.seating.news(agent, now, LegGone(call_id, at), OfferOver(call_id, offer.second_fence, missed_at))
            return True
        self.hand_over(offer, at, now, LegGone(call_id, at))
        return True

    def hand_over(self, offer: Offer, at: float, now: float, *facts: LegGone) -> None:
        """The first agent has left his caller to the second one; his own leg may last until the ringing is over."""
        self.offering.release(offer, now, *facts)
        onward = replace(alone(offer), agent=offer.second, fence=offer.second_fence, answered_at=at)
        if self._rings(offer.second):
            self.offering.put(replace(onward, lease_until=offer.second_until))
            self.out.append(NextLeg(offer.call, NOBODY, at))
        else:
            self.offering.note(onward)
            self.out.append(NextLeg(offer.call, offer.second, at))

    def moved(self, offer: Offer, at: float, now: float) -> None:
        """The caller waits again: his talk is over, or nobody took him on from the phone he was handed over to."""
        call_id = offer.call.call_id
        self.offering.take_out(call_id)
        self.call_over(offer, CallOver(call_id, at), now)
        self.offering.release(offer, now, LegGone(call_id, at), missed_at=0.0 if offer.talks else at)

    def call_over(self, offer: Offer, fact: CallOver, now: float) -> None:
        """The caller is gone: so are both legs, and the second agent is free, after his wrap-up if he talked."""
        if offer.second:
            self.out += [EndLeg(offer.call, agent) for agent in (offer.agent, offer.second)]
            self.seating.news(offer.second, now, fact, OfferOver(offer.call.call_id, offer.second_fence))

    def answered(self, call_id: CallId, agent: AgentId, at: float, now: float) -> None:
        """The second agent talks with the first one."""
        self.seating.news(agent, now, Answered(call_id, at))

    def _late(self, call_id: CallId, fence: int, now: float) -> None:
        offer = self.offering.offers.get(call_id)
        if offer is None or offer.second_fence != fence or not self._rings(offer.second):
            return
        self.offering.note(alone(offer))
        self.seating.news(offer.second, now, OfferOver(call_id, fence, now if offer.second_until else 0.0))

    def _rings(self, second: AgentId) -> bool:
        return self.seating.seats.get(second, EMPTY).state is AgentState.OFFERED


def alone(offer: Offer) -> Offer:
    """Give a talk as it is without its second agent."""
    return replace(offer, second=NOBODY, second_fence=0, second_until=0.0)

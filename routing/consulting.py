"""A talk in which the agent consults a second one: who is reserved for it, and who has the caller at its end. Pure.

The second agent is reserved as for an offer, with a fence of his own, so nobody else is offered to him. Another
site's agent is lent: his matcher is asked for him, and reserves him (`OfferMade`). Whoever's leg ends first leaves
the caller to the other: the first agent after `complete` or a three-way talk, the second after `back`, or when he
does not answer. A first agent who leaves while the second one's phone still rings has handed the caller over to that
phone: it rings on for him, as for an offer that was taken.

A site that lends an agent to a talk which another agent of its own has keeps both in that talk, too, and follows
their legs; what is done about them, the call's site does.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from routing.crossing import WANTED_S
from routing.offering import Offering
from routing.offers import (
    NOBODY,
    AloneLeg,
    Effect,
    EndLeg,
    JoinLeg,
    LendAgent,
    NextLeg,
    Offer,
    RefuseConsult,
    Step,
    StepConsult,
    WantAgent,
    WithdrawOffer,
)
from routing.seat_facts import Answered, CallOver, Fact, LegGone, Offered
from routing.seating import Seating
from routing.timers import Timers
from tieline.model import AgentId, CallId

SILENT: Final = "silent"
BUSY: Final = "consults"

ASKED_S: Final = 2.0
"""A wish to consult that is heard so late is void: who asked is told that nobody answered, and may ask again."""


@dataclass(slots=True)
class Consulting:
    """The second agents of talks; who they are is kept with the talk's offer."""

    seating: Seating
    offering: Offering
    timers: Timers
    out: list[Effect]

    def begin(self, offer: Offer, second: AgentId, fence: int, now: float, until: float) -> None:
        """Reserve a second agent and let his phone ring for the first one; void at `until` if he has not answered."""
        self.seating.news(second, now, Offered(offer.call.call_id, fence))
        self._ring(replace(offer, second=second, second_fence=fence, second_until=until))

    def want(self, offer: Offer, second: AgentId, now: float) -> None:
        """Ask another site for a second agent."""
        asked = replace(offer, second=second, second_fence=0, second_until=now + WANTED_S)
        self.offering.note(asked)
        self.watch(asked)
        self.out.append(WantAgent(offer.call, second))

    def lend(self, talk: Offer, second: AgentId, fence: int, now: float, until: float) -> None:
        """Reserve an agent of ours for another site's caller, with whom an agent of ours talks already."""
        self.seating.news(second, now, Offered(talk.call.call_id, fence))
        noted = replace(talk, second=second, second_fence=fence, second_until=until)
        self.offering.note(noted)
        self.watch(noted)
        self.out.append(LendAgent(replace(_of_second(noted), lease_until=until)))

    def dialled(self, call_id: CallId, agent: AgentId, fence: int, at: float, until: float) -> None:
        """The node dials the phone of an agent whom we lent: it may ring until then."""
        offer = self._with_lent(call_id, agent, fence)
        if offer is not None and at <= offer.second_until:
            extended = replace(offer, second_until=until)
            self.offering.note(extended)
            self.watch(extended)

    def called_off(self, call_id: CallId, agent: AgentId, fence: int, now: float) -> None:
        """An agent whom we lent is not wanted any more."""
        if offer := self._with_lent(call_id, agent, fence):
            self._let_go(offer, now)

    def _with_lent(self, call_id: CallId, agent: AgentId, fence: int) -> Offer | None:
        """Give the talk of another site's caller for which an agent of ours is reserved, who has not answered."""
        offer = self.offering.offers.get(call_id)
        if offer is None or (offer.second, offer.second_fence, offer.second_talks) != (agent, fence, False):
            return None
        return None if self._is_ours(offer) else offer

    def _is_ours(self, offer: Offer) -> bool:
        return offer.call.site in self.seating.own

    def lent(self, call_id: CallId, agent: AgentId, fence: int, until: float) -> bool:
        """Another site has lent an agent; tells whether he is still wanted, and lets his phone ring."""
        offer = self.offering.offers.get(call_id)
        if offer is None or not offer.is_asked or offer.second != agent:
            return False
        self._ring(replace(offer, second_fence=fence, second_until=until))
        return True

    def _ring(self, offer: Offer) -> None:
        self.offering.note(offer)
        self.watch(offer)
        self.out.append(StepConsult(offer.call, offer.agent, Step.CONSULT, offer.second, offer.second_fence))

    def watch(self, offer: Offer) -> None:
        """Look at a second agent again when he must have answered; count on nobody of another site meanwhile."""
        if not offer.second:
            return
        if not self.seating.is_ours(offer.second):
            self.seating.reserve(offer.second, reserved=True)
        late = partial(self._late, offer.call.call_id, offer.second_fence, offer.second_until)
        self.timers.set(offer.second_until, late)

    def step(self, offer: Offer, step: Step, now: float) -> None:
        """Lead a consultation on: to its end, into a three-way talk, or back; before it has begun only back.

        Once three talk Asterisk's attended transfer is over, and takes no more steps: one agent's leg ends.
        """
        if offer.is_asked:
            if step is Step.BACK:
                self._let_go(offer, now)
            return
        if offer.joined:
            if step is not Step.JOIN:
                self.out.append(EndLeg(offer.call, offer.second if step is Step.BACK else offer.agent))
            return
        if step is Step.BACK:
            self.offering.note(replace(offer, second_until=0.0))  # a phone that was called off is not to blame
        self.out.append(StepConsult(offer.call, offer.agent, step, offer.second, offer.second_fence))

    def has_second(self, call_id: CallId, agent: AgentId) -> bool:
        """Tell whether an agent is the second one of a talk."""
        offer = self.offering.offers.get(call_id)
        return offer is not None and bool(agent) and offer.second == agent

    def refuse(self, offer: Offer, second: AgentId, why: str) -> None:
        """Say why a consultation does not begin."""
        self._do(offer, RefuseConsult(offer.call, offer.agent, second, why))

    def not_to_be(
        self, call_id: CallId, agent: AgentId, fence: int, why: str, now: float, missed_at: float = 0.0
    ) -> None:
        """A second agent is not lent, or did not answer: his part is over before it began."""
        offer = self.offering.offers.get(call_id)
        if offer is None or (offer.second, offer.second_fence, offer.second_talks) != (agent, fence, False):
            return
        self._let_go(offer, now, missed_at=missed_at)
        self.refuse(offer, agent, why)

    def leg_gone(self, call_id: CallId, agent: AgentId, at: float, now: float) -> bool:
        """An agent's leg ended; tells whether it was one of a consultation, so that the talk goes on."""
        offer = self.offering.offers.get(call_id)
        if offer is None or not offer.second or agent not in (offer.agent, offer.second):
            return False
        if self._with_lent(call_id, agent, offer.second_fence):
            self.seating.news(agent, now, LegGone(call_id, at))
            return True  # whether he is to blame his node tells
        if agent == offer.second:
            missed_at = 0.0 if offer.second_talks or not offer.second_until else at
            self._let_go(offer, now, LegGone(call_id, at), missed_at=missed_at)
            if offer.joined and offer.second_talks:
                self._do(offer, AloneLeg(offer.call, offer.agent, at))
            return True
        if offer.is_asked:
            self._let_go(offer, now)
            return False
        self.hand_over(offer, at, now, LegGone(call_id, at))
        return True

    def hand_over(self, offer: Offer, at: float, now: float, *facts: LegGone) -> None:
        """The first agent has left his caller to the second one; his own leg may last until the ringing is over."""
        self.offering.release(offer, now, *facts)
        onward = replace(_of_second(offer), answered_at=at, lent=not self._is_ours(offer))
        if offer.second_talks:
            self.offering.note(onward)
            self.next_leg(offer, offer.second, at)
        else:
            self.offering.put(replace(onward, lease_until=offer.second_until))
            self.next_leg(offer, NOBODY, at)

    def next_leg(self, offer: Offer, agent: AgentId, at: float) -> None:
        """The caller has another agent, or for now none."""
        self._do(offer, NextLeg(offer.call, agent, at))

    def moved(self, offer: Offer, at: float, now: float) -> None:
        """The caller waits again: his talk is over, or nobody took him on from the phone he was handed over to."""
        call_id = offer.call.call_id
        self.offering.take_out(call_id)
        self.call_over(offer, CallOver(call_id, at), now)
        self.offering.release(offer, now, LegGone(call_id, at), missed_at=0.0 if offer.talks else at)

    def call_over(self, offer: Offer, fact: CallOver, now: float) -> None:
        """The caller is gone: so are both legs, and the second agent is free, after his wrap-up if he talked."""
        if offer.second:
            self._do(offer, *(EndLeg(offer.call, agent) for agent in (offer.agent, offer.second)))
            self.offering.release(_of_second(offer), now, fact)

    def joined(self, offer: Offer, at: float) -> None:
        """All three talk, or will once the second one answers."""
        self.offering.note(replace(offer, joined=True))
        if offer.second_talks:
            self.out.append(JoinLeg(offer.call, offer.second, at))

    def answered(self, call_id: CallId, agent: AgentId, at: float, now: float) -> None:
        """The second agent talks with the first one, or with both."""
        offer = replace(self.offering.offers[call_id], second_talks=True)
        self.offering.note(offer)
        if offer.joined:
            self.out.append(JoinLeg(offer.call, agent, at))
        if self.seating.is_ours(agent):
            self.seating.news(agent, now, Answered(call_id, at))

    def _late(self, call_id: CallId, fence: int, until: float, now: float) -> None:
        offer = self.offering.offers.get(call_id)
        if offer is None or not offer.second or offer.second_talks or offer.second_fence != fence:
            return
        if offer.second_until == until and not self._is_ours(offer):
            self._let_go(offer, now)
            self.out.append(WithdrawOffer(_of_second(offer), "lease"))
        elif offer.second_until == until:
            self._let_go(offer, now, missed_at=0.0 if offer.is_asked else now)
            if offer.is_asked:
                self.refuse(offer, offer.second, SILENT)
        elif not offer.second_until:
            self._let_go(offer, now)

    def _do(self, offer: Offer, *effects: Effect) -> None:
        """Do something about a talk: at the call's site alone."""
        if self._is_ours(offer):
            self.out += effects

    def _let_go(self, offer: Offer, now: float, *facts: Fact, missed_at: float = 0.0) -> None:
        """The second agent has no part in the talk any more; he pauses when he did not answer."""
        self.offering.note(alone(offer))
        self.offering.release(_of_second(offer), now, *facts, missed_at=missed_at)


def alone(offer: Offer) -> Offer:
    """Give a talk as it is without its second agent."""
    return replace(offer, second=NOBODY, second_fence=0, second_until=0.0, second_talks=False, joined=False)


def _of_second(offer: Offer) -> Offer:
    """Give the second agent's reservation as an offer of its own."""
    return replace(alone(offer), agent=offer.second, fence=offer.second_fence)

"""The offers that stand, each with the time at which it ends by itself. Pure; takes `now`."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from routing.offers import Offer, Waiting
from routing.seat_facts import Fact, OfferOver
from routing.seating import Seating
from routing.timers import Timer, Timers
from tieline.model import AgentId, CallId

PEER_GRACE_S: Final = 1.0
"""So much longer an offer to another site's call stands: that site may have taken it at the last moment, and its word
comes through a replica."""


@dataclass(slots=True)
class Offering:
    """At most one offer a call; the seats see to it that there is at most one an agent.

    Attributes:
        on_end: What is to be done with an offer whose time is over.
        returned: Calls told as waiting that have an offer: they wait again as soon as it is known to have failed.
    """

    seating: Seating
    timers: Timers
    on_end: Callable[[Offer, float], None]
    offers: dict[CallId, Offer] = field(default_factory=dict)
    returned: dict[CallId, Waiting] = field(default_factory=dict)
    _ends: dict[CallId, Timer] = field(default_factory=dict)

    def put(self, offer: Offer) -> None:
        """Let an offer stand, in place of what was known of it; until `lease_until`, or for good when that is 0."""
        call_id = offer.call.call_id
        self.take_out(call_id)
        self.offers[call_id] = offer
        if not self.seating.is_ours(offer.agent):
            self.seating.reserve(offer.agent, reserved=True)
        if offer.lease_until > 0:
            ours = offer.call.site in self.seating.own
            grace_s = 0.0 if ours or offer.taken else PEER_GRACE_S
            self._ends[call_id] = self.timers.set(offer.lease_until + grace_s, partial(self._end, call_id))

    def extend(self, offer: Offer, until: float) -> None:
        """An offer was taken: the phone may ring until then."""
        returned = self.returned.get(offer.call.call_id)
        self.put(replace(offer, taken=True, lease_until=until))
        if returned is not None:
            self.returned[returned.call_id] = returned

    def talking(self, offer: Offer, at: float) -> None:
        """An offer has led to a talk: it stands until that is over."""
        self.put(replace(offer, taken=True, lease_until=0.0, answered_at=at))

    def note(self, offer: Offer) -> None:
        """Note more about a talk."""
        self.offers[offer.call.call_id] = offer

    def of(self, call_id: CallId, agent: AgentId, fence: int) -> Offer | None:
        """Give the offer that somebody speaks of, when it stands."""
        offer = self.offers.get(call_id)
        return offer if offer and (offer.agent, offer.fence) == (agent, fence) else None

    def take_out(self, call_id: CallId) -> Offer | None:
        """Let the offer to a call stand no longer; its agent is given back by `release`."""
        if timer := self._ends.pop(call_id, None):
            timer.cancel()
        self.returned.pop(call_id, None)
        return self.offers.pop(call_id, None)

    def release(self, offer: Offer, now: float, *facts: Fact, missed_at: float = 0.0) -> None:
        """Give the agent of an offer back; he pauses when he did not answer."""
        if self.seating.is_ours(offer.agent):
            over = OfferOver(offer.call.call_id, offer.fence, missed_at)
            self.seating.news(offer.agent, now, *facts, over)
        else:
            self.seating.reserve(offer.agent, reserved=False)

    def talk_over(self, agent: AgentId, call_id: CallId, fact: Fact, now: float) -> None:
        """Take in what ends a talk of an agent of ours, and forget the offer that led to it.

        In one step: the agent would else seem to be offered for a moment, and be told so.
        """
        offer = self.offers.get(call_id)
        if offer is not None and offer.agent == agent and offer.talks:
            self.take_out(call_id)
            self.release(offer, now, fact)
        else:
            self.seating.news(agent, now, fact)

    def _end(self, call_id: CallId, now: float) -> None:
        self.on_end(self.offers[call_id], now)

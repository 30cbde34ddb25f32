"""What another site's matcher tells: its offers to our callers and to its own, and who waits and works there. Pure.

Its agents are offered by itself alone, our callers are ours to give; so its offer to a caller of ours is taken up or
declined, and ours to a caller of its own may be declined by it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from routing.consulting import SILENT
from routing.ended import Ended
from routing.exchange import Exchange
from routing.offers import DeclineOffer, Offer, TakeUpOffer, Waiting
from routing.seats import Seat
from tieline.model import AgentId, CallId, SiteId


@dataclass(slots=True)
class Foreign:
    """Other sites beside a matcher's own.

    Attributes:
        gone: Calls that ended lately.
        offered: Calls of other sites that wait again when their own site takes its offer back.
    """

    exchange: Exchange
    gone: Ended
    offered: dict[CallId, Waiting] = field(default_factory=dict)

    def forget(self, call_id: CallId) -> None:
        """A call is over."""
        self.offered.pop(call_id, None)

    def offer(
        self, call_id: CallId, agent: AgentId, fence: int, lease_until: float, call_site: SiteId, now: float
    ) -> None:
        """Another site offers an agent of its own."""
        exchange = self.exchange
        call = exchange.waiting.get(call_id)
        if call_site not in exchange.own:
            if other := exchange.leave(call_id):
                self.offered[call_id] = other
        elif lease_until > now and exchange.lent(call_id, agent, fence, now):
            pass
        elif call is None:
            why = "offered" if call_id in exchange.offering.offers else "gone"
            exchange.out.append(DeclineOffer(call_id, agent, fence, why))
        elif lease_until <= now or agent not in exchange.agents:
            exchange.out.append(DeclineOffer(call_id, agent, fence, "late"))
        else:
            exchange.leave(call_id)
            offer = Offer(call, agent, fence, lease_until)
            exchange.offering.put(offer)
            exchange.out.append(TakeUpOffer(offer))

    def withdrawn(self, call_id: CallId, agent: AgentId, fence: int, now: float) -> None:
        """Another site takes its offer back."""
        exchange, offering = self.exchange, self.exchange.offering
        exchange.consulting.not_to_be(call_id, agent, fence, SILENT, now)
        offer = offering.of(call_id, agent, fence)
        if offer is not None and not offer.taken and not exchange.seating.is_ours(agent):
            offering.take_out(call_id)
            offering.release(offer, now)
            exchange.wait(offer.call, now)
        elif (call := self.offered.pop(call_id, None)) and not exchange.knows(call_id):
            exchange.wait(call, now)

    def declined(self, call_id: CallId, agent: AgentId, fence: int, why: str, now: float) -> None:
        """A call's site does not want our agent for it, or another site does not lend us its own."""
        self.exchange.consulting.not_to_be(call_id, agent, fence, why, now)
        offer = self.exchange.offering.of(call_id, agent, fence)
        if offer is not None and not offer.taken and offer.call.site not in self.exchange.own:
            self.exchange.give_back(offer, "declined", now)

    def view(self, site: SiteId, seats: Mapping[AgentId, Seat], waiting: Iterable[Waiting], now: float) -> None:
        """Take the whole picture of another site in place of what was known of it."""
        exchange, seating = self.exchange, self.exchange.seating
        for agent in [agent for agent in seating.peers(site) if agent not in seats]:
            seating.set_peer(agent, None)
        for agent, seat in seats.items():
            seating.set_peer(agent, seat)
        calls = {call.call_id: call for call in waiting}
        if not seats:  # lost: nobody will tell what becomes of its offers
            self.offered = {call_id: call for call_id, call in self.offered.items() if call.site != site}
        for call_id in [call_id for call_id, call in exchange.peer_waiting.items() if call.site == site]:
            if call_id not in calls:
                exchange.leave(call_id)
        for call_id, call in calls.items():
            if call_id not in self.gone and not exchange.knows(call_id):
                exchange.wait(call, now)

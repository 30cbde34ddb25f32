"""What is seen of other sites, as the matcher's methods want it. Pure."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from routing.business_sites import left_elsewhere
from routing.intake import asked_of, waiting_of
from routing.matcher import Matcher
from routing.offers import Effect
from routing.peer_news import BetweenSites, PeerLost, PeerNews, PeerSeen
from routing.seats import Seat
from tieline import bus
from tieline.errors import RemoteProtocolError
from tieline.model import AgentId, Business, CallId, DialectId, NodeId, SiteId

NO_WAY: Final = ("TIEFULL", "CHANUNAVAIL", "CONGESTION")
"""How a call over the tie line ends that never rang at the other site: all channels in use, or the link is cut."""
PAUSE_S: Final = 5.0
"""After such an end nobody is offered over there for so long: the next caller would fare no better."""

_ITSELF: Final = NodeId("")


@dataclass(slots=True)
class PeerIntake:
    """Hands news of other sites to a matcher.

    Attributes:
        matcher: Ours.
        nodes: A node of each other site, for agents of whose phones no node is known.
        business_sites: Businesses that belong to one site.
        touched: Calls that the news were about since somebody last took them away.
    """

    matcher: Matcher
    nodes: Mapping[SiteId, NodeId] = field(default_factory=dict)
    business_sites: Mapping[Business, SiteId] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    _seen: dict[SiteId, PeerSeen] = field(default_factory=dict)
    _no_way_until: float = 0.0

    def apply(self, news: PeerNews, now: float) -> list[Effect]:
        """Take one piece of news in; one that does not concern the matcher changes nothing."""
        match news:
            case PeerSeen(site):
                self._seen[site] = news
                return self._leave(now) + self._show(news, now)
            case PeerLost(site):
                self._seen.pop(site, None)
                return self._leave(now) + self.matcher.peer_view(site, {}, (), now)
            case bus.CallWaiting(dialect=dialect, since=since):
                self.matcher.came_elsewhere(DialectId(dialect), since, now)
                return []
            case _:
                self.touched.add(news.call_id)
                with suppress(RemoteProtocolError):  # a newer site knows more; its own readers count it
                    return self._told(news, now)
                return []

    def way_to(self, agent: AgentId, node: NodeId) -> NodeId:
        """Name the node by which another one reaches an agent's phone; empty when it reaches the phone itself."""
        site = self.matcher.agents[agent].site
        seen = self._seen.get(site)
        seat = (seen.seats if seen else self.matcher.seats).get(agent)
        if seat and node in seat.phones and seat.phones[node].reachable:
            return _ITSELF
        return seat.node if seat and seat.node else self.nodes.get(site, _ITSELF)

    def _leave(self, now: float) -> list[Effect]:
        """Leave to each site what is its own, as long as somebody is there for it."""
        seats: dict[AgentId, Seat] = dict(self.matcher.seats)
        for seen in self._seen.values():
            seats.update(seen.seats)
        return self.matcher.leave(left_elsewhere(self.business_sites, self.matcher.agents, seats), now)

    def _show(self, seen: PeerSeen, now: float) -> list[Effect]:
        # Who is called back has no channel yet that a tie line could be joined to: he is left to his own site.
        waiting = () if now < self._no_way_until else tuple(call for call in seen.waiting if call.channel)
        return self.matcher.peer_view(seen.site, seen.seats, waiting, now)

    def _told(self, event: BetweenSites, now: float) -> list[Effect]:
        matcher, call_id = self.matcher, CallId(event.call_id)
        match event:
            case bus.OfferMade(agent=agent, fence=fence, lease_until=until, call_site=call_site):
                if self._is_theirs(agent):
                    return matcher.foreign_offer(call_id, AgentId(agent), fence, until, SiteId(call_site), now)
            case bus.OfferWithdrawn(agent=agent, fence=fence):
                if self._is_theirs(agent):
                    return matcher.foreign_withdrawn(call_id, AgentId(agent), fence, now)
            case bus.OfferDeclined(agent=agent, fence=fence, why=why):
                return matcher.declined(call_id, AgentId(agent), fence, now, why)
            case bus.AgentWanted(agent=agent, call_site=call_site):
                return matcher.wanted(waiting_of(event, SiteId(call_site)), AgentId(agent), now)
            case bus.OfferFailed():
                return self._failed_there(event, now)
            case bus.TransferAsked():
                return asked_of(matcher, event, now)
            case bus.CallGone(at=at) | bus.CallJournalled(at=at):
                if any(call_id in known for known in (matcher.peer_waiting, matcher.peer_offered, matcher.offers)):
                    return matcher.call_gone(call_id, now, at)
        return []

    def _failed_there(self, event: bus.OfferFailed, now: float) -> list[Effect]:
        """An offer of ours did not come through at the call's site; one that rang here is our own node's to judge."""
        if self._is_theirs(event.agent):
            return []
        effects: list[Effect] = []
        if event.status in NO_WAY:
            self._no_way_until = now + PAUSE_S
            for seen in self._seen.values():
                effects += self._show(seen, now)
        return effects + self.matcher.declined(CallId(event.call_id), AgentId(event.agent), event.fence, now)

    def _is_theirs(self, agent: str) -> bool:
        known = self.matcher.agents.get(AgentId(agent))
        return known is not None and known.site not in self.matcher.own

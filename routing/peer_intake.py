"""What is seen of another site, as the matcher's methods want it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from routing.matcher import Matcher
from routing.offers import Effect
from routing.peer_news import BetweenSites, PeerLost, PeerNews, PeerSeen
from tieline import bus
from tieline.model import AgentId, CallId, NodeId, SiteId

NO_WAY: Final = ("TIEFULL", "CHANUNAVAIL", "CONGESTION")
"""How a call over the tie line ends that never rang at the other site: all channels in use, or the link is cut."""
PAUSE_S: Final = 5.0
"""After such an end nobody is offered over there for so long: the next caller would fare no better."""


@dataclass(slots=True)
class PeerIntake:
    """Hands news of other sites to a matcher.

    Attributes:
        site: Ours.
        nodes: Nodes of the other sites, for agents of whose phones no node is known.
        touched: Calls that the news were about since somebody last took them away.
    """

    site: SiteId
    matcher: Matcher
    nodes: Mapping[SiteId, NodeId]
    touched: set[str] = field(default_factory=set)
    _seen: dict[SiteId, PeerSeen] = field(default_factory=dict)
    _no_way_until: float = 0.0

    def apply(self, news: PeerNews, now: float) -> list[Effect]:
        """Take one piece of news in; one that does not concern the matcher changes nothing."""
        match news:
            case PeerSeen(site):
                self._seen[site] = news
                return self._show(site, now)
            case PeerLost(site):
                self._seen.pop(site, None)
                return self._show(site, now)
            case _:
                self.touched.add(news.call_id)
                return self._told(news, now)

    def node_of(self, agent: AgentId) -> NodeId:
        """Name a node that holds the phone of another site's agent."""
        site = self.matcher.agents[agent].site
        seen = self._seen.get(site)
        seat = seen.seats.get(agent) if seen else None
        return seat.node if seat and seat.node else self.nodes[site]

    def _show(self, site: SiteId, now: float) -> list[Effect]:
        seen = self._seen.get(site)
        if seen is None:
            return self.matcher.peer_view(site, {}, (), now)
        return self.matcher.peer_view(site, seen.seats, () if now < self._no_way_until else seen.waiting, now)

    def _told(self, event: BetweenSites, now: float) -> list[Effect]:
        matcher, call_id = self.matcher, CallId(event.call_id)
        match event:
            case bus.OfferMade(agent=agent, fence=fence, lease_until=until, call_site=call_site):
                if self._is_theirs(AgentId(agent)):
                    return matcher.foreign_offer(call_id, AgentId(agent), fence, until, SiteId(call_site), now)
            case bus.OfferWithdrawn(agent=agent, fence=fence):
                if self._is_theirs(AgentId(agent)):
                    return matcher.foreign_withdrawn(call_id, AgentId(agent), fence, now)
            case bus.OfferDeclined(agent=agent, fence=fence):
                return matcher.declined(call_id, AgentId(agent), fence, now)
            case bus.OfferFailed():
                return self._failed_there(event, now)
            case bus.CallGone(at=at) | bus.CallJournalled(at=at):
                if call_id in matcher.peer_waiting or call_id in matcher.offers:
                    return matcher.call_gone(call_id, now, at)
        return []

    def _failed_there(self, event: bus.OfferFailed, now: float) -> list[Effect]:
        """An offer of ours did not come through at the call's site; one that rang here is our own node's to judge."""
        effects: list[Effect] = []
        if event.status in NO_WAY:
            self._no_way_until = now + PAUSE_S
            for site in self._seen:
                effects += self._show(site, now)
        return effects + self.matcher.declined(CallId(event.call_id), AgentId(event.agent), event.fence, now)

    def _is_theirs(self, agent: AgentId) -> bool:
        known = self.matcher.agents.get(agent)
        return known is not None and known.site != self.site

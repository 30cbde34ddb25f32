"""Businesses that belong to one site: which sites' agents leave which businesses to another one just now. Pure."""

from collections.abc import Mapping

from routing.agents import Agent
from routing.seats import Seat
from tieline.model import AgentId, AgentState, Business, SiteId

Left = Mapping[SiteId, frozenset[Business]]
"""By site, what its agents are not offered."""


def left_elsewhere(
    business_sites: Mapping[Business, SiteId], agents: Mapping[AgentId, Agent], seats: Mapping[AgentId, Seat]
) -> Left:
    """Tell what each site leaves to another one.

    A business goes back to all sites when its own has nobody on duty for it, or is not seen: callers do not wait for
    those who will not come.

    Args:
        business_sites: To which site a business belongs.
        agents: Of all sites.
        seats: Of the sites that are seen.
    """
    sites = {agent.site for agent in agents.values()}
    served = {
        business: site for business, site in business_sites.items() if _is_served(business, site, agents, seats)
    }
    return {
        site: frozenset(business for business, home in served.items() if home != site)
        for site in sites
        if any(home != site for home in served.values())
    }


def _is_served(
    business: Business, site: SiteId, agents: Mapping[AgentId, Agent], seats: Mapping[AgentId, Seat]
) -> bool:
    return any(
        seat.state is not AgentState.OFFLINE and agents[agent].site == site and agents[agent].trained_for(business)
        for agent, seat in seats.items()
        if agent in agents
    )

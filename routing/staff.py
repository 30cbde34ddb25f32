"""Who can answer and by which rules, as a site's console knows it."""

from collections.abc import Mapping
from dataclasses import dataclass

from routing.agents import Agent
from routing.groups import Group
from routing.ladders import LadderSet
from tieline.model import AgentId, SiteId


@dataclass(frozen=True, slots=True)
class Staff:
    """Agents and groups of all sites, and the ladders that a choice goes by."""

    agents: Mapping[AgentId, Agent]
    groups: Mapping[str, Group]
    ladders: LadderSet

    def of(self, site: SiteId) -> dict[AgentId, Agent]:
        """Give the agents of one site."""
        return {agent.id: agent for agent in self.agents.values() if agent.site == site}

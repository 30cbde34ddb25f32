"""Who stood in for whom: calls of a business that belongs to one site, answered by an agent of another one. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from crm_adapter.record import CallRecord
from tieline.model import AgentId, Business, Outcome, SiteId


@dataclass(frozen=True, slots=True)
class StandIns:
    """What decides it.

    Attributes:
        business_sites: To which site a business belongs.
        site_of: Every agent's site.
    """

    business_sites: Mapping[Business, SiteId] = field(default_factory=dict)
    site_of: Mapping[AgentId, SiteId] = field(default_factory=dict)

    def stands_in_for(self, record: CallRecord) -> str:
        """Give the site in whose place a call was answered, or nothing."""
        if record.outcome is not Outcome.ANSWERED or record.business not in self.business_sites:
            return ""
        home, site = self.business_sites[Business(record.business)], self.site_of.get(AgentId(record.agent))
        return home if site and home != site else ""

"""What the live page must know of the network: names, kinds of tickets. Pure."""

from typing import Any

from console.sight import sight_of
from crm_adapter.policy import TicketPolicy
from tieline.model import SiteId
from tieline.principal import Principal
from tieline.topology import Topology


def about(topology: Topology, site: SiteId, policy: TicketPolicy, principal: Principal) -> dict[str, Any]:
    """Collect it, as plain JSON values, for what the principal may see."""
    here = topology.sites[site]
    return {
        "hotline": topology.hotline,
        "site": {"id": here.id, "name": here.name, "english": here.english, "lines": here.lines},
        "scope": principal.city,
        "outside_alone": sight_of(principal).outside_alone,
        "cities": [
            {
                "id": city.id,
                "name": city.name,
                "english": city.english,
                "area_code": city.area_code,
                "home": city.home == site,
            }
            for city in topology.cities.values()
            if site in city.sites and principal.city in (None, city.id)
        ],
        "dialects": [
            {"id": dialect.id, "name": dialect.name, "english": dialect.english}
            for dialect in topology.dialects.values()
            if dialect.staffed
        ],
        "kinds": [{"id": kind.id, "name": kind.name, "english": kind.english} for kind in policy.kinds.values()],
    }

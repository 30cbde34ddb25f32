"""What the live page must know of the network: names, caps, kinds of tickets. Pure."""

from collections.abc import Mapping
from typing import Any

from crm_adapter.policy import TicketPolicy
from tieline.model import CityId, SiteId
from tieline.principal import Principal
from tieline.topology import Topology


def about(
    topology: Topology, site: SiteId, policy: TicketPolicy, principal: Principal, limits: Mapping[CityId, int]
) -> dict[str, Any]:
    """Collect it, as plain JSON values, for what the principal may see.

    Args:
        topology: The network.
        site: Whose page it is.
        policy: Names the kinds of tickets.
        principal: Who looks.
        limits: Lines that each city may use at most now; a city that is missing is shown with 0.
    """
    here = topology.sites[site]
    return {
        "hotline": topology.hotline,
        "site": {"id": here.id, "name": here.name, "english": here.english, "lines": here.lines},
        "scope": principal.city,
        "cities": [
            {
                "id": city.id,
                "name": city.name,
                "english": city.english,
                "area_code": city.area_code,
                "cap": limits.get(city.id, 0),
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

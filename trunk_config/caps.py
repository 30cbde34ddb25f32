"""Plain caps: how many lines of a site a city may use. Pure.

Here the reserve rule (design section 5) will take its place beside the cap; `trunk_config.admission` holds the
atomic step that both decide in.
"""

from collections.abc import Mapping

from tieline.model import CityId, NodeId, SiteId
from tieline.topology import Topology


def site_caps(topology: Topology, site: SiteId) -> Mapping[CityId, int]:
    """Give each city's cap at a site; 0 for a city that the site never serves."""
    return {city.id: city.caps.get(site, 0) for city in topology.cities.values()}


def node_caps(topology: Topology) -> Mapping[tuple[NodeId, CityId], int]:
    """Share each site's caps over its nodes, rounded up: what a node counts alone when Redis is away."""
    shares: dict[tuple[NodeId, CityId], int] = {}
    for site in topology.sites.values():
        for city, cap in site_caps(topology, site.id).items():
            for node in site.nodes:
                shares[node.id, city] = -(-cap // len(site.nodes))
    return shares

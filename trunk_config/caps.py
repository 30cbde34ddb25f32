"""What one node counts against when Redis is away: its part of what a city may use of the site. Pure."""

from collections.abc import Mapping

from tieline.model import CityId, NodeId
from tieline.topology import Topology
from trunk_config.profiles import NORMAL, Profiles
from trunk_config.quota import site_quotas


def node_share(limit: int, nodes: int) -> int:
    """Share a city's limit over the nodes of a site, rounded up: together at most the rounding above it."""
    return -(-limit // nodes)


def node_caps(topology: Topology, profiles: Profiles) -> Mapping[tuple[NodeId, CityId], int]:
    """Give the caps of every node under the profile `normal`, which a node begins with; changes are told to it later.

    A city that a site has no quota for gets 0.
    """
    caps: dict[tuple[NodeId, CityId], int] = {}
    for site in topology.sites.values():
        quotas = site_quotas(topology, site.id, profiles[site.id, NORMAL].quotas)
        for city in topology.cities:
            for node in site.nodes:
                caps[node.id, city] = node_share(quotas.limit(city), len(site.nodes))
    return caps

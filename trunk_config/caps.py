"""What a node counts against while Redis is away: its part of the site's lines and of each city's limit. Pure."""

from collections.abc import Mapping

from tieline.model import CityId, NodeId
from tieline.topology import Topology
from trunk_config.profiles import NORMAL, Profiles
from trunk_config.quota import Quota, site_quotas


def node_share(limit: int, nodes: int) -> int:
    """Share a limit over the nodes of a site, rounded up: together at most the rounding above it."""
    return -(-limit // nodes)


def net_limits(lines: int, shares: Mapping[CityId, Quota]) -> Mapping[CityId, int]:
    """Give what each city of a site may use when nobody adds up what all of them use.

    That is its limit, less what would eat into the reserves of the others: one city in surge then leaves them free,
    as the reserve rule does. Two in surge can still meet in them; the lines of the node end it.

    Args:
        lines: Of the site.
        shares: Reserve of each city, and as `cap` its limit (`trunk_config.quota.SiteQuotas.limit`).
    """
    reserved = sum(share.reserve for share in shares.values())
    return {city: max(0, min(share.cap, lines - reserved + share.reserve)) for city, share in shares.items()}


def node_caps(topology: Topology, profiles: Profiles) -> Mapping[tuple[NodeId, CityId], int]:
    """Give the caps of every node under the profile `normal`, which a node begins with; changes are told to it later.

    A city that a site has no quota for gets 0.
    """
    caps: dict[tuple[NodeId, CityId], int] = {}
    for site in topology.sites.values():
        quotas = site_quotas(topology, site.id, profiles[site.id, NORMAL].quotas)
        shares = {city: Quota(quota.reserve, quotas.limit(city)) for city, quota in quotas.quotas.items()}
        limits = net_limits(quotas.lines, shares)
        for city in topology.cities:
            for node in site.nodes:
                caps[node.id, city] = node_share(limits.get(city, 0), len(site.nodes))
    return caps

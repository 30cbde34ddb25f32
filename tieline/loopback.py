"""Moving a topology on loopback addresses, so that several labs run side by side. Pure."""

import ipaddress
from dataclasses import dataclass, replace
from typing import Final

from tieline.errors import LocalProtocolError
from tieline.topology import Address, Site, Topology, TrunkGroup

_LOOPBACK: Final = ipaddress.ip_network("127.0.0.0/16")


def shift_loopback(topology: Topology, instance: int) -> Topology:
    """Move every address `127.0.x.y` to `127.<instance>.x.y`, so that several labs run side by side.

    Args:
        topology: A topology whose addresses all lie in 127.0.0.0/16.
        instance: 0 to 254; 0 leaves the topology as it is.

    Raises:
        LocalProtocolError: The instance is out of range, or an address is not in 127.0.0.0/16.
    """
    if instance == 0:
        return topology
    if not 0 < instance < 255:
        raise LocalProtocolError(f"loopback instance {instance} is not between 0 and 254")

    move = _Move(f"127.{instance}.")
    return replace(
        topology,
        edges=tuple(replace(edge, sip=move.address(edge.sip), rpc=move.address(edge.rpc)) for edge in topology.edges),
        sites={site.id: move.site(site) for site in topology.sites.values()},
        cities={
            city.id: replace(
                city,
                trunk_groups=tuple(map(move.trunk_group, city.trunk_groups)),
            )
            for city in topology.cities.values()
        },
    )


@dataclass(frozen=True, slots=True)
class _Move:
    """Moves addresses out of 127.0.0.0/16 under another prefix."""

    prefix: str

    def host(self, text: str) -> str:
        if ipaddress.ip_address(text) not in _LOOPBACK:
            raise LocalProtocolError(f"{text} is not in {_LOOPBACK}: only a lab on loopback can be shifted")
        return self.prefix + text.split(".", 2)[2]

    def address(self, address: Address) -> Address:
        return Address(self.host(address.host), address.port)

    def trunk_group(self, group: TrunkGroup) -> TrunkGroup:
        outbound = self.address(group.outbound) if group.outbound else None
        return replace(group, source=self.host(group.source), outbound=outbound)

    def site(self, site: Site) -> Site:
        return replace(
            site,
            nodes=tuple(replace(node, sip=self.address(node.sip), ami=self.address(node.ami)) for node in site.nodes),
            redis=self.address(site.redis),
            console=self.address(site.console),
            agi=tuple(self.address(agi) for agi in site.agi),
            local_address=self.host(site.local_address),
            replicas={of: self.address(replica) for of, replica in site.replicas.items()},
        )

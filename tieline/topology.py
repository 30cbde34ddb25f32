"""The topology: sites with their nodes, cities with their trunk groups, dialects, edges. Pure data.

A topology is read from one file by `tieline.topology_file.load_topology`, which refuses a file as a whole with all
its problems. What is here can be trusted: ids are unique, references resolve, addresses are used once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tieline.model import Business, CityId, CountyId, DialectId, NodeId, SiteId

CHANNELS_PER_E1: Final = 30
"""Voice channels of an E1: 32 time slots less framing (0) and signalling (16)."""


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """Where something listens: an IPv4 address and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        """Render as `host:port`."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Dialect:
    """A way to speak that callers, agents or prompts may have.

    Attributes:
        name: Chinese name.
        staffed: Agents are rostered for it; otherwise only a list of known speakers exists.
        prompts: The menu exists in it; otherwise Mandarin is played.
    """

    id: DialectId
    name: str
    english: str
    staffed: bool
    prompts: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """One Kamailio in front of the sites.

    Attributes:
        sip: Where trunk groups send the hotline's calls (UDP and TCP).
        rpc: Its HTTP JSON-RPC, on the site network only.
    """

    id: str
    sip: Address
    rpc: Address


@dataclass(frozen=True, slots=True)
class Node:
    """One Asterisk process.

    Attributes:
        id: Also Asterisk's `systemname`, so each `Uniqueid` begins with it.
        rtp_from: First UDP port for media, even.
        rtp_to: Last UDP port for media, inclusive.
    """

    id: NodeId
    site: SiteId
    sip: Address
    ami: Address
    rtp_from: int
    rtp_to: int


@dataclass(frozen=True, slots=True)
class Site:
    """A centre.

    Attributes:
        name: Chinese name.
        lines: Inbound channels that the site can carry at once.
        seats: Workplaces for agents.
        agi: AGI servers on the site's own host, tried in this order.
        local_address: What every client of the site binds to, so that a cut between sites cuts.
        replicas: Where this site reads what is going on at another one: a read-only copy of that one's Redis, here.
    """

    id: SiteId
    name: str
    english: str
    lines: int
    seats: int
    nodes: tuple[Node, ...]
    redis: Address
    console: Address
    agi: tuple[Address, ...]
    local_address: str
    replicas: Mapping[SiteId, Address] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TieLine:
    """The trunk between two sites, for callers whom an agent of the other site answers.

    Attributes:
        sites: Its two ends.
        channels: Calls it can carry at once, both directions together: 30 for each E1.
    """

    sites: frozenset[SiteId]
    channels: int


class TrunkState(StrEnum):
    """Whether a trunk group carries calls."""

    IN_SERVICE = "in_service"
    BLOCKED = "blocked"
    """For maintenance: new calls are refused, those in progress go on, so that it drains."""
    OUT_OF_SERVICE = "out_of_service"
    """Not handed over, or given up: the edge does not know its address."""


@dataclass(frozen=True, slots=True)
class TrunkGroup:
    """Circuits of one city from the carrier's exchange to the edge.

    Attributes:
        source: IPv4 address that its calls come from; it alone names the city.
        channels: Calls it can carry at once: 30 for each E1, or the count agreed for a SIP trunk.
        e1: E1 circuits; 0 for a SIP trunk.
        state: Only what is in service counts as access.
        outbound: Where the carrier takes calls out of it, None: nowhere.
    """

    id: str
    source: str
    channels: int
    e1: int
    state: TrunkState
    outbound: Address | None = None

    @property
    def in_service(self) -> bool:
        """Whether it takes new calls."""
        return self.state is TrunkState.IN_SERVICE


@dataclass(frozen=True, slots=True)
class County:
    """A county-level unit.

    Attributes:
        gb_code: Six-digit GB/T 2260 code, e.g. `350112`.
        dialects: Spoken there, main one first.
        direct_unit: Its power company reports to the province itself.
    """

    id: CountyId
    name: str
    gb_code: str
    dialects: tuple[DialectId, ...]
    direct_unit: bool


@dataclass(frozen=True, slots=True)
class City:
    """A prefecture.

    Attributes:
        area_code: With its leading zero, e.g. `0591`.
        home: Site that answers its calls.
        backup: Site that answers when the home site cannot.
        customers: Metered customers (an estimate in the example).
        dialects: In the order that the menu offers them; Mandarin is always among them.
    """

    id: CityId
    name: str
    english: str
    area_code: str
    home: SiteId
    backup: SiteId
    customers: int
    dialects: tuple[DialectId, ...]
    counties: tuple[County, ...]
    trunk_groups: tuple[TrunkGroup, ...]

    @property
    def access(self) -> int:
        """Channels of the trunk groups in service."""
        return sum(group.channels for group in self.trunk_groups if group.in_service)

    @property
    def sites(self) -> tuple[SiteId, SiteId]:
        """The sites that answer its calls: home and backup."""
        return (self.home, self.backup)


@dataclass(frozen=True, slots=True)
class Topology:
    """Everything that the rooms need to know of the network.

    Attributes:
        hotline: The number that callers dial.
        tie_lines: At most one between any two sites.
        business_sites: Businesses that belong to one site; another one answers them itself only while that site
            cannot be reached.
    """

    name: str
    hotline: str
    sites: Mapping[SiteId, Site]
    cities: Mapping[CityId, City]
    dialects: Mapping[DialectId, Dialect]
    edges: tuple[Edge, ...]
    tie_lines: tuple[TieLine, ...] = ()
    business_sites: Mapping[Business, SiteId] = field(default_factory=dict)

    def access(self, city: CityId) -> int:
        """Count the channels of a city's trunk groups in service."""
        return self.cities[city].access

    @property
    def nodes(self) -> Mapping[NodeId, Node]:
        """Every node of every site."""
        return {node.id: node for site in self.sites.values() for node in site.nodes}

    def tied_to(self, site: SiteId) -> Mapping[SiteId, TieLine]:
        """Give the sites that a site has a tie line to."""
        return {other: line for line in self.tie_lines if site in line.sites for other in line.sites - {site}}

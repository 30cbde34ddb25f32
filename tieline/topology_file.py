"""Reading a topology file into a `Topology`, or refusing it with every problem at once."""

from pathlib import Path

from tieline.model import Business, CityId, CountyId, DialectId, NodeId, SiteId
from tieline.toml_file import TomlFile
from tieline.toml_table import Table
from tieline.topology import (
    CHANNELS_PER_E1,
    Address,
    City,
    County,
    Dialect,
    Edge,
    Node,
    Site,
    TieLine,
    Topology,
    TrunkGroup,
    TrunkState,
)
from tieline.topology_rules import Draft, check

_NOWHERE = Address("", 0)


def load_topology(path: Path) -> Topology:
    """Read and check a topology file.

    Args:
        path: TOML such as `examples/fujian.toml`.

    Raises:
        ConfigError: The file is refused as a whole; `problems` holds all its faults, with line and mending.
    """
    file = TomlFile(path)
    root = file.root
    draft = Draft(
        root=root,
        dialects=[(_dialect(table), table) for table in root.tables("dialect")],
        edges=[(_edge(table), table) for table in root.tables("edge")],
        sites=[(_site(table), table) for table in root.tables("site")],
        cities=[(_city(table), table) for table in root.tables("city")],
        tie_lines=[(_tie_line(table), table) for table in root.tables("tie_line")],
        business_sites=_business_sites(root),
    )
    name = root.id("name")
    hotline = root.text("hotline", default="95598", max_length=15)
    if not (hotline.isascii() and hotline.isdigit()):
        root.fault("hotline", f"{hotline!r} is not all digits", "write the number as callers dial it")
    root.finish()
    check(draft)
    file.refuse_if_faulty()
    return Topology(
        name=name,
        hotline=hotline,
        sites={site.id: site for site, _ in draft.sites},
        cities={city.id: city for city, _ in draft.cities},
        dialects={dialect.id: dialect for dialect, _ in draft.dialects},
        edges=tuple(edge for edge, _ in draft.edges),
        tie_lines=tuple(line for line, _ in draft.tie_lines),
        business_sites={
            Business(business): SiteId(site)
            for business, site in (draft.business_sites[0] if draft.business_sites else {}).items()
        },
    )


def _dialect(table: Table) -> Dialect:
    dialect = Dialect(
        id=DialectId(table.id()),
        name=table.text("name"),
        english=table.text("english"),
        staffed=table.flag("staffed"),
        prompts=table.flag("prompts"),
    )
    table.finish()
    return dialect


def _edge(table: Table) -> Edge:
    edge = Edge(id=table.id(), sip=table.address("sip") or _NOWHERE, rpc=table.address("rpc") or _NOWHERE)
    table.finish()
    return edge


def _site(table: Table) -> Site:
    site_id = SiteId(table.id())
    site = Site(
        id=site_id,
        name=table.text("name"),
        english=table.text("english"),
        lines=table.integer("lines", 1, 10_000),
        seats=table.integer("seats", 1, 10_000),
        nodes=tuple(_node(node, site_id) for node in table.tables("node")),
        redis=table.address("redis") or _NOWHERE,
        console=table.address("console") or _NOWHERE,
        agi=table.addresses("agi"),
        local_address=table.host("local_address"),
        replicas=_replicas(table),
    )
    table.finish()
    return site


def _replicas(site: Table) -> dict[SiteId, Address]:
    if not site.has("replicas"):
        return {}
    table = site.table("replicas")
    found = {SiteId(name): table.address(name) or _NOWHERE for name in table.names()}
    table.finish()
    return found


def _tie_line(table: Table) -> TieLine:
    channels, _ = _circuits(table, "a tie line")
    line = TieLine(frozenset(SiteId(site) for site in table.texts("sites")), channels)
    table.finish()
    return line


def _business_sites(root: Table) -> tuple[dict[str, str], Table] | None:
    if not root.has("business_site"):
        return None
    table = root.table("business_site")
    found = {name: table.text(name) for name in table.names()}
    table.finish()
    return found, table


def _node(table: Table, site: SiteId) -> Node:
    node = Node(
        id=NodeId(table.id()),
        site=site,
        sip=table.address("sip") or _NOWHERE,
        ami=table.address("ami") or _NOWHERE,
        rtp_from=table.integer("rtp_from", 1024, 65_534),
        rtp_to=table.integer("rtp_to", 1025, 65_535),
    )
    table.finish()
    return node


def _city(table: Table) -> City:
    city = City(
        id=CityId(table.id()),
        name=table.text("name"),
        english=table.text("english"),
        area_code=table.text("area_code"),
        home=SiteId(table.id("home")),
        backup=SiteId(table.id("backup")),
        customers=table.integer("customers", 1, 100_000_000),
        dialects=tuple(DialectId(dialect) for dialect in table.texts("dialects")),
        counties=tuple(_county(county) for county in table.tables("counties")),
        trunk_groups=tuple(_trunk_group(group) for group in table.tables("trunk_group")),
    )
    table.finish()
    return city


def _county(table: Table) -> County:
    county = County(
        id=CountyId(table.id()),
        name=table.text("name"),
        gb_code=table.text("gb_code"),
        dialects=tuple(DialectId(dialect) for dialect in table.texts("dialects")),
        direct_unit=table.flag("direct_unit", default=False),
    )
    table.finish()
    return county


def _trunk_group(table: Table) -> TrunkGroup:
    channels, e1 = _circuits(table, "a trunk group")
    group = TrunkGroup(
        id=table.id(),
        source=table.host("source"),
        channels=channels,
        e1=e1,
        state=TrunkState(table.choice("state", tuple(TrunkState), default=TrunkState.IN_SERVICE)),
        outbound=table.address("outbound") if table.has("outbound") else None,
    )
    table.finish()
    return group


def _circuits(table: Table, what: str) -> tuple[int, int]:
    """Read how much a trunk carries: its channels, and how many E1 they are (0 for a SIP trunk)."""
    if table.has("e1") == table.has("sip_channels"):
        table.fault("", f"{what} has either `e1` or `sip_channels`", "write the one that it has")
    e1 = table.integer("e1", 1, 333, default=0)
    channels = table.integer("sip_channels", 1, 10_000, default=0)
    return max(channels, e1 * CHANNELS_PER_E1), e1

"""The rules that hold between the parts of a topology. Pure: they note faults in the tables that were read.

Each rule skips values that are already noted as wrong (empty texts, addresses without a host), so one slip gives
one message. Only the plain caps are checked here; what must hold between reserves is `trunk_config`'s to say.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from tieline.model import MANDARIN, Business, DialectId, SiteId
from tieline.toml_table import Table
from tieline.topology import Address, City, Dialect, Edge, Node, Site, TieLine

AREA_CODES: Final = tuple(f"059{digit}" for digit in range(1, 10))
"""Fujian's nine area codes."""

KINMEN: Final = "350527"
"""In the list of division codes under Quanzhou, but not served."""

_ENDS: Final = 2
_NODE_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_GB_CODE: Final = re.compile(r"35\d{4}", re.ASCII)

Keys = tuple[str | int, ...]
Found = tuple[Table, Keys]
"""A field: the table that was read, and the keys from there."""

Sites = dict[SiteId, tuple[Site, Table]]


@dataclass(frozen=True, slots=True)
class Draft:
    """What was read, each part beside its table."""

    root: Table
    dialects: list[tuple[Dialect, Table]]
    edges: list[tuple[Edge, Table]]
    sites: list[tuple[Site, Table]]
    cities: list[tuple[City, Table]]
    tie_lines: list[tuple[TieLine, Table]]
    business_sites: tuple[dict[str, str], Table] | None

    def nodes(self) -> Iterator[tuple[Node, Found]]:
        """Give every node and where it stands."""
        for site, table in self.sites:
            for position, node in enumerate(site.nodes):
                yield node, (table, ("node", position))

    def site_ids(self) -> set[SiteId]:
        """Give the ids of all sites."""
        return {site.id for site, _ in self.sites}


def check(draft: Draft) -> None:
    """Note every fault between the parts of a draft."""
    _check_present(draft)
    _check_ids(draft)
    _check_addresses(draft)
    _check_nodes(draft)
    _check_dialects(draft)
    _check_tie_lines(draft)
    sites = {site.id: (site, table) for site, table in draft.sites}
    for city, table in draft.cities:
        _check_sites_of_city(city, table, sites)
        _check_counties(city, table)


def _once(values: Iterator[tuple[object, Found]], what: str, mend: str) -> None:
    """Note each value that came before; empty values do not count."""
    seen: set[object] = set()
    for value, (table, keys) in values:
        if value in seen:
            table.fault(keys, f"{what} {value} is used twice", mend)
        elif value:
            seen.add(value)


def _check_present(draft: Draft) -> None:
    for kind, parts in (("site", draft.sites), ("city", draft.cities), ("dialect", draft.dialects)):
        if not parts:
            draft.root.fault("", f"there is no {kind}", f"add at least one [[{kind}]]")
    for site, table in draft.sites:
        if not site.nodes:
            table.fault("", "the site has no node", "add a [[site.node]]")
        if not site.agi:
            table.fault("agi", "the site has no AGI server", 'write e.g. agi = ["127.0.21.11:4573"]')
    for city, table in draft.cities:
        if not city.trunk_groups:
            table.fault("", "the city has no trunk group", "add a [[city.trunk_group]]")


def _check_ids(draft: Draft) -> None:
    mend = "give each its own"
    _once(((part.id, (table, ("id",))) for part, table in draft.dialects), "dialect id", mend)
    _once(((part.id, (table, ("id",))) for part, table in draft.edges), "edge id", mend)
    _once(((part.id, (table, ("id",))) for part, table in draft.sites), "site id", mend)
    _once(((part.id, (table, ("id",))) for part, table in draft.cities), "city id", mend)
    _once(((node.id, (table, (*keys, "id"))) for node, (table, keys) in draft.nodes()), "node id", mend)
    _once(_of_cities(draft, "counties", "id"), "county id", mend)
    _once(_of_cities(draft, "counties", "gb_code"), "GB code", mend)
    _once(_of_cities(draft, "trunk_group", "id"), "trunk group id", mend)
    _once(((city.area_code, (table, ("area_code",))) for city, table in draft.cities), "area code", mend)


def _of_cities(draft: Draft, kind: str, field: str) -> Iterator[tuple[object, Found]]:
    for city, table in draft.cities:
        for position, part in enumerate(city.counties if kind == "counties" else city.trunk_groups):
            yield getattr(part, field), (table, (kind, position, field))


def _listeners(draft: Draft) -> Iterator[tuple[Address, Found]]:
    for edge, table in draft.edges:
        yield edge.sip, (table, ("sip",))
        yield edge.rpc, (table, ("rpc",))
    for site, table in draft.sites:
        yield site.redis, (table, ("redis",))
        yield site.console, (table, ("console",))
        for position, agi in enumerate(site.agi):
            yield agi, (table, ("agi", position))
        for other, replica in site.replicas.items():
            yield replica, (table, ("replicas", other))
    for node, (table, keys) in draft.nodes():
        yield node.sip, (table, (*keys, "sip"))
        yield node.ami, (table, (*keys, "ami"))


def _check_addresses(draft: Draft) -> None:
    listeners = [(address, found) for address, found in _listeners(draft) if address.host]
    _once(iter(listeners), "address", "give each listener its own host or port")
    _once(
        _of_cities(draft, "trunk_group", "source"), "source", "one trunk group, one address: it alone names the city"
    )
    ours = {address.host for address, _ in listeners}
    for source, (table, keys) in _of_cities(draft, "trunk_group", "source"):
        if source in ours:
            table.fault(keys, f"{source} is an address of ours", "write the address of the carrier's end")


def _check_nodes(draft: Draft) -> None:
    seen: list[Node] = []
    edges = {edge.sip.host for edge, _ in draft.edges} - {""}
    for node, (table, keys) in draft.nodes():
        if node.sip.host in edges:
            table.fault(
                (*keys, "sip"),
                f"{node.sip.host} is an edge's address, too",
                "give each its own: other nodes know callers from calls of a node by the address alone",
            )
        if node.id and not _NODE_ID.fullmatch(node.id):
            table.fault((*keys, "id"), f"`{node.id}` is no node id", "no `_`: call ids begin with it")
        if node.rtp_from >= node.rtp_to or node.rtp_from % 2:
            table.fault(
                (*keys, "rtp_from"),
                f"RTP ports {node.rtp_from}–{node.rtp_to} are no range",
                "begin with an even port below the last one",
            )
            continue
        for listener in (node.sip, node.ami):
            if node.rtp_from <= listener.port <= node.rtp_to:
                table.fault(
                    (*keys, "rtp_from"), f"port {listener.port} of the node lies in its RTP ports", "move one"
                )
        for other in seen:
            same_host = other.sip.host == node.sip.host != ""
            if same_host and other.rtp_from <= node.rtp_to and node.rtp_from <= other.rtp_to:
                table.fault(
                    (*keys, "rtp_from"), f"RTP ports overlap those of {other.id} on the same host", "move one"
                )
        seen.append(node)


def _check_dialects(draft: Draft) -> None:
    known = {dialect.id: dialect for dialect, _ in draft.dialects}
    mandarin = known.get(MANDARIN)
    if draft.dialects and not (mandarin and mandarin.staffed and mandarin.prompts):
        draft.root.fault("dialect", "Mandarin must be there, staffed and with prompts", f'add id = "{MANDARIN}"')
    for city, table in draft.cities:
        if city.dialects and MANDARIN not in city.dialects:
            table.fault("dialects", "Mandarin is missing", f'add "{MANDARIN}": every city offers it')
        _check_known(city.dialects, known, table, ("dialects",))
        for position, dialect in enumerate(city.dialects):
            if dialect in known and not known[dialect].prompts:
                table.fault(("dialects", position), f"`{dialect}` has no prompts", "offer only dialects with a menu")
        for position, county in enumerate(city.counties):
            _check_known(county.dialects, known, table, ("counties", position, "dialects"))


def _check_tie_lines(draft: Draft) -> None:
    known = {site.id: (site, table) for site, table in draft.sites}
    seen: set[frozenset[SiteId]] = set()
    for line, table in draft.tie_lines:
        if len(line.sites) != _ENDS or not line.sites <= known.keys():
            if not table.wrong("sites"):
                table.fault("sites", "not two sites of this file", "name two of " + ", ".join(sorted(known)))
            continue
        if line.sites in seen:
            table.fault("sites", "a second tie line between the same sites", "write one with all its channels")
        seen.add(line.sites)
        for end in line.sites:
            site, of_site = known[end]
            for other in line.sites - {end} - site.replicas.keys():
                mend = f'add e.g. replicas = {{ {other} = "127.0.21.10:6380" }}'
                of_site.fault("", f"a tie line to {other} and no replica of its Redis", mend)
    for site, table in draft.sites:
        for other in site.replicas.keys() - (known.keys() - {site.id}):
            table.fault(("replicas", other), f"`{other}` is no other site", "remove it")
    if draft.business_sites is not None:
        _check_business_sites(*draft.business_sites, known.keys())


def _check_business_sites(business_sites: dict[str, str], table: Table, known: Collection[SiteId]) -> None:
    for business, site in business_sites.items():
        if business not in {str(one) for one in Business}:
            table.fault(business, f"`{business}` is no business", "use one of " + ", ".join(Business))
        elif site and site not in known:
            table.fault(business, f"site `{site}` is not known", "use one of " + ", ".join(sorted(known)))


def _check_known(dialects: tuple[DialectId, ...], known: dict[DialectId, Dialect], table: Table, keys: Keys) -> None:
    for position, dialect in enumerate(dialects):
        if dialect not in known:
            table.fault((*keys, position), f"dialect `{dialect}` is not known", "add a [[dialect]] or mend the id")


def _check_sites_of_city(city: City, table: Table, sites: Sites) -> None:
    if city.area_code and city.area_code not in AREA_CODES:
        table.fault("area_code", f"`{city.area_code}` is no area code of Fujian", "use one of 0591 to 0599")
    for role, site in (("home", city.home), ("backup", city.backup)):
        if site and site not in sites:
            table.fault(role, f"site `{site}` is not known", "use one of " + ", ".join(sorted(sites)))
    if city.home and city.home == city.backup:
        table.fault("backup", f"home and backup are both `{city.home}`", "name another site")


def _check_counties(city: City, table: Table) -> None:
    prefecture = next((county.gb_code[:4] for county in city.counties if _GB_CODE.fullmatch(county.gb_code)), "")
    for position, county in enumerate(city.counties):
        keys = ("counties", position, "gb_code")
        if not county.gb_code:
            continue
        if not _GB_CODE.fullmatch(county.gb_code):
            table.fault(keys, f"`{county.gb_code}` is no GB code of Fujian", "write 35 and four digits")
        elif county.gb_code == KINMEN:
            table.fault(keys, "Kinmen is not served", "remove it")
        elif county.gb_code[:4] != prefecture:
            table.fault(keys, f"{county.gb_code} is not in {prefecture}, as the city's first county is", "move it")
        if not county.dialects:
            table.fault(("counties", position), "the county has no dialect", "name at least the main one")

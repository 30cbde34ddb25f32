"""Groups of agents: named sets by site, dialect and business, read from a file. Pure but for the reading."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from routing.agents import Agent
from tieline.model import AgentId, Business, DialectId
from tieline.toml_file import Table, TomlFile
from tieline.topology import Topology


@dataclass(frozen=True, slots=True)
class Group:
    """A set of agents with a name.

    Attributes:
        name: Shown at desks and in reports.
        members: In the order of their ids.
    """

    id: str
    name: str
    members: tuple[AgentId, ...]


def load_groups(path: Path, topology: Topology, agents: Mapping[AgentId, Agent]) -> Mapping[str, Group]:
    """Read the groups' file.

    Raises:
        ConfigError: With every fault of the file and its line; nothing is taken from a faulty file.
    """
    file = TomlFile(path)
    groups: dict[str, Group] = {}
    tables = file.root.tables("group")
    file.root.finish()
    for table in tables:
        group = _read(table, topology, agents)
        if group.id in groups:
            table.fault("id", f"`{group.id}` is used twice", "give each group an id of its own")
        elif group.id:
            groups[group.id] = group
    file.refuse_if_faulty()
    return groups


def _read(table: Table, topology: Topology, agents: Mapping[AgentId, Agent]) -> Group:
    group_id = table.id()
    name = table.text("name")
    site = table.choice("site", [str(site) for site in topology.sites]) if table.has("site") else ""
    dialects = _names(table, "dialects", [str(dialect) for dialect in topology.dialects])
    business = _names(table, "business", [str(business) for business in Business])
    named = _names(table, "agents", [str(agent) for agent in agents])
    conditions = any(map(table.has, ("site", "dialects", "business")))
    found = {agent.id for agent in agents.values() if conditions and _fits(agent, site, dialects, business)}
    members = tuple(sorted(found | {AgentId(agent) for agent in named}))
    if not members:
        table.fault("id", f"`{group_id}` has no member", "widen its conditions, or name agents")
    table.finish()
    return Group(group_id, name, members)


def _names(table: Table, key: str, known: Collection[str]) -> tuple[str, ...]:
    values = table.texts(key, default=())
    for position, value in enumerate(values):
        if value not in known:
            table.fault((key, position), f"`{value}` is not known", "use one of " + ", ".join(sorted(known)))
    return tuple(value for value in values if value in known)


def _fits(agent: Agent, site: str, dialects: tuple[str, ...], business: tuple[str, ...]) -> bool:
    return all(_conditions(agent, site, dialects, business))


def _conditions(agent: Agent, site: str, dialects: tuple[str, ...], business: tuple[str, ...]) -> Iterator[bool]:
    if site:
        yield agent.site == site
    if dialects:
        yield any(agent.speaks(DialectId(dialect)) for dialect in dialects)
    if business:
        yield any(agent.trained_for(Business(one)) for one in business)

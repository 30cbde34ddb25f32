"""Who can answer: agents with their dialects and businesses, read from one file, all faults reported together."""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

from tieline.model import MANDARIN, AgentId, Business, CityId, CountyId, DialectId, Level, Need, SiteId
from tieline.toml_file import Table, TomlFile
from tieline.topology import Topology

AGENT_ID: Final = re.compile(r"a\d{3,8}", re.ASCII)
"""Also the name of the PJSIP endpoint, so that a channel's name tells the agent."""

_UNDERSTANDS: Final = (Level.NATIVE, Level.FLUENT)


class Place(IntEnum):
    """What an agent knows of a caller's place, best first."""

    COUNTY = 0
    CITY = 1
    NEITHER = 2


@dataclass(frozen=True, slots=True)
class Agent:
    """One customer representative.

    Attributes:
        name: Shown at desks and in reports.
        dialects: What the agent speaks, and how well; everybody speaks Mandarin.
        business: What the agent is trained for, and how well.
        cities: Where he knows his way about: streets, villages, who is responsible.
        counties: The same, more closely.
    """

    id: AgentId
    site: SiteId
    name: str
    dialects: Mapping[DialectId, Level]
    business: Mapping[Business, Level]
    cities: frozenset[CityId] = frozenset()
    counties: frozenset[CountyId] = frozenset()

    def speaks(self, dialect: DialectId) -> bool:
        """Tell whether the agent is native or fluent in a dialect."""
        return self.dialects.get(dialect) in _UNDERSTANDS

    def trained_for(self, business: Business) -> bool:
        """Tell whether the agent is trained for a business (`other` is everybody's)."""
        return business is Business.OTHER or business in self.business

    def place_known(self, need: Need) -> Place:
        """Tell how closely the agent knows the place of a call."""
        if need.county in self.counties:
            return Place.COUNTY
        return Place.CITY if need.city in self.cities else Place.NEITHER


def load_agents(path: Path, topology: Topology) -> Mapping[AgentId, Agent]:
    """Read the agents' file.

    Raises:
        ConfigError: With every fault of the file and its line; nothing is taken from a faulty file.
    """
    file = TomlFile(path)
    agents: dict[AgentId, Agent] = {}
    tables = file.root.tables("agent")
    file.root.finish()
    for table in tables:
        agent = _read(table, topology)
        if agent.id in agents:
            table.fault("id", f"`{agent.id}` is used twice", "give each agent an id of its own")
        elif agent.id:
            agents[agent.id] = agent
    if not tables:
        file.root.fault("", "there is no agent", "add [[agent]] tables: nobody would answer")
    file.refuse_if_faulty()
    return agents


def _read(table: Table, topology: Topology) -> Agent:
    agent_id = table.text("id")
    if agent_id and not AGENT_ID.fullmatch(agent_id):
        table.fault("id", f"`{agent_id}` is not a letter a and 3 to 8 digits", "write for example a1001")
        agent_id = ""
    dialects = dict(_read_levels(table.table("dialects"), [str(dialect) for dialect in topology.dialects]))
    business = dict(_read_levels(table.table("business"), [str(business) for business in Business]))
    if not business and not table.wrong("business"):
        table.fault("business", "no business", "an agent without one would never be offered a call")
    spoken = {MANDARIN: Level.FLUENT} | {DialectId(name): level for name, level in dialects.items()}
    if not any(level in _UNDERSTANDS for level in spoken.values()):
        table.fault("dialects", "understands nobody", "write what the agent is native or fluent in")
    agent = Agent(
        id=AgentId(agent_id),
        site=SiteId(table.choice("site", [str(site) for site in topology.sites])),
        name=table.text("name"),
        dialects=spoken,
        business={Business(name): level for name, level in business.items()},
        cities=frozenset(map(CityId, _places(table, "cities", topology.cities))),
        counties=frozenset(map(CountyId, _places(table, "counties", _counties(topology)))),
    )
    table.finish()
    return agent


def _places(table: Table, key: str, known: Collection[str]) -> Sequence[str]:
    """Read a list of cities or counties; none is fine."""
    names = table.texts(key, default=())
    for position, name in enumerate(names):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            mend = f"did you mean `{near[0]}`?" if near else "use ids of the topology"
            table.fault((key, position), f"`{name}` is not known here", mend)
    return names


def _counties(topology: Topology) -> frozenset[CountyId]:
    return frozenset(county.id for city in topology.cities.values() for county in city.counties)


def _read_levels(table: Table, known: Collection[str]) -> Iterator[tuple[str, Level]]:
    """Read a table of names with a level each; names that are not known are noted by `finish`."""
    for name in known:
        if table.has(name):
            level = table.choice(name, list(Level))
            if level:
                yield name, Level(level)
    table.finish()

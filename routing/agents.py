"""Who can answer: agents with their dialects and businesses, read from one file, all faults reported together."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tieline.errors import ConfigError, Problem
from tieline.model import MANDARIN, AgentId, Business, DialectId, Level, Need, SiteId
from tieline.topology import Topology

AGENT_ID: Final = re.compile(r"a\d{3,8}")
"""Also the name of the PJSIP endpoint, so that a channel's name tells the agent."""

_KEYS: Final = {"id", "site", "name", "dialects", "business"}
_UNDERSTANDS: Final = (Level.NATIVE, Level.FLUENT)


@dataclass(frozen=True, slots=True)
class Agent:
    """One customer representative.

    Attributes:
        name: Shown at desks and in reports.
        dialects: What the agent speaks, and how well; everybody speaks Mandarin.
        business: What the agent is trained for.
    """

    id: AgentId
    site: SiteId
    name: str
    dialects: Mapping[DialectId, Level]
    business: Mapping[Business, Level]

    def speaks(self, dialect: DialectId) -> bool:
        """Tell whether the agent is native or fluent in a dialect."""
        return self.dialects.get(dialect) in _UNDERSTANDS

    def handles(self, need: Need) -> bool:
        """Tell whether the agent is trained for the business of a need (`other` is everybody's)."""
        return need.business is Business.OTHER or need.business in self.business


def load_agents(path: Path, topology: Topology) -> Mapping[AgentId, Agent]:
    """Read the agents' file.

    Raises:
        ConfigError: With every fault of the file; nothing is taken from a faulty file.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(str(path), [Problem(path.name, str(error), "mend the file and start again")]) from error
    rows = document.get("agent", [])
    problems = [
        Problem(f"{path.name} {key}", "unknown table", "only [[agent]] belongs here")
        for key in document
        if key != "agent"
    ]
    agents: dict[AgentId, Agent] = {}
    for number, row in enumerate(rows, start=1):
        where = f"{path.name} agent[{number}] {row.get('id', '')}".rstrip()
        faults = [Problem(where, what, mend) for what, mend in _faults(row, topology)]
        if row.get("id") in agents:
            faults.append(Problem(where, "the id is used twice", "give each agent an id of his own"))
        problems += faults
        if not faults:
            agent = _agent(row)
            agents[agent.id] = agent
    if not rows:
        problems.append(Problem(path.name, "no agent", "add [[agent]] tables: nobody would answer"))
    if problems:
        raise ConfigError(str(path), problems)
    return agents


def _agent(row: Mapping[str, Any]) -> Agent:
    dialects = {DialectId(name): Level(level) for name, level in row["dialects"].items()}
    dialects.setdefault(MANDARIN, Level.FLUENT)
    return Agent(
        id=AgentId(row["id"]),
        site=SiteId(row["site"]),
        name=row["name"],
        dialects=dialects,
        business={Business(name): Level(level) for name, level in row["business"].items()},
    )


def _faults(row: Mapping[str, Any], topology: Topology) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with one table, and how to mend it."""
    for key in sorted(row.keys() - _KEYS):
        yield f"unknown key {key!r}", f"known: {', '.join(sorted(_KEYS))}"
    for key in sorted(_KEYS - row.keys()):
        yield f"{key!r} is missing", "add it"
    if "id" in row and not (isinstance(row["id"], str) and AGENT_ID.fullmatch(row["id"])):
        yield f"id {row['id']!r} is not a letter a and 3 to 8 digits", "for example a1001"
    if "site" in row and row["site"] not in topology.sites:
        yield f"unknown site {row['site']!r}", f"known: {', '.join(topology.sites)}"
    if "name" in row and not (isinstance(row["name"], str) and row["name"].strip()):
        yield "the name is empty", "write the name that desks show"
    yield from _level_faults(row.get("dialects", {}), "dialect", [str(name) for name in topology.dialects])
    yield from _level_faults(row.get("business", {}), "business", [str(name) for name in Business])
    if row.get("business") == {}:
        yield "no business", "an agent without a business would never be offered a call"


def _level_faults(table: object, what: str, known: list[str]) -> Iterator[tuple[str, str]]:
    if not isinstance(table, dict):
        yield f"{what} is not a table", f'write {what} = {{ {known[0]} = "fluent" }}'
        return
    for name, level in table.items():
        if name not in known:
            yield f"unknown {what} {name!r}", f"known: {', '.join(known)}"
        if level not in list(Level):
            yield f"unknown level {level!r} of {what} {name!r}", f"known: {', '.join(Level)}"

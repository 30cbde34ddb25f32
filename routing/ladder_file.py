"""Reading the ladders' file: its form, and whether the roster can fill it; all faults together, with their lines."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from routing.agents import Agent
from routing.choice_numbers import read_lanes, read_numbers
from routing.ladder_check import check_answered, check_steps
from routing.ladder_tables import LadderTable, join_steps, read_ladders
from routing.ladders import Ladder, LadderSet
from tieline.model import AgentId, Business, DialectId
from tieline.toml_file import Table, TomlFile
from tieline.topology import Topology

DATA: Final = Path(__file__).parent / "data" / "ladders.toml"


def load_ladders(
    topology: Topology, agents: Mapping[AgentId, Agent], path: Path = DATA, *, version: int = 0
) -> LadderSet:
    """Read the ladders from the disk; arguments and errors as `ladders_in`."""
    return ladders_in(TomlFile(path), topology, agents, version=version)


def ladders_in(
    file: TomlFile, topology: Topology, agents: Mapping[AgentId, Agent], *, version: int, kept: bool = False
) -> LadderSet:
    """Read the ladders.

    Args:
        file: The file.
        topology: Knows the dialects, and which of them are staffed.
        agents: The roster that is to fill the steps.
        version: Of what is in the file.
        kept: It was put some time ago, and may lack the numbers of `routing.choice_numbers.CAME_LATER`.

    Raises:
        ConfigError: With every fault of the file and its line; nothing is taken from a faulty file.
    """
    tables = read_ladders(file.root, topology)
    join_steps(tables)
    ladders = _by_need(file.root, tables, topology)
    lanes, numbers = read_lanes(file.root.table("lane")), read_numbers(file.root.table("number"), kept=kept)
    file.root.finish()
    is_whole = not file.problems  # else some ladder may lack its last step, which everybody falls to
    check_steps(tables, topology, agents.values())
    if is_whole:
        check_answered(file.root, ladders, topology, agents.values())
    file.refuse_if_faulty()
    return LadderSet(version, ladders, lanes, numbers)


def _by_need(
    root: Table, tables: list[LadderTable], topology: Topology
) -> Mapping[tuple[Business, DialectId], Ladder]:
    """Give each need its ladder: what names the dialect goes before what names the business, both before `*`."""
    named: dict[tuple[Business | None, DialectId | None], LadderTable] = {}
    for table in tables:
        for need in table.needs:
            if need in named:
                both = f"`{named[need].id}` and `{table.id}` are both for {_shown(need)}"
                table.table.fault("", both, "name each need once")
            named[need] = table
    found: dict[tuple[Business, DialectId], Ladder] = {}
    missing: set[Business] = set()
    for business in Business:
        for dialect in topology.dialects:
            wider = ((business, dialect), (None, dialect), (business, None), (None, None))
            of = next((named[need] for need in wider if need in named), None)
            if of is None:
                missing.add(business)
            else:
                found[business, dialect] = Ladder(of.id, of.steps)
    if missing and not root.wrong("ladder"):
        names = ", ".join(sorted(missing))
        root.fault("ladder", f"some dialects have no ladder for {names}", 'add one with business and dialect ["*"]')
    return found


def _shown(need: tuple[Business | None, DialectId | None]) -> str:
    business, dialect = need
    return f"{business or 'all business'} in {dialect or 'all dialects'}"

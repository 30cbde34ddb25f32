"""Whether a roster can fill the ladders: steps that nobody can take, dialects that nobody speaks. Pure."""

from collections.abc import Collection, Iterable, Mapping
from itertools import product

from routing.agents import Agent
from routing.kinds import takes
from routing.ladder_tables import LadderTable
from routing.ladders import Ladder, Reach, Step
from tieline.model import Business, DialectId
from tieline.toml_file import Table
from tieline.topology import Topology


def check_steps(tables: Iterable[LadderTable], topology: Topology, agents: Collection[Agent]) -> None:
    """Note every step that nobody can take, and every dialect that a ladder names and nobody speaks.

    A dialect that a ladder names must be spoken, a business that it names trained for. Of those that it does not name
    (`*`) any will do: a list of known speakers of a rare dialect may be empty, its callers are answered in Mandarin.
    """
    for table in tables:
        silent = sorted({dialect for _, dialect in table.needs if dialect and not _is_spoken(dialect, agents)})
        for unspoken in silent:
            table.table.fault("dialect", f"nobody speaks {unspoken}", _unnamed(unspoken, topology))
        for position, (step_table, step) in enumerate(table.own):
            for business, dialect in table.needs:
                if dialect not in silent and not _is_filled(step, business, dialect, topology, agents):
                    what = f"nobody can take step {position + 1} for {business or 'any business'}"
                    step_table.fault("accept", what + (f" in {dialect}" if dialect else ""), "train somebody for it")


def check_answered(
    root: Table,
    ladders: Mapping[tuple[Business, DialectId], Ladder],
    topology: Topology,
    agents: Collection[Agent],
) -> None:
    """Note every need that nobody ever answers, by whole ladders."""
    for business in Business:
        last = {dialect: ladders[business, dialect].steps[-1] for dialect in topology.dialects}
        forgotten = [asked for asked, step in last.items() if not _is_filled(step, business, asked, topology, agents)]
        if forgotten:
            what = f"nobody ever answers {business} in {', '.join(forgotten)}"
            root.fault("ladder", what, "train somebody for it, or let the last step accept mandarin")


def _unnamed(dialect: DialectId, topology: Topology) -> str:
    """Say how to do without speakers of a dialect."""
    mend = "find somebody, or do not name it"
    is_staffed = topology.dialects[dialect].staffed
    return f"{mend}: `staffed` names it as long as the topology says `staffed = true`" if is_staffed else mend


def _is_spoken(dialect: DialectId, agents: Collection[Agent]) -> bool:
    return any(agent.speaks(dialect) for agent in agents)


def _is_filled(
    step: Step,
    business: Business | None,
    dialect: DialectId | None,
    topology: Topology,
    agents: Collection[Agent],
) -> bool:
    """Tell whether somebody can take a step; of a step for the own site alone, somebody of each site."""
    needs = list(product([business] if business else Business, [dialect] if dialect else topology.dialects))
    sites = topology.sites if step.reach is Reach.OWN else list(topology.sites)[:1]
    return all(any(takes(step, agent, *need, site) for agent in agents for need in needs) for site in sites)

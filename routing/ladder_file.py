"""Reading the ladders' file, with what the roster cannot fill; all faults together, with their lines."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from routing.agents import Agent
from routing.ladders import Accept, Ladder, LadderSet, LaneTerms, Numbers, Reach, Step
from tieline.model import AgentId, Business, DialectId, Lane
from tieline.toml_file import Table, TomlFile
from tieline.topology import Topology

DATA: Final = Path(__file__).parent / "data" / "ladders.toml"
ANY: Final = "*"
_LONGEST_S: Final = 3600.0


def load_ladders(
    topology: Topology, agents: Mapping[AgentId, Agent], path: Path = DATA, *, version: int = 0
) -> LadderSet:
    """Read the ladders.

    Raises:
        ConfigError: With every fault of the file and its line; nothing is taken from a faulty file.
    """
    file = TomlFile(path)
    ladders = _ladders(file.root, topology)
    found = LadderSet(version, ladders, _lanes(file.root.table("lane")), _numbers(file.root.table("number")))
    file.root.finish()
    for business in Business:
        if not any(agent.trained_for(business) for agent in agents.values()):
            file.root.fault(
                "ladder", f"no agent is trained for {business}", "train one: such callers would wait for ever"
            )
    file.refuse_if_faulty()
    return found


def _ladders(root: Table, topology: Topology) -> Mapping[tuple[Business, DialectId], Ladder]:
    named: dict[tuple[str, str], Ladder] = {}
    for table in root.tables("ladder"):
        ladder = Ladder(table.id(), tuple(_step(step) for step in table.tables("step")))
        for business in _names(table, "business", list(Business)):
            for dialect in _names(table, "dialect", topology.dialects):
                named[business, dialect] = ladder
        table.finish()
    return {
        (business, dialect): named.get((business, dialect))
        or named.get((ANY, dialect))
        or named.get((business, ANY))
        or named[ANY, ANY]
        for business in Business
        for dialect in topology.dialects
    }


def _names(table: Table, key: str, known: Collection[str]) -> tuple[str, ...]:
    """Read names out of a closed set, or `*`."""
    names = table.texts(key)
    for position, name in enumerate(names):
        if name != ANY and name not in known:
            table.fault((key, position), f"`{name}` is not known here", "use one of " + ", ".join(sorted(known)))
    return names


def _step(table: Table) -> Step:
    step = Step(
        after_s=table.number("after_s", 0, _LONGEST_S),
        accept=Accept(table.choice("accept", list(Accept)) or Accept.MANDARIN),
        reach=Reach(table.choice("reach", list(Reach), default=Reach.ANY)),
        why=table.text("why", max_length=400),
        near_s=table.number("near_s", 0, _LONGEST_S, default=0.0),
        hold_s=table.number("hold_s", 0, _LONGEST_S, default=0.0),
        only_dialect_s=table.number("only_dialect_s", 0, _LONGEST_S, default=0.0),
    )
    table.finish()
    return step


def _lanes(root: Table) -> Mapping[Lane, LaneTerms]:
    lanes: dict[Lane, LaneTerms] = {}
    for lane in Lane:
        table = root.table(lane)
        table.text("why", max_length=400)
        lanes[lane] = LaneTerms(
            table.number("head_start_s", -_LONGEST_S, 10 * _LONGEST_S), table.flag("at_once", default=False)
        )
        table.finish()
    root.finish()
    return lanes


def _numbers(root: Table) -> Numbers:
    def number(name: str, highest: float) -> float:
        table = root.table(name)
        table.text("why", max_length=400)
        value = table.number("value", 0, highest)
        table.finish()
        return value

    numbers = Numbers(
        own_dialect_s=number("own_dialect_s", _LONGEST_S),
        no_dialect_s=number("no_dialect_s", _LONGEST_S),
        crossing_s=number("crossing_s", _LONGEST_S),
        reserve=number("reserve", 10),
        give_way_s=number("give_way_s", _LONGEST_S),
        talk_s=number("talk_s", _LONGEST_S),
        load_s=number("load_s", 24 * _LONGEST_S),
        look_again_s=number("look_again_s", _LONGEST_S),
        basic_price=number("basic_price", 1000),
        mandarin_price=number("mandarin_price", 1000),
        business_price=number("business_price", 1000),
        crossing_price=number("crossing_price", 1000),
        scarcity_price=number("scarcity_price", 1000),
        least_load=number("least_load", 100),
        place_among=int(number("place_among", 100)),
    )
    root.finish()
    return numbers

"""Reading the world's files (bench/data/*.toml); cities, customers and home sites are those of the example."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.world.model import Again, Callers, City, DayPlan, Mismatch, Staffing, Surge, World
from bench.world.people import Tongues, make_people
from routing.agents import Agent
from tieline.model import MANDARIN, Business, CityId, DialectId, Level, SiteId
from tieline.toml_file import Table, TomlFile
from tieline.topology import Dialect, Topology
from tieline.topology_file import load_topology

DATA: Final = Path(__file__).resolve().parent.parent / "data"
TOPOLOGY: Final = DATA.parent.parent / "examples" / "fujian.toml"

_TIME_AT_MOST_S: Final = 86_400.0
_HOUR_AT_MOST: Final = 48.0


def load_world() -> World:
    """Read everything.

    Raises:
        ConfigError: With every fault of a file.
    """
    topology = load_topology(TOPOLOGY)
    callers = _read_callers(TomlFile(DATA / "callers.toml"), topology)
    staffing, days = _read_days(TomlFile(DATA / "days.toml"), topology)
    return World(
        topology=_with_dialects(topology, callers),
        cities=[City(city.id, city.home, city.customers) for city in topology.cities.values()],
        callers=callers,
        people=_read_people(TomlFile(DATA / "seats.toml"), topology),
        staffing=staffing,
        days=days,
    )


def _with_dialects(topology: Topology, callers: Callers) -> Topology:
    """Add the dialects that callers ask for and the example does not tell apart."""
    asked = sorted({name for shares in callers.dialects.values() for name in shares} - topology.dialects.keys())
    more = {name: Dialect(name, name, name, staffed=True, prompts=False) for name in asked}
    return replace(topology, dialects={**topology.dialects, **more})


def _read_callers(file: TomlFile, topology: Topology) -> Callers:
    root = file.root
    times, language = root.table("times"), root.table("mandarin")
    dialects = root.table("dialects")
    callers = Callers(
        calls_per_1000_customers_day=root.number("calls_per_1000_customers_day", 0.0, 1000.0),
        hours=[weight for _, weight in sorted(_numbers(root.table("hours")).items())],
        open_from_hour=root.integer("open_from_hour", 0, 24),
        open_to_hour=root.integer("open_to_hour", 0, 24),
        round_the_clock=frozenset(Business(name) for name in root.texts("round_the_clock")),
        business=_by_business(root.table("business")),
        dialects={
            city: {DialectId(name): share for name, share in _numbers(dialects.table(city)).items()}
            for city in topology.cities
        },
        cannot=language.number("cannot", 0.0, 1.0),
        known=language.number("known", 0.0, 1.0),
        mismatch=Mismatch(**_numbers(root.table("mismatch"))),
        again=Again(**_numbers(root.table("again"))),
        **{name: times.number(name, 0.0, _TIME_AT_MOST_S) for name in _TIMES},
    )
    for table in (times, language, dialects, root):
        table.finish()
    file.refuse_if_faulty()
    return callers


_TIMES: Final = (
    "patience_s",
    "storm_patience_s",
    "talk_s",
    "talk_sigma",
    "wrap_up_s",
    "ring_least_s",
    "ring_most_s",
)


def _numbers(table: Table) -> dict[str, float]:
    """Read a table that holds numbers only, whatever their names."""
    return {name: table.number(name, 0.0, _TIME_AT_MOST_S) for name in table.names()}


def _by_business(table: Table) -> dict[Business, float]:
    return {Business(name): share for name, share in _numbers(table).items()}


def _read_people(file: TomlFile, topology: Topology) -> Mapping[SiteId, Sequence[Agent]]:
    trained = file.root.table("business")
    groups: dict[SiteId, list[tuple[int, Tongues]]] = {site: [] for site in topology.sites}
    for table in file.root.tables("people"):
        site = SiteId(table.choice("site", [str(site) for site in topology.sites]))
        tongues = {MANDARIN: Level.FLUENT, DialectId(table.id("native")): Level.NATIVE}
        tongues |= {DialectId(name): Level.BASIC for name in table.texts("basic", default=())}
        groups[site].append((table.integer("count", 1, 1000), tongues))
        table.finish()
    people = {
        site: make_people(site, 1000 * position, groups[site], _by_business(trained.table(site)))
        for position, site in enumerate(topology.sites, start=1)
    }
    trained.finish()
    file.root.finish()
    file.refuse_if_faulty()
    return people


def _read_days(file: TomlFile, topology: Topology) -> tuple[Staffing, Mapping[str, DayPlan]]:
    table = file.root.table("staffing")
    staffing = Staffing(
        answered=table.number("answered", 0.0, 1.0),
        within_s=table.number("within_s", 0.0, 600.0),
        handle_s=table.number("handle_s", 1.0, 3600.0),
        allowance=table.number("allowance", 0.1, 10.0),
        least=table.integer("least", 1, 100),
    )
    days = [_read_day(day, topology) for day in file.root.tables("day")]
    table.finish()
    file.root.finish()
    file.refuse_if_faulty()
    return staffing, {day.id: day for day in days}


def _read_day(table: Table, topology: Topology) -> DayPlan:
    day = DayPlan(
        id=table.id(),
        from_hour=_hour(table, "from_hour"),
        to_hour=_hour(table, "to_hour"),
        impatient=table.flag("impatient", default=False),
        factor=table.number("factor", 0.1, 10.0, default=1.0),
        called_in=table.integer("called_in", 0, 1000, default=0),
        called_in_from_hour=_hour(table, "called_in_from_hour"),
        called_in_to_hour=_hour(table, "called_in_to_hour"),
        kept_by_menu=table.number("kept_by_menu", 0.0, 1.0, default=0.0),
        surge_business=_by_business(table.table("surge_business")) if table.has("surge_business") else {},
        peak_from_hour=_hour(table, "peak_from_hour"),
        peak_to_hour=_hour(table, "peak_to_hour"),
        surges=[_read_surge(surge, topology) for surge in table.tables("surge")],
    )
    table.finish()
    return day


def _hour(table: Table, key: str) -> float:
    return table.number(key, 0.0, _HOUR_AT_MOST, default=0.0)


def _read_surge(table: Table, topology: Topology) -> Surge:
    cities = table.texts("cities")
    for city in cities:
        if city not in topology.cities:
            table.fault("cities", f"unknown city {city}", "use one of " + ", ".join(topology.cities))
    surge = Surge(
        cities=[CityId(city) for city in cities],
        at_hour=_hour(table, "at_hour"),
        factor=table.number("factor", 1.0, 100.0),
        rise_h=table.number("rise_h", 0.01, _HOUR_AT_MOST),
        hold_h=_hour(table, "hold_h"),
        halving_h=table.number("halving_h", 0.01, _HOUR_AT_MOST),
    )
    table.finish()
    return surge

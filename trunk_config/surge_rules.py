"""What counts as a surge and what it sets off, read from one file (`data/surge.toml`), all faults together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tieline.model import CityId, SiteId
from tieline.toml_file import Table, TomlFile
from tieline.topology import Topology
from trunk_config.profiles import Profiles
from trunk_config.surge import SLOT_S, Level, State, Thresholds
from trunk_config.usual import UsualRules

DATA: Final = Path(__file__).parent / "data" / "surge.toml"
_HIGHEST: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Effect:
    """What a state sets off for the city's callers.

    Attributes:
        refusal: Prompt of the spoken refusal, or empty: the usual one.
        short_menu: Whether callers begin in the short menu.
    """

    refusal: str = ""
    short_menu: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed when so many of a site's cities are in surge.

    Attributes:
        profile: Name of a profile, or empty: a diversion of the city to its backup site.
    """

    cities: int
    profile: str


@dataclass(frozen=True, slots=True)
class SurgeRules:
    """All of the file; the proposals with the most cities come first."""

    thresholds: Thresholds
    usual: UsualRules
    effects: Mapping[State, Effect]
    proposals: Sequence[Proposal]


def proposed(rules: SurgeRules, topology: Topology, in_surge: Iterable[CityId], city: CityId) -> str:
    """Say what is proposed for a city: `profile <name>`, `divert <site>`, or nothing when it is not in surge.

    Args:
        rules: Of the file.
        topology: Names backup sites.
        in_surge: The site's own cities in surge.
        city: For whom.
    """
    cities = frozenset(in_surge)
    found = next((proposal for proposal in rules.proposals if proposal.cities <= len(cities)), None)
    if found is None or city not in cities:
        return ""
    return f"profile {found.profile}" if found.profile else f"divert {topology.cities[city].backup}"


def load_surge_rules(profiles: Profiles, path: Path = DATA) -> SurgeRules:
    """Read the rules.

    Args:
        profiles: Those that may be proposed.
        path: The file.

    Raises:
        ConfigError: With every fault of the file. Whether prompts and menus exist is checked where they are known.
    """
    file = TomlFile(path)
    root = file.root
    rules = SurgeRules(_thresholds(root), _usual(root.table("usual")), _effects(root), _proposals(root, profiles))
    root.finish()
    file.refuse_if_faulty()
    return rules


def _thresholds(root: Table) -> Thresholds:
    rising, surge = _level(root.table("rising")), _level(root.table("surge"))
    if surge.enter <= rising.enter:
        root.fault(("surge", "enter"), f"{surge.enter:g} is not above that of rising, {rising.enter:g}", "raise it")
    if surge.leave < rising.leave:
        root.fault(("surge", "leave"), f"{surge.leave:g} is below that of rising, {rising.leave:g}", "raise it")
    window_s = root.integer("window_s", 60, 1800)
    if window_s % SLOT_S:
        root.fault("window_s", f"{window_s} is no multiple of {SLOT_S}", "round it")
    return Thresholds(window_s, root.integer("calm_after_s", 0, 7200), rising, surge)


def _level(table: Table) -> Level:
    level = Level(table.number("enter", 1.1, _HIGHEST), table.number("leave", 1.0, _HIGHEST))
    if level.leave >= level.enter:
        table.fault("leave", f"{level.leave:g} is not below `enter`, {level.enter:g}", "lower it, or states flutter")
    table.finish()
    return level


def _usual(table: Table) -> UsualRules:
    rules = UsualRules(
        floor=table.number("floor", 1.0, _HIGHEST),
        weight=table.number("weight", 0.01, 1.0),
        weight_unusual=table.number("weight_unusual", 0.0, 1.0),
        busy_calls_per_1000=table.number("calls_per_1000_a_day", 0.01, 100.0) * table.number("busy_hour", 0.01, 1.0),
    )
    table.finish()
    return rules


def _effects(root: Table) -> dict[State, Effect]:
    effects: dict[State, Effect] = {}
    for table in root.tables("effect"):
        state = table.choice("state", (State.RISING, State.SURGE))
        if state in effects:
            table.fault("state", f"{state} has two effects", "join them")
        effect = Effect(table.text("refusal", default=""), table.flag("short_menu", default=False))
        effects[State(state or State.SURGE)] = effect
        table.finish()
    return effects


def _proposals(root: Table, profiles: Profiles) -> list[Proposal]:
    sites = {site for site, _ in profiles}
    proposals: list[Proposal] = []
    for table in root.tables("proposal"):
        cities, profile = table.integer("cities", 1, 99), table.text("profile", default="")
        if table.flag("divert", default=False) == bool(profile):
            table.fault("", "exactly one of `profile` and `divert` is proposed", "write one of them")
        missing = [site for site in sorted(sites) if profile and (SiteId(site), profile) not in profiles]
        if missing:
            table.fault("profile", f"{', '.join(missing)} has no profile `{profile}`", "add it, or name another")
        if any(cities == other.cities for other in proposals):
            table.fault("cities", f"two proposals for {cities} cities", "keep one")
        proposals.append(Proposal(cities, profile))
        table.finish()
    return sorted(proposals, key=lambda proposal: -proposal.cities)

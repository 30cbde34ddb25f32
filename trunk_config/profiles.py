"""The quotas' file (`examples/quotas.toml`): profiles, and what is rationed beside them; all faults together."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tieline.model import CityId, SiteId
from tieline.toml_file import Table, TomlFile
from tieline.topology import Topology
from trunk_config.quota import LINES_AT_MOST, Allowances, Quota, faults

NORMAL: Final = "normal"
"""Every site has this profile: it is in force before anybody changed anything, and in the safety net."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of quotas of one site.

    Attributes:
        quotas: By city, one for every city that the site serves as home or backup.
        trunks: Trunk groups that must be in service before the profile can be put on.
    """

    name: str
    site: SiteId
    quotas: Mapping[CityId, Quota]
    trunks: tuple[str, ...] = ()


_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")

Profiles = Mapping[tuple[SiteId, str], Profile]
"""By site and name."""


def load_profiles(path: Path, topology: Topology) -> Profiles:
    """Read the profiles' file.

    Raises:
        ConfigError: With every fault of the file; nothing is taken from a faulty file.
    """
    file = TomlFile(path)
    _read_allowances(file.root)
    found: dict[tuple[SiteId, str], Profile] = {}
    trunks = {trunk.id for city in topology.cities.values() for trunk in city.trunk_groups}
    for table in file.root.tables("profile"):
        profile = _read(table)
        for position, trunk in enumerate(profile.trunks):
            if trunk not in trunks:
                table.fault(("trunks", position), f"no trunk group `{trunk}`", "name one of the topology")
        if (profile.site, profile.name) in found:
            table.fault("name", f"{profile.site} has two profiles `{profile.name}`", "rename one")
        for problem in faults(topology, profile.site, profile.quotas):
            table.fault("", f"{problem.where}: {problem.what}", problem.mend)
        found[profile.site, profile.name] = profile
    file.root.finish()
    for site in topology.sites:
        if (site, NORMAL) not in found:
            file.root.fault(
                "profile", f"site {site} has no profile `{NORMAL}`", "add it: it is in force from the start"
            )
    file.refuse_if_faulty()
    return found


def load_allowances(path: Path) -> Allowances:
    """Read what is rationed beside the quotas; `[rationed]` may be left out.

    Raises:
        ConfigError: With every fault of that table; those of the profiles are `load_profiles`'s to find.
    """
    file = TomlFile(path)
    allowances = _read_allowances(file.root)
    file.refuse_if_faulty()
    return allowances


def _read_allowances(root: Table) -> Allowances:
    plain = Allowances()
    if not root.has("rationed"):
        return plain
    table = root.table("rationed")
    numbers = table.texts("safety_numbers", default=())
    for position, number in enumerate(numbers):
        if not _E164.fullmatch(number):
            # Without the number: it is personal, and a message may be logged.
            table.fault(("safety_numbers", position), "not a number in E.164", "write +86591…")
    found = Allowances(
        messages=table.integer("messages", 0, LINES_AT_MOST, default=plain.messages),
        safety_lines=table.integer("safety_lines", 0, LINES_AT_MOST, default=plain.safety_lines),
        safety_numbers=frozenset(numbers),
    )
    table.finish()
    return found


def _read(table: Table) -> Profile:
    profile = Profile(
        name=table.id("name"),
        site=SiteId(table.text("site")),
        quotas=dict(_read_quotas(table.table("quotas"))),
        trunks=table.texts("trunks", default=()),
    )
    table.finish()
    return profile


def _read_quotas(table: Table) -> Iterator[tuple[CityId, Quota]]:
    for city in table.names():
        quota = table.table(city)
        yield CityId(city), Quota(quota.integer("reserve", 0, LINES_AT_MOST), quota.integer("cap", 0, LINES_AT_MOST))
        quota.finish()

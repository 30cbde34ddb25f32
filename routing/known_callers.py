"""What is known of callers before they say a word, by their number: lane, county, whether they manage no Mandarin.

Read from one file, all faults together. The life-safety list is not in it: that stands with what it is rationed by
(`trunk_config.quota.Allowances`), and its numbers have the first lane here. Pure but for loading.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tieline.model import CountyId, Lane
from tieline.toml_file import Table, TomlFile
from tieline.topology import Topology

_NOWHERE: Final = CountyId("")
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)


@dataclass(frozen=True, slots=True)
class KnownCaller:
    """What a number tells of who calls; of most nothing.

    Attributes:
        county: Where he is, or empty.
        only_dialect: He manages no Mandarin.
    """

    lane: Lane = Lane.NORMAL
    county: CountyId = _NOWHERE
    only_dialect: bool = False


UNKNOWN: Final = KnownCaller()

KnownCallers = Mapping[str, KnownCaller]
"""By number, E.164. Personal data."""


def load_known_callers(path: Path, topology: Topology) -> KnownCallers:
    """Read the callers' file.

    Raises:
        ConfigError: With every fault of the file and its line, but no number: it is personal, and a message may be
            logged. Nothing is taken from a faulty file.
    """
    file = TomlFile(path)
    counties = [str(county.id) for city in topology.cities.values() for county in city.counties]
    found: dict[str, KnownCaller] = {}
    for table in file.root.tables("caller"):
        number = table.text("number")
        if number and not _E164.fullmatch(number):
            table.fault("number", "not a number in E.164", "write +86591…")
        elif number in found:
            table.fault("number", "stands here twice", "say in one place what is known of a number")
        found[number] = _read(table, counties)
    file.root.finish()
    file.refuse_if_faulty()
    return found


def _read(table: Table, counties: Collection[str]) -> KnownCaller:
    is_important = table.flag("important", default=False)
    known = KnownCaller(
        lane=Lane.IMPORTANT if is_important else Lane.NORMAL,
        county=CountyId(table.choice("county", counties, default="")),
        only_dialect=table.flag("only_dialect", default=False),
    )
    if known == UNKNOWN and not any(map(table.wrong, ("important", "county", "only_dialect"))):
        table.fault("", "says nothing of the caller", "write important, county or only_dialect, or remove it")
    table.finish()
    return known


def with_life_safety(known: KnownCallers, numbers: Iterable[str]) -> KnownCallers:
    """Give the first lane to the numbers of the life-safety list, whatever else is known of them."""
    return {**known, **{number: replace(known.get(number, UNKNOWN), lane=Lane.LIFE_SAFETY) for number in numbers}}

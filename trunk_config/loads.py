"""Offered loads by city: a file (`examples/load.toml`), or a list on the command line (`fuzhou=12.4,putian=4.9`)."""

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from tieline.errors import ConfigError, Problem
from tieline.model import CityId
from tieline.toml_file import TomlFile
from tieline.topology import Topology
from trunk_config.erlang import LOAD_AT_MOST

FACTOR_AT_MOST: Final = 1000.0
"""Of a "what if"; above that a number is a slip of the hand."""


ByCity = Mapping[CityId, float]
"""Loads in Erlang, or factors."""


def load_loads(path: Path, topology: Topology) -> ByCity:
    """Read a file of loads: a table `erlang` with a number for each city.

    Raises:
        ConfigError: With every fault of the file.
    """
    file = TomlFile(path)
    table = file.root.table("erlang")
    loads: dict[CityId, float] = {}
    for name in table.names():
        city = CityId(name)
        if city not in topology.cities:
            table.fault(name, f"unknown city {name}", "use one of " + ", ".join(topology.cities))
        loads[city] = table.number(name, 0.0, LOAD_AT_MOST)
    table.finish()
    file.root.finish()
    file.refuse_if_faulty()
    return loads


def parse_by_city(text: str, known: Collection[CityId], *, most: float, what: str) -> ByCity:
    """Read `city=number,city=number`.

    Args:
        text: May be empty.
        known: Cities that may be named.
        most: The greatest number allowed; the least is 0.
        what: Names the list in faults, e.g. `--load`.

    Raises:
        ConfigError: With every fault of the list.
    """
    found: dict[CityId, float] = {}
    problems: list[Problem] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = (half.strip() for half in part.partition("="))
        city, value = CityId(name), _maybe_number(number)
        if city not in known:
            problems.append(Problem(what, f"unknown city {name!r}", "use one of " + ", ".join(known)))
        elif city in found:
            problems.append(Problem(what, f"{name} stands here twice", "remove one"))
        elif value is None or not 0 <= value <= most:
            problems.append(Problem(f"{what} {name}", f"{number!r} is out of range", f"write 0 to {most:g}"))
        else:
            found[city] = value
    if problems:
        raise ConfigError(what, problems)
    return found


def _maybe_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None

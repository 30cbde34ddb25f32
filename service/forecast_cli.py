"""`tieline quota forecast`: the lines each city needs, and the loss to be expected, as table, picture or JSON.

In `service` because it joins two rooms: what was measured is with the calls (`crm_adapter`), the forecast with the
quotas (`trunk_config`).
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import click
import msgspec
from rich.console import Console

from console.measured_load import DAYS, DAYS_AT_MOST, measured_load
from crm_adapter.store import Store
from tieline.clock import system_clock
from tieline.command_line import errors_told
from tieline.database import Database, create_schema
from tieline.errors import ConfigError, Problem
from tieline.faults import Faults
from tieline.model import SiteId
from tieline.settings import Settings
from tieline.topology import Topology
from tieline.topology_file import load_topology
from trunk_config.desk import Desk
from trunk_config.erlang import LOAD_AT_MOST
from trunk_config.forecast import Comparison, compare
from trunk_config.forecast_table import forecast_table
from trunk_config.loads import FACTOR_AT_MOST, ByCity, load_loads, parse_by_city
from trunk_config.profiles import Profiles, load_profiles

_FORMS: Final[Mapping[str, Literal["png", "svg"]]] = {".png": "png", ".svg": "svg"}
"""What kind of picture a file's name asks for."""


@click.command("forecast")
@click.argument("site")
@click.option("--profile", help="Compare with this profile of the quotas' file.")
@click.option("--what-if", "factors", default="", help="Multiply loads: fuzhou=12,putian=3.")
@click.option("--load", "typed", default="", help="Offered loads in Erlang: fuzhou=12.4,putian=4.9.")
@click.option(
    "--load-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Offered loads of a file, for the cities whose home SITE is.",
)
@click.option("--days", type=click.IntRange(1, DAYS_AT_MOST), default=DAYS, show_default=True, help="Days measured.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw it into this .png or .svg file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def forecast_command(settings: Settings, /, plot: Path | None, as_json: bool, **asked: Any) -> None:
    """Foretell SITE's loss: lines that each city needs for 1 % loss; loss under the quotas in force, and as proposed.

    Loads are measured unless they are given.
    """
    with errors_told(as_json=as_json):
        topology = load_topology(settings.topology)
        found = _answer(settings, topology, _Question(**asked, picture=plot))
        if plot:
            from trunk_config.forecast_plot import render_plot

            _save(render_plot(found, topology.cities, _FORMS[plot.suffix]), plot)
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    else:
        Console().print(forecast_table(found))


@dataclass(frozen=True, slots=True)
class _Question:
    """What was typed."""

    site: str
    profile: str | None
    factors: str
    typed: str
    load_file: Path | None
    days: int
    picture: Path | None


def _answer(settings: Settings, topology: Topology, asked: _Question) -> Comparison:
    """Forecast as asked.

    Raises:
        TielineError: Something typed or a file is wrong, or SQL is away.
    """
    profiles = load_profiles(settings.quotas, topology)
    faults = Faults(_unknown(asked, topology, profiles))
    factors: ByCity = {}
    of_file: ByCity = {}
    typed: ByCity = {}
    with faults.kept():
        factors = parse_by_city(asked.factors, topology.cities, most=FACTOR_AT_MOST, what="--what-if")
    with faults.kept():
        of_file = _of_file(topology, asked)
    with faults.kept():
        typed = parse_by_city(asked.typed, topology.cities, most=LOAD_AT_MOST, what="--load")
    faults.refuse_if_any("forecast")
    site, told = SiteId(asked.site), _told(asked)
    loads: ByCity = {**of_file, **typed}
    with closing(Database(settings.database_url, deadline_s=settings.sql_deadline_s)) as database:
        create_schema(database)
        if not loads:
            loads, told = asyncio.run(
                measured_load(Store(database), topology, site, days=asked.days, now=system_clock())
            )
        present = asyncio.run(Desk(database, topology, profiles).newest(site))
    proposed = profiles[site, asked.profile] if asked.profile else None
    return compare(topology, present, proposed, loads, factors=factors, loads_from=told)


def _unknown(asked: _Question, topology: Topology, profiles: Profiles) -> Iterator[Problem]:
    """Yield the words that are none of those known."""
    names = [name for (of, name) in profiles if of == asked.site]
    if not names:
        yield Problem("SITE", f"unknown: {asked.site}", "use one of " + ", ".join(topology.sites))
    elif asked.profile is not None and asked.profile not in names:
        yield Problem("--profile", f"unknown: {asked.profile}", "use one of " + ", ".join(names))
    if asked.picture is not None and asked.picture.suffix not in _FORMS:
        yield Problem("--plot", f"no picture we draw: {asked.picture.suffix}", "name it .png or .svg")


def _of_file(topology: Topology, asked: _Question) -> ByCity:
    found = load_loads(asked.load_file, topology) if asked.load_file else {}
    return {city: load for city, load in found.items() if topology.cities[city].home == asked.site}


def _told(asked: _Question) -> str:
    """Say where loads that were given come from."""
    return " and ".join(([asked.load_file.name] if asked.load_file else []) + (["--load"] if asked.typed else []))


def _save(picture: bytes, path: Path) -> None:
    """Write a picture.

    Raises:
        ConfigError: It cannot be written there.
    """
    try:
        path.write_bytes(picture)
    except OSError as error:
        problem = Problem(str(path), f"cannot be written: {error.strerror}", "check path and rights")
        raise ConfigError("--plot", [problem]) from error

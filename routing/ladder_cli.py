"""`tieline route ladders …`. Mounted by `service.cli`, which puts the `Settings` into `obj`.

They act as the user of the operating system who types them. What is refused ends with 2, what fails with 1, each
with every reason.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from routing.agents import load_agents
from routing.ladder_desk import LadderDesk
from routing.ladder_file import load_ladders
from routing.ladder_versions import LadderVersion, difference
from tieline.clock import iso_china
from tieline.command_line import errors_told
from tieline.database import Database, create_schema
from tieline.principal import os_principal
from tieline.settings import Settings
from tieline.topology_file import load_topology

_json: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_why: Final = click.option("--why", required=True, help="The reason, for the audit trail.")
_base: Final = click.option("--base", type=int, help="The version you saw; without it the one in force now.")
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def ladders() -> None:
    """How needs are relaxed as callers wait: what is in force, changes, versions."""


@ladders.command()
@click.option("--version", "number", type=int, help="Another one than what is in force.")
@_json
@click.pass_obj
def show(settings: Settings, number: int | None, as_json: bool) -> None:
    """Print the ladders in force, as a file for `put`."""

    async def work(desk: LadderDesk) -> None:
        version = await desk.version(number)
        if as_json:
            click.echo(msgspec.json.encode(version).decode())
            return
        click.echo(_head(version), err=True)
        click.echo(version.text, nl=False)

    _run(settings, work, as_json)


@ladders.command()
@click.argument("file", type=_FILE)
@_json
@click.pass_obj
def check(settings: Settings, file: Path, as_json: bool) -> None:
    """Tell everything that is wrong with FILE; nothing is changed."""
    with errors_told(as_json=as_json):
        topology = load_topology(settings.topology)
        load_ladders(topology, load_agents(settings.agents, topology), file)
    click.echo('{"ok":true}' if as_json else f"{file}: nothing is wrong")


@ladders.command()
@click.argument("file", type=_FILE)
@_why
@_base
@_json
@click.pass_obj
def put(settings: Settings, file: Path, why: str, base: int | None, as_json: bool) -> None:
    """Put FILE in force at all sites, within a second; refused whole with every reason."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"not UTF-8: {error}", param_hint="FILE") from error

    async def work(desk: LadderDesk) -> None:
        before = await desk.version()
        seen = before.version if base is None else base
        _print_change(before, await desk.put(text, why=why, base=seen, by=os_principal()), as_json)

    _run(settings, work, as_json)


@ladders.command()
@click.option("--to", type=int, help="Which version's text; without it the one before the newest.")
@_why
@_base
@_json
@click.pass_obj
def undo(settings: Settings, to: int | None, why: str, base: int | None, as_json: bool) -> None:
    """Bring the text of a former version back, as a new version; 0 is what ships with Tieline."""

    async def work(desk: LadderDesk) -> None:
        before = await desk.version()
        seen = before.version if base is None else base
        _print_change(before, await desk.undo(to, why=why, base=seen, by=os_principal()), as_json)

    _run(settings, work, as_json)


@ladders.command()
@click.option("--newest", type=click.IntRange(1, 1000), default=20, show_default=True)
@_json
@click.pass_obj
def history(settings: Settings, newest: int, as_json: bool) -> None:
    """List the versions: who, when, why, and what each changed."""

    async def work(desk: LadderDesk) -> None:
        found = await desk.history(newest=newest)
        if as_json:
            click.echo(msgspec.json.encode(found).decode())
            return
        for version, former in zip(found, [*found[1:], None], strict=True):
            click.echo(_head(version))
            for line in difference(former, version)[2:] if former else ():
                click.echo(f"    {line}")

    _run(settings, work, as_json)


def _head(version: LadderVersion) -> str:
    when = f"  {iso_china(version.at)}" if version.at else ""
    return f"version {version.version}{when}  {version.by}: {version.why}"


def _print_change(before: LadderVersion, made: LadderVersion, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode({"version": made.version, "difference": difference(before, made)}).decode())
        return
    click.echo(_head(made))
    for line in difference(before, made)[2:]:
        click.echo(f"    {line}")


def _run(settings: Settings, work: Callable[[LadderDesk], Coroutine[Any, Any, None]], as_json: bool) -> None:
    database = Database(settings.database_url, deadline_s=settings.sql_deadline_s)
    with errors_told(as_json=as_json), closing(database):
        topology = load_topology(settings.topology)
        desk = LadderDesk(database, topology, load_agents(settings.agents, topology))
        create_schema(database)
        asyncio.run(work(desk))

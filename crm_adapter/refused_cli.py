"""Commands of the room: `tieline refused …`. Mounted by `service.cli`, which puts the `Settings` into `obj`."""

import asyncio
from contextlib import closing

import click
import msgspec

from crm_adapter.refused import READ, RefusedNumber
from crm_adapter.store import Store
from tieline import audit
from tieline.clock import iso_china, system_clock
from tieline.command_line import errors_told
from tieline.database import Database, create_schema
from tieline.moment import PAST_FORMS, read_moment
from tieline.principal import os_principal
from tieline.settings import Settings
from tieline.topology_file import load_topology


@click.group()
def refused() -> None:
    """Numbers that were refused a line, for the city to call back."""


@refused.command(name="list")
@click.option("--city", required=True, help="Whose callers.")
@click.option("--since", default="-1d", show_default=True, help=f"From when on: {PAST_FORMS}.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(settings: Settings, city: str, since: str, as_json: bool) -> None:
    """List each refused number once: how often, when last, its open ticket, and whether it got through later."""
    try:
        begin = read_moment(since, system_clock(), past=True)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--since") from error
    database = Database(settings.database_url, deadline_s=settings.sql_deadline_s)
    with errors_told(as_json=as_json), closing(database):
        known = load_topology(settings.topology).cities
        if city not in known:
            raise click.BadParameter(f"{city!r} is not one of {', '.join(known)}", param_hint="--city")
        create_schema(database)
        found = asyncio.run(Store(database).refused(city, since=begin))
        with database.transaction() as connection:
            audit.record(connection, os_principal(), READ, f"city:{city}")
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for one in found.numbers:
        click.echo(_line(one))
    if not found.numbers:
        click.echo(f"no number of {city} was refused since {iso_china(begin)}", err=True)
    if found.without_number:
        click.echo(f"{found.without_number} refused calls did not show a number", err=True)


def _line(one: RefusedNumber) -> str:
    through = f"through {iso_china(one.through_at)}" if one.through_at else "not yet through"
    times = f"{one.times:3} {'time ' if one.times == 1 else 'times'}"
    return f"{one.number:18}  {times}  last {iso_china(one.last_at)}  {through:24}  {one.ticket}".rstrip()

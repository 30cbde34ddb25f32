"""`tieline callback …`: who is to be called back. Mounted by `service.cli`, which puts the `Settings` into `obj`."""

import click
import msgspec

from routing.callback import Callback, State
from routing.store import fetch_callbacks
from tieline import audit
from tieline.clock import iso_china
from tieline.database import Database, create_schema
from tieline.errors import TielineError
from tieline.principal import os_principal
from tieline.settings import Settings

READ = "callback.read"


@click.group()
def callback() -> None:
    """Callers to be called back."""


@callback.command(name="list")
@click.option("--all", "ended", is_flag=True, help="The ended ones, too, of the newest thousand.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(settings: Settings, ended: bool, as_json: bool) -> None:
    """List who is to be called back, by place: since when he waits, how often he was tried. Reading is audited."""
    database = Database(settings.database_url, deadline_s=settings.sql_deadline_s)
    try:
        create_schema(database)
        with database.transaction() as connection:
            found = fetch_callbacks(connection, is_open=not ended)
            audit.record(connection, os_principal(), READ, "callback:all" if ended else "callback:open")
    except TielineError as error:
        raise click.ClickException(str(error)) from error
    finally:
        database.close()
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for one in found:
        click.echo(_line(one))


def _line(one: Callback) -> str:
    after = f"not before {iso_china(one.next_at)}" if one.next_at and one.state is State.OPEN else ""
    return (
        f"{iso_china(one.since)}  {one.number:16}  {one.city:10}  {one.business:10}  {one.dialect:10}  {one.why:8}"
        f"  {one.state:12}  {one.tries} in vain  {after}".rstrip()
    )

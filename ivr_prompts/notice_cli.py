"""Commands of the room: `tieline notice …`. Mounted by `service.cli`, which puts the `Settings` into `obj`."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import click
import msgspec

from ivr_prompts.notice import Notice, load_causes
from ivr_prompts.notice_desk import NoticeDesk
from tieline.clock import iso_china
from tieline.command_line import errors_told
from tieline.database import Database, create_schema
from tieline.moment import FORMS
from tieline.principal import os_principal
from tieline.settings import Settings
from tieline.topology_file import load_topology

_county = click.option("--county", default="", help="A county of the city; without it the whole city.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def notice() -> None:
    """Notices of outages: told to callers at the greeting and at a refusal, shown to agents."""


@notice.command(name="set")
@click.argument("city")
@_county
@click.option("--cause", required=True, help="One of: " + ", ".join(load_causes()) + ".")
@click.option("--until", required=True, help=f"When power is expected back: {FORMS}, at most 7 days away.")
@_json
@click.pass_obj
def set_(settings: Settings, city: str, county: str, cause: str, until: str, as_json: bool) -> None:
    """Tell of an outage in CITY; an older notice of the same place is replaced. Callers hear it within 2 s."""
    with _desk(settings, as_json) as desk:
        made = desk.set(city, county, cause=cause, until=until, by=os_principal())
    _show(made, as_json, "set: ")


@notice.command()
@click.argument("city")
@_county
@_json
@click.pass_obj
def clear(settings: Settings, city: str, county: str, as_json: bool) -> None:
    """Take the notice of CITY, or of one of its counties, back before its end."""
    with _desk(settings, as_json) as desk:
        gone = desk.clear(city, county, by=os_principal())
    _show(gone, as_json, "cleared: ")


@notice.command(name="list")
@_json
@click.pass_obj
def list_(settings: Settings, as_json: bool) -> None:
    """List the notices that hold now."""
    with _desk(settings, as_json) as desk:
        found = desk.all()
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for one in found:
        _show(one, as_json)
    if not found:
        click.echo("no notice holds", err=True)


@contextmanager
def _desk(settings: Settings, as_json: bool) -> Iterator[NoticeDesk]:
    """Open the desk; what is refused ends with 2, what fails with 1, each with every reason."""
    database = Database(settings.database_url, deadline_s=settings.sql_deadline_s)
    with errors_told(as_json=as_json), closing(database):
        create_schema(database)
        yield NoticeDesk(database, load_topology(settings.topology), load_causes())


def _show(one: Notice, as_json: bool, done: str = "") -> None:
    if as_json:
        click.echo(msgspec.json.encode(one).decode())
        return
    times = f"until {iso_china(one.until)}  since {iso_china(one.since)}"
    click.echo(f"{done}{one.key:24}  {one.cause:10}  {times}  {one.by}")

"""Commands of the ground floor: `tieline token …`. Mounted by `service.cli`, which puts the `Settings` into `obj`."""

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict

import click

from tieline.clock import iso_china
from tieline.command_line import errors_told
from tieline.database import Database, create_schema
from tieline.errors import ConfigError, Problem
from tieline.model import CityId, SiteId
from tieline.principal import Principal, Role, os_principal
from tieline.settings import Settings
from tieline.store import TokenRow
from tieline.tokens import Tokens
from tieline.topology_file import load_topology


@click.group()
def token() -> None:
    """Bearer tokens for the API."""


@token.command()
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--name", required=True, help="Who will use it; an agent's id for the role agent.")
@click.option("--city", help="Cover this city only.")
@click.option("--site", help="Cover this site only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def new(settings: Settings, role: str, name: str, city: str | None, site: str | None, as_json: bool) -> None:
    """Make a token and print it, this once."""
    principal = Principal(
        role=Role(role), city=CityId(city) if city else None, site=SiteId(site) if site else None, name=name
    )
    with errors_told(as_json=as_json):
        topology = load_topology(settings.topology)
        problems = [*_unknown("--city", city, topology.cities), *_unknown("--site", site, topology.sites)]
        if problems:
            raise ConfigError("token new", problems)
        made = _tokens(settings).new(principal, by=os_principal())
    if as_json:
        click.echo(json.dumps({"id": made.id, "token": made.text}))
    else:
        click.echo(made.text)
        click.echo(f"id {made.id}; it is shown this once", err=True)


@token.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.pass_obj
def list_(settings: Settings, as_json: bool) -> None:
    """List all tokens (the tokens themselves are not stored)."""
    with errors_told(as_json=as_json):
        rows = _tokens(settings).all()
    if as_json:
        click.echo(json.dumps([_shown(row) for row in rows], ensure_ascii=False))
        return
    for row in rows:
        scope = row.city or row.site or "all"
        state = f"revoked {iso_china(row.revoked_at)}" if row.revoked_at else "valid"
        click.echo(f"{row.id}  {row.role:10}  {scope:10}  {iso_china(row.made_at)}  {state}  {row.name}")


@token.command()
@click.argument("token_id")
@click.option("--why", default="", help="For the audit trail.")
@click.pass_obj
def revoke(settings: Settings, token_id: str, why: str) -> None:
    """Revoke the token with this id."""
    with errors_told():
        revoked = _tokens(settings).revoke(token_id, by=os_principal(), why=why)
    if not revoked:
        raise click.ClickException(f"no valid token has the id {token_id}")
    click.echo(f"revoked {token_id}")


def _tokens(settings: Settings) -> Tokens:
    database = Database(settings.database_url, deadline_s=settings.sql_deadline_s)
    click.get_current_context().call_on_close(database.close)
    create_schema(database)
    return Tokens(database)


def _unknown(option: str, value: str | None, known: Collection[str]) -> Iterator[Problem]:
    if value is not None and value not in known:
        yield Problem(option, f"unknown: {value}", "use one of " + ", ".join(known))


def _shown(row: TokenRow) -> dict[str, object]:
    return {key: value for key, value in asdict(row).items() if key != "hash"}

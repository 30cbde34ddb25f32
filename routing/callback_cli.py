"""`tieline callback …`: who is to be called back. Mounted by `service.cli`, which puts the `Settings` into `obj`."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import click
import msgspec

from routing.callback import Callback, State
from routing.callback_desk import CallbackDesk
from routing.callback_rules import CallbackRules, load_callback_rules
from tieline.clock import iso_china, system_clock
from tieline.command_line import errors_told
from tieline.database import Database, create_schema
from tieline.model import CallId
from tieline.principal import os_principal
from tieline.settings import Settings

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def callback() -> None:
    """Callers to be called back."""


@callback.command(name="list")
@click.option("--all", "with_ended", is_flag=True, help="The ended ones, too, of the newest thousand.")
@_json
@click.pass_obj
def list_(settings: Settings, with_ended: bool, as_json: bool) -> None:
    """List who is to be called back, by place; who may be rung now is marked. Reading is audited."""
    with _opened(settings, as_json) as (database, rules):
        found = CallbackDesk(database, rules).entries(os_principal(), with_ended=with_ended)
        if as_json:
            click.echo(msgspec.json.encode(found).decode())
            return
        if not found:
            click.echo("nobody is to be called back")
        now = system_clock()
        for one in found:
            click.echo(_line(one, rules, now))


@callback.command()
@click.argument("call")
@_json
@click.pass_obj
def tried(settings: Settings, call: str, as_json: bool) -> None:
    """Nobody answered at the number of CALL: it is to be tried again at another time of the day."""
    with _opened(settings, as_json) as (database, rules):
        _show(CallbackDesk(database, rules).tried(CallId(call), os_principal()), as_json)


@callback.command()
@click.argument("call")
@_json
@click.pass_obj
def reached(settings: Settings, call: str, as_json: bool) -> None:
    """The caller of CALL was called back."""
    with _opened(settings, as_json) as (database, rules):
        _show(CallbackDesk(database, rules).reached(CallId(call), os_principal()), as_json)


@callback.command()
@click.argument("call")
@click.option("--why", required=True, help="The reason, for the audit trail.")
@_json
@click.pass_obj
def cancel(settings: Settings, call: str, why: str, as_json: bool) -> None:
    """The caller of CALL needs no call back any more."""
    with _opened(settings, as_json) as (database, rules):
        _show(CallbackDesk(database, rules).cancel(CallId(call), os_principal(), why=why), as_json)


@contextmanager
def _opened(settings: Settings, as_json: bool) -> Iterator[tuple[Database, CallbackRules]]:
    """Open SQL and read the rules."""
    database = Database(settings.database_url, deadline_s=settings.sql_deadline_s)
    with errors_told(as_json=as_json), closing(database):
        rules = load_callback_rules(settings.callback)
        create_schema(database)
        yield database, rules


def _line(one: Callback, rules: CallbackRules, now: float) -> str:
    return (
        f"{iso_china(one.since)}  {one.number:16}  {one.city:10}  {one.business:10}  {one.dialect:10}  {one.why:8}"
        f"  {one.tries} in vain  {_when(one, rules, now):28}  {one.call_id}"
    )


def _when(one: Callback, rules: CallbackRules, now: float) -> str:
    if one.state is not State.OPEN:
        return f"{one.state} {iso_china(one.ended_at)}"
    begin = rules.permitted_from(max(now, one.next_at))
    return "now" if begin <= now else f"not before {iso_china(begin)}"


def _show(one: Callback, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(one).decode())
        return
    following = f", next try not before {iso_china(one.next_at)}" if one.state is State.OPEN else ""
    click.echo(f"{one.call_id}: {one.state}, {one.tries} in vain{following}")

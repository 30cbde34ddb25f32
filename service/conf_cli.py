"""`tieline conf …` and `tieline trunk …`: what Asterisk and Kamailio read, and the trunk groups in it.

Exit code 0: done, or no difference; 1: a difference, or refused and rolled back; 2: what is to be rendered is faulty.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Column, Table

from service.conf_apply import Applied, apply, check_only
from service.conf_files import changed_files, difference
from service.render import render_configuration, render_in_memory
from service.settings_option import settings_option
from tieline import audit
from tieline.command_line import errors_told
from tieline.database import Database, create_schema
from tieline.errors import ConfigError, Problem, TielineError
from tieline.loopback import shift_loopback
from tieline.principal import os_principal
from tieline.settings import Settings
from tieline.topology import TrunkState
from tieline.topology_file import load_topology
from trunk_config.edge_rpc import maybe_refused
from trunk_config.trunk_file import with_state

_only = click.option("--only", multiple=True, metavar="NAME", help="Only this node or edge; may be repeated.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_why = click.option("--why", required=True, help="The reason, for the audit trail.")


@click.group()
def conf() -> None:
    """What Asterisk and Kamailio read: render, diff, apply."""


@conf.command()
@_json
@settings_option
def render(settings: Settings, as_json: bool) -> None:
    """Write the configuration of every node and edge, and reload nothing; if anything is faulty, write nothing."""
    with errors_told(as_json=as_json):
        written = render_configuration(settings)
    told = {"ok": True, "files": written, "below": str(settings.conf_out)}
    click.echo(msgspec.json.encode(told).decode() if as_json else f"{written} files below {settings.conf_out}")


@conf.command()
@_only
@_json
@settings_option
def diff(settings: Settings, only: tuple[str, ...], as_json: bool) -> None:
    """Show what `apply` would change in the installed files, secrets masked. Ends with 1 when something differs."""
    with errors_told(as_json=as_json):
        rendering = render_in_memory(settings)
        check_only(rendering, only)
        changes = changed_files(rendering, only)
    if as_json:
        told = [{"file": change.name, "difference": difference(change)} for change in changes]
        click.echo(msgspec.json.encode({"changed": told}).decode())
    else:
        click.echo("".join(difference(change) for change in changes), nl=False)
    raise SystemExit(1 if changes else 0)


@conf.command(name="apply")
@_only
@_why
@_json
@settings_option
def apply_(settings: Settings, only: tuple[str, ...], why: str, as_json: bool) -> None:
    """Put the configuration in use: checked, reloaded, read back; rolled back when a node or an edge refuses it."""
    deed = _Deed("conf.apply", f"conf:{','.join(only) or 'all'}", why)
    with errors_told(as_json=as_json), _faults_audited(settings, deed):
        done = _applied(settings, only)
    _finish(settings, done, deed, as_json)


@click.group()
def trunk() -> None:
    """The cities' trunk groups: list, block for maintenance, unblock."""


@trunk.command(name="list")
@_json
@settings_option
def list_(settings: Settings, as_json: bool) -> None:
    """List every trunk group with its state, as the topology's file has them.

    `refused`: its calls that were refused while it was not in service, as the edges have counted since they started;
    `?` (null in JSON) when no edge answers.
    """
    with errors_told(as_json=as_json):
        topology = shift_loopback(load_topology(settings.topology), settings.loopback_instance)
    refused = asyncio.run(maybe_refused(topology.edges))
    rows = [
        {
            "city": city.id,
            **asdict(group),
            "access": group.channels if group.in_service else 0,
            "refused": None if refused is None else refused.get(group.id, 0),
        }
        for city in topology.cities.values()
        for group in city.trunk_groups
    ]
    if as_json:
        click.echo(msgspec.json.encode(rows).decode())
        return
    words, numbers = ("id", "city", "state", "source"), ("channels", "access", "refused")
    columns = (*map(Column, words), *(Column(name, justify="right") for name in numbers))
    table = Table(*columns, box=None, pad_edge=False)  # within 80 columns
    for row in rows:
        shown = ("?" if row[name] is None else str(row[name]) for name in (*words, *numbers))
        table.add_row(*shown, style="yellow" if not row["access"] else None)
    Console().print(table)


@trunk.command()
@click.argument("group")
@_why
@_json
@settings_option
def block(settings: Settings, group: str, why: str, as_json: bool) -> None:
    """Block GROUP for maintenance: new calls by it are refused (503, cause 34), calls in progress go on."""
    _set_state(settings, group, TrunkState.BLOCKED, why, as_json)


@trunk.command()
@click.argument("group")
@_why
@_json
@settings_option
def unblock(settings: Settings, group: str, why: str, as_json: bool) -> None:
    """Put GROUP back into service."""
    _set_state(settings, group, TrunkState.IN_SERVICE, why, as_json)


def _set_state(settings: Settings, group: str, state: TrunkState, why: str, as_json: bool) -> None:
    action = "trunk.block" if state is TrunkState.BLOCKED else "trunk.unblock"
    deed = _Deed(action, f"trunk:{group}", why)
    with errors_told(as_json=as_json), _faults_audited(settings, deed):
        done = _state_applied(settings, group, state)
    _finish(settings, done, deed, as_json)


def _state_applied(settings: Settings, group: str, state: TrunkState) -> Applied:
    """Change one line of the topology's file and apply it; when that is refused, the file is as before, too.

    Raises:
        ConfigError: There is no such group, or this is not the time.
    """
    groups = [one for city in load_topology(settings.topology).cities.values() for one in city.trunk_groups]
    was = next((one.state for one in groups if one.id == group), None)
    if was is TrunkState.OUT_OF_SERVICE:
        mend = 'write `state = "in_service"` into the topology\'s file, then `tieline conf apply`'
        raise ConfigError(group, [Problem(group, "out of service, neither blocked nor carrying calls", mend)])
    pending = changed_files(render_in_memory(settings))
    if pending:
        what = "other changes wait to be applied: " + ", ".join(change.name for change in pending)
        raise ConfigError("conf", [Problem(group, what, "look at `tieline conf diff`, apply them first")])
    text = settings.topology.read_text(encoding="utf-8")
    _replace(settings.topology, with_state(text, group, state))
    done = None
    try:
        done = _applied(settings, ())
    finally:
        if done is None or not done.ok:
            _replace(settings.topology, text)
    return done


def _replace(path: Path, text: str) -> None:
    """Replace a file by a rename, its rights kept."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(path.stat().st_mode & 0o777)
    fresh.replace(path)


def _applied(settings: Settings, only: Collection[str]) -> Applied:
    return asyncio.run(apply(settings, only=only))


@dataclass(frozen=True, slots=True)
class _Deed:
    """What is done to the configuration, as the audit trail has it."""

    action: str
    subject: str
    why: str

    def refused(self) -> "_Deed":
        return replace(self, action=f"{self.action}.refused", why=audit.storable(self.why))


@contextmanager
def _faults_audited(settings: Settings, deed: _Deed) -> Iterator[None]:
    """Look at the reason before anything is done, and audit what is refused before anything was changed.

    Raises:
        ConfigError: Of the body, or the reason is none.
    """
    try:
        _check_why(deed)
        yield
    except ConfigError as error:
        _audited(settings, deed.refused(), {"problems": [str(problem) for problem in error.problems]})
        raise


def _check_why(deed: _Deed) -> None:
    problems = list(audit.about_why(deed.why))
    if problems:
        raise ConfigError(deed.subject, problems)


def _finish(settings: Settings, done: Applied, deed: _Deed, as_json: bool) -> None:
    """Audit, tell, and end with 1 when it was refused."""
    told = asdict(done)
    unaudited = _audited(settings, deed if done.ok else deed.refused(), told)
    if as_json:
        click.echo(msgspec.json.encode({**told, "not_audited": unaudited}).decode())
    else:
        _tell(done)
        if unaudited:
            click.echo(f"tieline: not in the audit trail: {unaudited}", err=True)
    raise SystemExit(0 if done.ok else 1)


def _audited(settings: Settings, deed: _Deed, told: Mapping[str, object]) -> str:
    """Write the audit line; gives why not. A trunk group must be blocked in a storm without SQL, too."""
    database = Database(settings.database_url, deadline_s=settings.sql_deadline_s)
    write = partial(
        audit.record, principal=os_principal(), action=deed.action, subject=deed.subject, after=told, why=deed.why
    )
    try:
        create_schema(database)
        asyncio.run(database.run(write))
    except TielineError as error:
        return str(error)
    finally:
        database.close()
    return ""


def _tell(done: Applied) -> None:
    for head, lines in (
        ("changed", done.changed),
        ("reloaded", done.reloaded),
        ("in place, but read at a start only: restart", done.restart),
        ("not checked beforehand", done.unchecked),
        ("not told, goes on with the former access until restarted", done.not_told),
        ("refused", done.refused),
    ):
        for line in lines:
            click.echo(f"{head}: {line}", err=head == "refused")
    if not done.ok:
        back = {
            None: "nothing was changed",
            True: "every file is as it was",
            False: "ROLL-BACK WAS REFUSED, TOO: look at it",
        }
        click.echo(f"tieline: {back[done.rolled_back]}", err=True)
    elif not done.changed:
        click.echo("no file differs; the sites were told of the network")

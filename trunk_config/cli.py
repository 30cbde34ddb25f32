"""Commands of the room: `tieline quota …`. Mounted by `service.cli`, which puts the `Settings` into `obj`.

They act as the user of the operating system who types them. What is refused ends with 2, what fails with 1, each
with every reason.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console, RenderableType

from tieline.command_line import errors_told
from tieline.model import SiteId
from tieline.moment import FORMS
from tieline.principal import os_principal
from tieline.refused import Kind, Refused
from tieline.settings import Settings
from trunk_config.change import Change, PutOn, SetShares, Undo
from trunk_config.cli_desk import Opener, read_or_refuse
from trunk_config.site_desk import Changed, SiteDesk
from trunk_config.tables import changed_table, history_table, profiles_table, standing_table
from trunk_config.versions import QuotaVersion

T = TypeVar("T")
WATCH_EVERY_S = 1.0

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_why = click.option("--why", required=True, help="The reason, for the audit trail.")
_until = click.option("--until", help=f"When what is in force now returns by itself: {FORMS}.")
_base = click.option("--base", type=int, help="The version you saw; without it the one in force now.")
_yes = click.option("--yes", is_flag=True, help="Do not ask when a city loses half of its share.")


@click.group()
def quota() -> None:
    """Quotas of the cities: what is in force, changes, profiles."""


@quota.command()
@click.argument("site", required=False)
@_json
@click.pass_obj
def show(settings: Settings, site: str | None, as_json: bool) -> None:
    """Show what is in use and in force at SITE, or at every site."""

    async def work(opener: Opener) -> None:
        for one in [SiteId(site)] if site else opener.sites:
            async with opener.desk(one) as desk:
                _print(await desk.standing(), standing_table, as_json)

    _run(settings, work, as_json)


@quota.command(name="set", context_settings={"ignore_unknown_options": True})
@click.argument("site")
@click.argument("shares", nargs=-1, type=click.UNPROCESSED, metavar="CITY [--reserve N] [--cap N] …")
@_why
@_until
@_base
@_yes
@_json
@click.pass_obj
def set_(settings: Settings, /, site: str, shares: tuple[str, ...], as_json: bool, **asked: Any) -> None:
    """Give cities other shares of SITE's lines: CITY with --reserve N or --cap N or both, then the next CITY."""

    async def work(opener: Opener) -> None:
        async with opener.desk(SiteId(site), changing=True) as desk:
            found = await read_or_refuse(desk, shares, os_principal())
            await _change(desk, SetShares(found), as_json=as_json, **asked)

    _run(settings, work, as_json, changing=SiteId(site))


@quota.command()
@click.argument("site")
@click.argument("name")
@_why
@_until
@_base
@_yes
@_json
@click.pass_obj
def profile(settings: Settings, /, site: str, name: str, as_json: bool, **asked: Any) -> None:
    """Put the profile NAME on at SITE; `tieline quota profiles SITE` lists them."""

    async def work(opener: Opener) -> None:
        async with opener.desk(SiteId(site), changing=True) as desk:
            await _change(desk, PutOn(name), as_json=as_json, **asked)

    _run(settings, work, as_json, changing=SiteId(site))


@quota.command()
@click.argument("site")
@_json
@click.pass_obj
def profiles(settings: Settings, site: str, as_json: bool) -> None:
    """List the profiles of SITE, as the quotas' file has them."""

    async def work(opener: Opener) -> None:
        async with opener.desk(SiteId(site)) as desk:
            _print(desk.profiles, profiles_table, as_json)

    _run(settings, work, as_json)


@quota.command()
@click.argument("site")
@click.option("--to", type=int, help="Which version's content; without it the one before the newest.")
@_why
@_base
@_yes
@_json
@click.pass_obj
def undo(settings: Settings, /, site: str, to: int | None, as_json: bool, **asked: Any) -> None:
    """Bring the content of a former version of SITE's quotas back, as a new version."""

    async def work(opener: Opener) -> None:
        async with opener.desk(SiteId(site), changing=True) as desk:
            await _change(desk, Undo(to), as_json=as_json, until=None, **asked)

    _run(settings, work, as_json, changing=SiteId(site))


@quota.command()
@click.argument("site")
@click.option("--newest", type=click.IntRange(1, 1000), default=20, show_default=True)
@_json
@click.pass_obj
def history(settings: Settings, site: str, newest: int, as_json: bool) -> None:
    """List the versions of SITE's quotas: who, when, why, and what each changed."""

    async def work(opener: Opener) -> None:
        async with opener.desk(SiteId(site)) as desk:
            _print(await desk.history(newest=newest), history_table, as_json)

    _run(settings, work, as_json)


@quota.command()
@click.argument("site")
@click.option("--times", type=click.IntRange(1), help="End after so many looks; without it Ctrl-C ends it.")
@_json
@click.pass_obj
def watch(settings: Settings, site: str, times: int | None, as_json: bool) -> None:
    """Look at SITE once a second; with --json one object a line."""

    async def work(opener: Opener) -> None:
        async with opener.desk(SiteId(site)) as desk:
            looks = 0
            while True:
                if not as_json and Console().is_terminal:
                    click.clear()
                _print(await desk.standing(), standing_table, as_json)
                looks += 1
                if looks == times:
                    return
                await asyncio.sleep(WATCH_EVERY_S)

    _run(settings, work, as_json)


async def _change(
    desk: SiteDesk,
    what: SetShares | PutOn | Undo,
    *,
    why: str,
    until: str | None,
    base: int | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Change, and ask when somebody must confirm; what is changed meanwhile by another refuses it."""
    before = await desk.newest()
    seen = before.version if base is None else base
    change = Change(site=desk.site, what=what, why=why, base=seen, until=until, confirmed=yes)
    try:
        done = await desk.change(change, os_principal())
    except Refused as refused:
        if refused.kind is not Kind.CONFIRM or as_json or not _confirmed(refused):
            raise
        done = await desk.change(replace(change, confirmed=True), os_principal())
    _print_change(done, before, as_json)


def _confirmed(refused: Refused) -> bool:
    for problem in refused.problems:
        click.echo(f"{problem.where}: {problem.what}", err=True)
    try:
        return click.confirm("Do it?", err=True)
    except click.Abort:  # nobody is there to ask
        click.echo(err=True)
        return False


def _print_change(done: Changed, before: QuotaVersion, as_json: bool) -> None:
    _print(done, lambda it: changed_table(it, before), as_json)


def _print(what: T, table: Callable[[T], RenderableType], as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(what).decode())
    else:
        Console().print(table(what))


def _run(
    settings: Settings,
    work: Callable[[Opener], Coroutine[Any, Any, None]],
    as_json: bool,
    *,
    changing: SiteId | None = None,
) -> None:
    with errors_told(as_json=as_json), Opener.opened(settings, changing) as opener:
        asyncio.run(work(opener))

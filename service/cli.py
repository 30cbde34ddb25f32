"""The command line `tieline`. The commands of a room are imported when one of them is used."""

import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

import click

from service.settings_option import settings_option
from tieline.command_line import errors_told
from tieline.lazy_group import LazyGroup, Load
from tieline.settings import Settings

COMMANDS = "tieline.commands"
"""Entry-point group: rooms beside this one (lab, bench) bring their own commands without being imported here."""


class _Commands(click.Group):
    """Finds the commands of other rooms by entry point, and turns our errors into one clear message."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *(point.name for point in entry_points(group=COMMANDS))})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        for point in entry_points(group=COMMANDS, name=cmd_name):
            command: click.Command = point.load()
            return command
        return None

    def invoke(self, ctx: click.Context) -> Any:
        with errors_told():
            return super().invoke(ctx)


@click.group(cls=_Commands)
def main() -> None:
    """Tieline: the telephony backend of the 95598 hotline."""


def _group(load: Load) -> None:
    """Mount a group."""
    main.add_command(LazyGroup(load))


def _group_with_settings(load: Load) -> None:
    """Mount a group that takes `--settings` for its commands; they find the `Settings` in `obj`."""

    @click.pass_context
    def keep(context: click.Context, settings: Settings) -> None:
        context.obj = settings

    main.add_command(settings_option(LazyGroup(load, keep)))


@_group_with_settings
def token() -> Mapping[str, click.Command]:
    """Bearer tokens of the API: new, list, revoke."""
    from tieline import cli

    return cli.token.commands


@_group_with_settings
def quota() -> Mapping[str, click.Command]:
    """Quotas of the cities: what is in force, changes, profiles."""
    from service.forecast_cli import forecast_command
    from trunk_config import cli

    return {**cli.quota.commands, "forecast": forecast_command}


@_group_with_settings
def notice() -> Mapping[str, click.Command]:
    """Notices of outages: set, clear, list."""
    from ivr_prompts import notice_cli

    return notice_cli.notice.commands


@_group_with_settings
def refused() -> Mapping[str, click.Command]:
    """Numbers that were refused a line, to be called back."""
    from crm_adapter import refused_cli

    return refused_cli.refused.commands


@_group_with_settings
def callback() -> Mapping[str, click.Command]:
    """Callers to be called back."""
    from routing import callback_cli

    return callback_cli.callback.commands


@_group_with_settings
def route() -> Mapping[str, click.Command]:
    """Who answers: hours of business, why a call was offered to whom, who waits, ladders."""
    from routing.explain_cli import explain
    from routing.hours_cli import hours
    from routing.ladder_cli import ladders
    from routing.pool_cli import pool

    return {"hours": hours, "explain": explain, "pool": pool, "ladders": ladders}


@_group_with_settings
def agent() -> Mapping[str, click.Command]:
    """Agents: who is at work, log-ins, breaks, groups."""
    from routing import agents_cli

    return agents_cli.agent.commands


@_group_with_settings
def call() -> Mapping[str, click.Command]:
    """Calls in progress: transfer."""
    from routing import transfer_cli

    return transfer_cli.call.commands


@_group
def conf() -> Mapping[str, click.Command]:
    """What Asterisk and Kamailio read: render, diff, apply."""
    from service import conf_cli

    return conf_cli.conf.commands


@_group
def trunk() -> Mapping[str, click.Command]:
    """The cities' trunk groups: list, block for maintenance, unblock."""
    from service import conf_cli

    return conf_cli.trunk.commands


@_group
def prompts() -> Mapping[str, click.Command]:
    """What callers hear: check it, build missing audio, take recordings over."""
    from ivr_prompts import cli

    return cli.prompts.commands


@main.command()
@click.option("--site", required=True, help="Site id of the topology.")
@click.option(
    "--only", default="", help="Comma-separated parts: agi, bridge, matcher, tickets, console. Default: all."
)
@click.option("--agi-index", type=int, help="Which of the site's AGI addresses to serve, from 0. Default: all.")
@settings_option
def serve(site: str, only: str, agi_index: int | None, settings: Settings) -> None:
    """Run a site's processes until SIGTERM."""
    import uvloop

    from service.serve import run_site

    sys.exit(uvloop.run(run_site(settings, site, only, agi_index)))

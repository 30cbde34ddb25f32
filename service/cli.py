"""The command line `tieline`."""

import sys
from importlib.metadata import entry_points
from typing import Any

import click
import uvloop

from crm_adapter import refused_cli
from ivr_prompts import notice_cli
from routing import agents_cli, callback_cli
from routing.explain_cli import explain
from routing.hours_cli import hours
from routing.ladder_cli import ladders
from routing.pool_cli import pool
from service import conf_cli
from service.forecast_cli import forecast_command
from service.settings_option import settings_option
from tieline import cli as tieline_cli
from tieline.errors import ConfigError, TielineError
from tieline.settings import Settings
from trunk_config import cli as trunk_config_cli

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
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            click.echo(f"tieline: {error}", err=True)
            raise SystemExit(2) from error
        except TielineError as error:
            click.echo(f"tieline: {error}", err=True)
            raise SystemExit(1) from error


@click.group(cls=_Commands)
def main() -> None:
    """Tieline: the telephony backend of the 95598 hotline."""


@main.group(commands=tieline_cli.token.commands)
@settings_option
@click.pass_context
def token(context: click.Context, settings: Settings) -> None:
    """Bearer tokens of the API: new, list, revoke."""
    context.obj = settings


@main.group(commands=trunk_config_cli.quota.commands)
@settings_option
@click.pass_context
def quota(context: click.Context, settings: Settings) -> None:
    """Quotas of the cities: what is in force, changes, profiles."""
    context.obj = settings


quota.add_command(forecast_command)


@main.group(commands=notice_cli.notice.commands)
@settings_option
@click.pass_context
def notice(context: click.Context, settings: Settings) -> None:
    """Notices of outages: set, clear, list."""
    context.obj = settings


@main.group(commands=refused_cli.refused.commands)
@settings_option
@click.pass_context
def refused(context: click.Context, settings: Settings) -> None:
    """Numbers that were refused a line, to be called back."""
    context.obj = settings


@main.group(commands=callback_cli.callback.commands)
@settings_option
@click.pass_context
def callback(context: click.Context, settings: Settings) -> None:
    """Callers to be called back."""
    context.obj = settings


@main.group()
@settings_option
@click.pass_context
def route(context: click.Context, settings: Settings) -> None:
    """Who answers: hours of business, why a call was offered to whom."""
    context.obj = settings


route.add_command(hours)
route.add_command(explain)
route.add_command(pool)


@main.group(commands=agents_cli.agent.commands)
@settings_option
@click.pass_context
def agent(context: click.Context, settings: Settings) -> None:
    """Agents: who is at work, log-ins, breaks, groups."""
    context.obj = settings


route.add_command(ladders)


main.add_command(conf_cli.conf)
main.add_command(conf_cli.trunk)


@main.command()
@click.option("--site", required=True, help="Site id of the topology.")
@click.option(
    "--only", default="", help="Comma-separated parts: agi, bridge, matcher, tickets, console. Default: all."
)
@click.option("--agi-index", type=int, help="Which of the site's AGI addresses to serve, from 0. Default: all.")
@settings_option
def serve(site: str, only: str, agi_index: int | None, settings: Settings) -> None:
    """Run a site's processes until SIGTERM."""
    from service.serve import run_site

    sys.exit(uvloop.run(run_site(settings, site, only, agi_index)))

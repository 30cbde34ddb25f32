"""`tieline call …`: what can be done with a call in progress. Mounted by `service.cli`, `obj` is the `Settings`."""

import asyncio
from contextlib import AsyncExitStack

import click

from routing.agents import load_agents
from routing.offers import Step
from routing.transfer_desk import FORMS, Transfer, TransferDesk
from tieline import secrets_file
from tieline.command_line import read_call_id
from tieline.database import Database, create_schema
from tieline.errors import ConnectionLost, DeadlineExceeded, TielineError
from tieline.loopback import shift_loopback
from tieline.principal import os_principal
from tieline.refused import DeskName, Kind, Refused
from tieline.settings import Settings
from tieline.site_live import open_live
from tieline.topology_file import load_topology


@click.group()
def call() -> None:
    """Calls in progress: transfer."""


@call.command()
@click.argument("call")
@click.option("--to", default="", help=f"To whom: {FORMS}.")
@click.option(
    "--step",
    type=click.Choice([str(step) for step in Step]),
    default=str(Step.BLIND),
    show_default=True,
    help="What.",
)
@click.pass_obj
def transfer(settings: Settings, call: str, to: str, step: str) -> None:
    """Let the caller of CALL (its id), who talks with an agent, go on with another one.

    At once (blind), or after his agent has talked with that one: consult, then complete, join (all three), or back.
    """
    asyncio.run(_ask(settings, read_call_id(call), Transfer(to=to, step=Step(step))))
    click.echo(f"{call}: {step} {to} is asked for")


async def _ask(settings: Settings, call: str, wanted: Transfer) -> None:
    """Ask at the first site that knows of the talk: a caller of one site may talk with an agent of another.

    One that is away is passed over, and said when no other knows of it.
    """
    topology = shift_loopback(load_topology(settings.topology), settings.loopback_instance)
    agents = load_agents(settings.agents, topology)
    password = secrets_file.load(settings.secrets).redis_password
    database = Database(settings.database_url, deadline_s=settings.sql_deadline_s)
    last: TielineError = Refused(DeskName.CALLS, Kind.MISSING, f"no call {call!r} in a talk")
    async with AsyncExitStack() as closing:
        closing.callback(database.close)
        await asyncio.to_thread(create_schema, database)
        sites = topology.sites.values()
        lives = {site.id: open_live(site, password, deadline_s=settings.redis_deadline_s) for site in sites}
        for live in lives.values():
            closing.push_async_callback(live.close)
        for site, live in lives.items():
            desk = TransferDesk(site, live, database, agents, abroad=lives, consults=settings.recording)
            try:
                await desk.ask(call, wanted, by=os_principal())
            except Refused as error:
                if error.kind is not Kind.MISSING:
                    raise
            except (ConnectionLost, DeadlineExceeded) as error:
                last = error
            else:
                return
        raise last

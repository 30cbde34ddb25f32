"""`tieline route pool`: who waits. Mounted by `service.cli`, `obj` is the `Settings`."""

import asyncio

import click
import msgspec

from routing.agents import load_agents
from routing.ladder_desk import LadderDesk
from routing.ladder_file import load_ladders
from routing.pool_view import PoolShown, WaitingCall, fetch_pool
from tieline import secrets_file
from tieline.clock import system_clock
from tieline.database import Database, create_schema
from tieline.loopback import shift_loopback
from tieline.model import SiteId
from tieline.settings import Settings
from tieline.site_live import open_live
from tieline.topology_file import load_topology


@click.command()
@click.option("--site", required=True, help="Whose pool.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def pool(settings: Settings, site: str, as_json: bool) -> None:
    """List who waits: how long, at which step of the ladder, and which agents could take the call."""
    found = asyncio.run(_pool(settings, site))
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for call in found.waiting:
        click.echo(_line(call))
    click.echo(f"{len(found.waiting)} waiting", err=True)


async def _pool(settings: Settings, site: str) -> PoolShown:
    topology = shift_loopback(load_topology(settings.topology), settings.loopback_instance)
    known = topology.sites.get(SiteId(site))
    if known is None:
        raise click.BadParameter(f"{site!r} is not one of {', '.join(topology.sites)}", param_hint="--site")
    agents = load_agents(settings.agents, topology)
    own = {agent.id: agent for agent in agents.values() if agent.site == site}
    live = open_live(known, secrets_file.load(settings.secrets).redis_password, deadline_s=settings.redis_deadline_s)
    database = Database(settings.database_url, deadline_s=settings.sql_deadline_s)
    try:
        await asyncio.to_thread(create_schema, database)
        ladders = await LadderDesk(database, topology, agents).in_force(load_ladders(topology, agents))
        return await fetch_pool(live, own, ladders, system_clock())
    finally:
        await live.close()
        database.close()


def _line(call: WaitingCall) -> str:
    expected = f"{call.expected_s:.0f} s more" if call.expected_s >= 0 else "nobody can tell"
    who = " ".join(call.ready) or f"nobody ready, {call.later} at work"
    need = f"{call.dialect}/{call.business}/{call.lane}"
    step = f"step {call.step} of {call.steps} of {call.ladder}"
    return f"{call.call_id:38} {call.waited_s:7.1f} s  {expected:16}  {need:32} {step:28} {who}"

"""`tieline agent …`: who is at work, and wishes about agents. Mounted by `service.cli`, `obj` is the `Settings`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import click
import msgspec

from routing.agent_desk import AgentDesk, AgentShown, AgentWish
from routing.agents import Agent, load_agents
from routing.groups import Group, load_groups
from routing.wishes import ASKABLE, Wish
from tieline import secrets_file
from tieline.clock import iso_china, system_clock
from tieline.database import Database, create_schema
from tieline.loopback import shift_loopback
from tieline.model import AgentId, AgentState
from tieline.moment import FORMS, read_moment
from tieline.principal import os_principal
from tieline.settings import Settings
from tieline.site_live import open_live
from tieline.topology import Site, Topology
from tieline.topology_file import load_topology

T = TypeVar("T")
_json: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_agent: Final = click.argument("agent")


@click.group()
def agent() -> None:
    """Agents: who is at work, log-ins, breaks, groups."""


@agent.command(name="list")
@click.option("--site", default="", help="Those of one site.")
@click.option("--group", "group_id", default="", help="Those of one group.")
@click.option("--state", type=click.Choice([str(state) for state in AgentState]), help="Those in one state.")
@_json
@click.pass_obj
def list_(settings: Settings, site: str, group_id: str, state: str | None, as_json: bool) -> None:
    """List agents with what they are doing."""
    topology, agents = _network(settings)
    members = _members(settings, topology, agents, group_id)
    shown: list[AgentShown] = []
    for one in _sites(topology, site):
        shown += _with_desk(settings, one, agents, AgentDesk.all)
    found = [one for one in shown if (members is None or one.id in members) and state in (None, one.state)]
    _print(found, as_json)


@agent.command()
@_agent
@_json
@click.pass_obj
def show(settings: Settings, agent: str, as_json: bool) -> None:
    """Show one agent."""
    _print([_ask(settings, agent, lambda desk: desk.one(agent))], as_json)


@agent.command()
@_json
@click.pass_obj
def groups(settings: Settings, as_json: bool) -> None:
    """List the groups and their members."""
    found = list(load_groups(settings.groups, *_network(settings)).values())
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for group in found:
        click.echo(f"{group.id:20}  {group.name}  {' '.join(group.members)}")


@agent.command()
@_agent
@click.pass_obj
def login(settings: Settings, agent: str) -> None:
    """Log an agent in; he gets calls once he is ready."""
    _wish(settings, agent, AgentWish(wish=Wish.LOGIN))


@agent.command()
@_agent
@click.pass_obj
def logout(settings: Settings, agent: str) -> None:
    """Log an agent out, after the call that he may be in."""
    _wish(settings, agent, AgentWish(wish=Wish.LOGOUT))


@agent.command()
@_agent
@click.pass_obj
def ready(settings: Settings, agent: str) -> None:
    """End an agent's break, wrap-up or pause."""
    _wish(settings, agent, AgentWish(wish=Wish.READY))


@agent.command(name="not-ready")
@_agent
@click.option("--reason", required=True, type=click.Choice([str(reason) for reason in ASKABLE]), help="Why.")
@click.option("--until", default="", help=f"When he is ready again by himself: {FORMS}.")
@click.pass_obj
def not_ready(settings: Settings, agent: str, reason: str, until: str) -> None:
    """Give an agent no calls, after the one that he may be in."""
    try:
        end = read_moment(until, system_clock()) if until else 0.0
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--until") from error
    _wish(settings, agent, AgentWish(wish=Wish.NOT_READY, reason=reason, until=end))


def _wish(settings: Settings, agent: str, wish: AgentWish) -> None:
    _ask(settings, agent, lambda desk: desk.ask(agent, wish, by=os_principal()))
    click.echo(f"{agent}: {wish.wish} is asked for")


def _ask(settings: Settings, agent: str, work: Callable[[AgentDesk], Coroutine[Any, Any, T]]) -> T:
    """Do something at the desk of an agent's own site."""
    topology, agents = _network(settings)
    known = agents.get(AgentId(agent))
    if known is None:
        raise click.BadParameter(f"no agent {agent!r}: `tieline agent list` shows them", param_hint="AGENT")
    return _with_desk(settings, topology.sites[known.site], agents, work)


def _with_desk(
    settings: Settings, site: Site, agents: dict[AgentId, Agent], work: Callable[[AgentDesk], Coroutine[Any, Any, T]]
) -> T:
    async def working() -> T:
        async with _desk(settings, site, agents) as desk:
            return await work(desk)

    return asyncio.run(working())


@asynccontextmanager
async def _desk(settings: Settings, site: Site, agents: dict[AgentId, Agent]) -> AsyncIterator[AgentDesk]:
    password = secrets_file.load(settings.secrets).redis_password
    live = open_live(site, password, deadline_s=settings.redis_deadline_s)
    database = Database(settings.database_url, deadline_s=settings.sql_deadline_s)
    try:
        await asyncio.to_thread(create_schema, database)
        yield AgentDesk(site.id, live, database, agents)
    finally:
        await live.close()
        database.close()


def _network(settings: Settings) -> tuple[Topology, dict[AgentId, Agent]]:
    topology = shift_loopback(load_topology(settings.topology), settings.loopback_instance)
    return topology, dict(load_agents(settings.agents, topology))


def _sites(topology: Topology, wanted: str) -> list[Site]:
    if wanted and wanted not in topology.sites:
        raise click.BadParameter(f"{wanted!r} is not one of {', '.join(topology.sites)}", param_hint="--site")
    return [site for site in topology.sites.values() if wanted in ("", site.id)]


def _members(
    settings: Settings, topology: Topology, agents: dict[AgentId, Agent], group_id: str
) -> Sequence[AgentId] | None:
    if not group_id:
        return None
    known: dict[str, Group] = dict(load_groups(settings.groups, topology, agents))
    if group_id not in known:
        raise click.BadParameter(f"{group_id!r} is not one of {', '.join(known)}", param_hint="--group")
    return known[group_id].members


def _print(found: Sequence[AgentShown], as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for one in found:
        until = f"until {iso_china(one.until)}" if one.until else ""
        skills = " ".join(f"{dialect}:{level}" for dialect, level in one.dialects.items())
        line = f"{one.id:8} {one.site:8} {one.state:10} {one.reason:14} {until:32} {one.node:10} {one.name}  {skills}"
        click.echo(line.rstrip())

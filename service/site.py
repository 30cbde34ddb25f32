"""One site's processes: each part can run alone or with the others in one process; they meet only in Redis."""

import asyncio
import ipaddress
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import msgspec
import structlog
from aiohttp import web

from agi.scripts import routes
from agi.scripts.parts import Parts
from agi.scripts.situation import Situation, check_effects
from agi.scripts.voice import load_voice
from agi.server import AgiServer, AgiSettings
from ami_bridge.bridge import Bridge
from ami_bridge.node_link import NodeLink
from console.app import build_app
from console.keys import ConsoleParts
from crm_adapter.forwarder import Forwarder
from crm_adapter.journal import Journal
from crm_adapter.record import CallRecord
from crm_adapter.store import Store
from routing.agents import Agent, load_agents
from routing.live import MatcherShell
from routing.matcher import Rules
from service import heartbeats
from service.figures import figures
from service.keeper import Keeper
from service.notice_keeper import NoticeKeeper
from service.plan import AMI_USER, journal_dir
from service.quota_keeper import QuotaKeeper
from service.quota_versions import QuotaVersions
from service.safety_audit import SafetyAudit
from service.surge_watch import SurgeWatch
from tieline import secrets_file
from tieline.clock import system_clock
from tieline.database import Database, create_schema
from tieline.endings import cancel_until_done
from tieline.errors import ConfigError, Problem, TielineError
from tieline.live import Live
from tieline.model import AgentId, CityId, SiteId
from tieline.numbers import NumberPlan, load_number_plan, parse_caller
from tieline.secrets_file import Secrets
from tieline.settings import Settings
from tieline.topology import Site, Topology, shift_loopback
from tieline.topology_file import load_topology
from trunk_config.admission import set_safety_numbers, warm_up
from trunk_config.decision_times import DecisionTimes, leave
from trunk_config.desk import Desk
from trunk_config.profiles import Profiles, load_allowances, load_profiles
from trunk_config.quota import Allowances
from trunk_config.render import edge_endpoint
from trunk_config.surge_rules import SurgeRules, load_surge_rules

PARTS: Final = ("agi", "bridge", "matcher", "tickets", "console")
BEAT_S: Final = 1.0
SCHEMA_RETRY_S: Final = 2.0
FIRST_QUOTAS_S: Final = 4.0
"""A start waits so long for quotas in force; without them calls are let in by the nodes' own count."""

_log = structlog.get_logger("service")


@dataclass(frozen=True, slots=True)
class SiteContext:
    """What the parts of a site share: data read once at start, validated as a whole."""

    settings: Settings
    topology: Topology
    site: Site
    agents: Mapping[AgentId, Agent]
    secrets: Secrets
    profiles: Profiles
    allowances: Allowances
    surge: SurgeRules


def load_context(settings: Settings, site: str, agi_index: int) -> SiteContext:
    """Read topology, agents, quotas and secrets.

    Raises:
        ConfigError: Any of them is faulty, or the site or its AGI address is unknown.
    """
    topology = shift_loopback(load_topology(settings.topology), settings.loopback_instance)
    if site not in topology.sites:
        known = ", ".join(topology.sites)
        raise ConfigError("--site", [Problem("--site", f"unknown site {site!r}", f"known: {known}")])
    servers = len(topology.sites[SiteId(site)].agi)
    if not 0 <= agi_index < servers:
        problem = Problem("--agi-index", f"the site has no AGI address number {agi_index}", f"0 to {servers - 1}")
        raise ConfigError("--agi-index", [problem])
    profiles = load_profiles(settings.quotas, topology)
    return SiteContext(
        settings=settings,
        topology=topology,
        site=topology.sites[SiteId(site)],
        agents=load_agents(settings.agents, topology),
        secrets=secrets_file.load(settings.secrets),
        profiles=profiles,
        allowances=load_allowances(settings.quotas),
        surge=load_surge_rules(profiles),
    )


class SiteProcess:
    """Runs the chosen parts of a site until it is told to stop.

    Args:
        context: The site's data.
        parts: Names out of `PARTS`.
        agi_index: Which of the site's AGI addresses this process serves.
    """

    def __init__(self, context: SiteContext, parts: tuple[str, ...], *, agi_index: int = 0) -> None:
        self._context = context
        self._parts = parts
        self._agi_index = agi_index
        settings, site = context.settings, context.site
        self._live = Live(
            f"redis://:{context.secrets.redis_password}@{site.redis}/0",
            deadline_s=settings.redis_deadline_s,
            local_address=site.local_address,
        )
        self._database = Database(settings.database_url, deadline_s=settings.sql_deadline_s)
        self._metrics: dict[str, Callable[[], Mapping[str, float]]] = {}
        self._decision_times = DecisionTimes()

    @property
    def live(self) -> Live:
        """The site's Redis."""
        return self._live

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start the parts; stop them in reverse order at the end."""
        starters: Mapping[str, Callable[[], AbstractAsyncContextManager[None]]] = {
            "agi": self._agi,
            "bridge": self._bridges,
            "matcher": self._matcher,
            "tickets": self._tickets,
            "console": self._console,
        }
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._live.close)
            stack.callback(self._database.close)
            for part in PARTS:
                if part in self._parts:
                    await stack.enter_async_context(starters[part]())
                    _log.info("part started", part=part, site=self._context.site.id)
            yield
            _log.info("stopping", site=self._context.site.id)

    # The parts -----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _agi(self) -> AsyncIterator[None]:
        context = self._context
        voice = load_voice(context.settings.sounds)
        check_effects(context.surge.effects, voice.catalogue.texts)
        journal = Journal(journal_dir(context.settings, context.site.id), f"agi-{self._agi_index}")
        parts = Parts(
            site=context.site.id,
            topology=context.topology,
            live=self._live,
            allowances=context.allowances,
            decision_times=self._decision_times,
            journal=journal,
            voice=voice,
            situation=Situation(self._live, context.surge.effects),
            numbers=load_number_plan(context.topology.cities.values()),
            clock=system_clock,
        )
        await _warm_up(parts)
        address = context.site.agi[self._agi_index]
        accept = (*_own_addresses(context.site), *context.settings.agi_accept_from)
        server = AgiServer(routes(parts), AgiSettings(address.host, address.port, accept_from=accept))
        await server.start()
        self._metrics["agi"] = partial(figures, server.metrics)
        try:
            async with _task(self._beat_agi(server)), _task(parts.situation.run()):
                yield
        finally:
            await server.stop(drain_s=context.settings.drain_s)
            await journal.close()

    @asynccontextmanager
    async def _bridges(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for node in self._context.site.nodes:
                link = NodeLink(
                    node=node.id,
                    host=node.ami.host,
                    port=node.ami.port,
                    username=AMI_USER,
                    secret=self._context.secrets.ami_password,
                    local_address=self._context.site.local_address,
                    entry_endpoints=tuple(edge_endpoint(edge) for edge in self._context.topology.edges),
                )
                bridge = Bridge(link, self._live, heartbeats.copied(self._context.site), clock=system_clock)
                self._metrics[f"bridge_{node.id}"] = partial(figures, bridge.metrics)
                await stack.enter_async_context(_task(bridge.run()))
            yield

    @asynccontextmanager
    async def _matcher(self) -> AsyncIterator[None]:
        settings = self._context.settings
        rules = Rules(
            lease_s=settings.offer_lease_s,
            ring_s=settings.ring_s,
            wrap_up_s=settings.wrap_up_s,
            pause_s=settings.no_answer_pause_s,
        )
        agents = {agent.id: agent for agent in self._context.agents.values() if agent.site == self._context.site.id}
        shell = MatcherShell(self._live, agents, rules, system_clock)
        self._metrics["matcher"] = shell.metrics
        async with _task(shell.run()):
            yield

    @asynccontextmanager
    async def _tickets(self) -> AsyncIterator[None]:
        context = self._context
        directory = journal_dir(context.settings, context.site.id)
        journal = Journal(directory, "keeper")
        nodes = [node.id for node in context.site.nodes]
        versions = self._quota_versions()
        quotas = QuotaKeeper(self._live, nodes, partial(self._put_in_force, versions), system_clock)
        surge = SurgeWatch(context.site.id, context.topology, context.surge, self._live, self._database, system_clock)
        keeper = Keeper(
            context.site.id,
            self._live,
            journal,
            system_clock,
            after_snapshot=quotas.snapshot_compared,
            on_event=surge.take,
        )
        plan = load_number_plan(context.topology.cities.values())
        forwarder = Forwarder(
            directory,
            Store(self._database),
            self._live,
            system_clock,
            read_number=partial(read_raw_number, plan=plan),
        )
        notices = NoticeKeeper(self._live, self._database, system_clock)
        self._metrics["notices"] = notices.metrics
        self._metrics["surge"] = surge.metrics
        self._metrics["keeper"] = keeper.metrics
        self._metrics["quotas"] = quotas.metrics
        safety = SafetyAudit(context.site.id, self._live, self._database)
        self._metrics["safety"] = safety.metrics
        self._metrics["quota_versions"] = versions.metrics
        self._metrics["forwarder"] = forwarder.metrics
        try:
            async with (
                _task(notices.run()),
                _task(surge.run()),
                _task(keeper.run()),
                _task(versions.run()),
                _task(quotas.run()),
                _task(safety.run()),
                _task(self._deliver(forwarder)),
            ):
                await quotas.wait_in_force(FIRST_QUOTAS_S)
                yield
        finally:
            await journal.close()

    @asynccontextmanager
    async def _console(self) -> AsyncIterator[None]:
        context = self._context
        parts = ConsoleParts(
            live=self._live,
            database=self._database,
            site=context.site.id,
            topology=context.topology,
            profiles=context.profiles,
            probes=heartbeats.agi_probes(context.site, self._live, system_clock),
            metrics=self._metrics,
        )
        runner = web.AppRunner(build_app(parts), access_log=None)
        await runner.setup()
        address = context.site.console
        try:
            await web.TCPSite(runner, address.host, address.port).start()
            yield
        finally:
            await runner.cleanup()

    # Small parts ---------------------------------------------------------------------------------------------

    def _quota_versions(self) -> QuotaVersions:
        context = self._context
        desk = Desk(self._database, context.topology, context.profiles)
        return QuotaVersions(context.site.id, self._live, desk, context.topology, context.profiles, system_clock)

    async def _put_in_force(self, versions: QuotaVersions) -> None:
        await set_safety_numbers(self._live, self._context.allowances.safety_numbers)
        await versions.put_in_force()

    async def _deliver(self, forwarder: Forwarder) -> None:
        """Deliver as soon as SQL is there with its tables; until then the journal keeps the tickets."""
        while True:
            try:
                await asyncio.to_thread(create_schema, self._database)
                break
            except TielineError as error:
                if not error.retryable:
                    raise
                _log.warning("no database yet: tickets wait in the journal", error=str(error))
                await asyncio.sleep(SCHEMA_RETRY_S)
        await forwarder.run()

    async def _beat_agi(self, server: AgiServer) -> None:
        """Say that calls are served here: at hang-up the dialplan asks no server whose heartbeat is stale."""
        key = heartbeats.agi_key(self._agi_index)
        while True:
            if time.monotonic() - server.beat < BEAT_S:
                with suppress(TielineError):
                    await asyncio.gather(
                        self._live.call("SET", key, f"{system_clock():.3f}", "EX", 60),
                        leave(self._live, self._agi_index, self._decision_times),
                    )
            await asyncio.sleep(BEAT_S)


def read_raw_number(record: CallRecord, *, plan: NumberPlan) -> CallRecord:
    """Read the caller's number of a call that no Python has served; the ticket needs it to call back."""
    if not record.raw_number or record.number_state:
        return record
    city = CityId(record.city) if record.city else None
    caller = parse_caller(record.raw_number, "", privacy=False, trunk_city=city, plan=plan)
    return msgspec.structs.replace(record, number_state=caller.state, number=caller.e164, raw_number="")


async def _warm_up(parts: Parts) -> None:
    """Do once what is slow the first time: the number library loads its tables (0.1 s), Redis learns the scripts.

    The first admission must not miss its 50 ms: the call would be counted by the node alone and told to nobody.
    """
    parse_caller("059100001234", "", privacy=False, trunk_city=None, plan=parts.numbers)
    with suppress(TielineError):
        await warm_up(parts.live)


def _own_addresses(site: Site) -> tuple[str, ...]:
    """The hosts that may ask our AGI servers: the site's nodes, and this host itself.

    In the lab all nodes are on loopback, where a client without a bound address comes from 127.0.0.1.
    """
    nodes = tuple(node.sip.host for node in site.nodes)
    on_loopback = any(ipaddress.ip_address(host).is_loopback for host in nodes)
    return (*nodes, site.local_address, *(("127.0.0.0/8",) if on_loopback else ()))


@asynccontextmanager
async def _task(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a coroutine beside the block; when it dies of an error the process must not look alive: it ends, too."""
    task = asyncio.create_task(work)
    task.add_done_callback(_end_with)
    try:
        yield
    finally:
        await cancel_until_done(task)


def _end_with(task: "asyncio.Task[None]") -> None:
    if task.cancelled() or task.exception() is None:
        return
    _log.error("part died: the process ends and its supervisor starts it again", exc_info=task.exception())
    os.kill(os.getpid(), signal.SIGTERM)

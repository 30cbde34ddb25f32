"""One site's processes: each part can run alone or with the others in one process; they meet only in Redis."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

import msgspec
import structlog
from aiohttp import web

from ami_bridge.bridge import Bridge
from ami_bridge.node_link import NodeLink
from console.app import build_app
from console.keys import QUOTAS, ConsoleParts
from crm_adapter.forwarder import Forwarder
from crm_adapter.journal import Journal
from crm_adapter.record import CallRecord
from crm_adapter.stand_in import StandIns
from crm_adapter.store import Store
from routing.ladder_desk import LadderDesk
from routing.ladder_follower import LadderFollower
from routing.live import MatcherShell
from routing.matcher import Rules
from routing.peers import Abroad
from routing.static_queues import static_queues
from service import heartbeats
from service.agi_servers import Metrics, agi_servers
from service.beside import beside
from service.callbacks import callbacks
from service.context import SiteContext, load_network
from service.figures import figures
from service.keeper import Keeper
from service.matcher_figures import MatcherFigures
from service.network import NetworkWatch
from service.notice_keeper import NoticeKeeper
from service.plan import AMI_USER, journal_dir
from service.quota_keeper import QuotaKeeper
from service.quota_versions import QuotaVersions
from service.safety_audit import SafetyAudit
from service.surge_watch import SurgeWatch
from tieline.clock import system_clock
from tieline.database import Database, create_schema
from tieline.errors import TielineError
from tieline.live import Live
from tieline.model import CityId, SiteId
from tieline.numbers import NumberPlan, load_number_plan, parse_caller
from tieline.site_live import open_live, open_replica
from tieline.work import tell_work
from trunk_config.admission import set_safety_numbers
from trunk_config.desk import Desk
from trunk_config.render import edge_endpoint

PARTS: Final = ("agi", "bridge", "matcher", "tickets", "console")
BEAT_S: Final = 1.0
SCHEMA_RETRY_S: Final = 2.0
FIRST_QUOTAS_S: Final = 4.0
"""A start waits so long for quotas in force; without them calls are let in by the nodes' own count."""

_log = structlog.get_logger("service")


class SiteProcess:
    """Runs the chosen parts of a site until it is told to stop.

    Args:
        context: The site's data.
        parts: Names out of `PARTS`.
        agi_indexes: Which of the site's AGI addresses this process serves, counted from 0.
    """

    def __init__(self, context: SiteContext, parts: tuple[str, ...], agi_indexes: Sequence[int]) -> None:
        self._context = context
        self._parts = parts
        self._agi_indexes = agi_indexes
        settings, site = context.settings, context.site
        self._live = open_live(site, context.secrets.redis_password, deadline_s=settings.redis_deadline_s)
        self._database = Database(settings.database_url, deadline_s=settings.sql_deadline_s)
        self._metrics: Metrics = {}
        self._network = NetworkWatch(self._live, partial(load_network, settings))

    @property
    def _name(self) -> str:
        """Tell this process from the site's others."""
        servers = "-".join(map(str, self._agi_indexes))
        name = "+".join(self._parts) + (f" {servers}" if "agi" in self._parts else "")
        return f"{name} {os.getpid()}"  # of some parts there are two

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
            self._metrics["network"] = self._network.metrics
            if {"tickets", "console"} & set(self._parts):  # no other part counts what the trunk groups can carry
                await stack.enter_async_context(beside(self._network.run()))
            await stack.enter_async_context(
                beside(tell_work(self._live, self._name, self._agi_connections, system_clock))
            )
            yield
            _log.info("stopping", site=self._context.site.id)

    # The parts -----------------------------------------------------------------------------------------------

    def _agi(self) -> AbstractAsyncContextManager[None]:
        return agi_servers(self._context, self._live, self._agi_indexes, self._metrics)

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
                await stack.enter_async_context(beside(bridge.run()))
            yield

    @asynccontextmanager
    async def _matcher(self) -> AsyncIterator[None]:
        settings = self._context.settings
        rules = Rules(
            lease_s=settings.offer_lease_s,
            ring_s=settings.ring_s,
            wrap_up_s=settings.wrap_up_s,
            pause_s=settings.no_answer_pause_s,
            log_in=settings.agents_log_in,
        )
        topology, staff, site = self._context.topology, self._context.staff, self._context.site
        replicas = {of: self._replica(of) for of in topology.tied_to(site.id)}
        nodes = {of: topology.sites[of].nodes[0].id for of in replicas}
        shell = MatcherShell(
            site.id,
            self._live,
            staff.agents,
            staff.ladders,
            rules,
            system_clock,
            [node.id for node in site.nodes],
            Abroad(replicas, nodes, topology.business_sites),
            [queue for queue in static_queues(topology, staff.agents.values()) if queue.site == site.id],
        )
        async with AsyncExitStack() as stack:
            for replica in replicas.values():
                stack.push_async_callback(replica.close)
            ladders = LadderFollower(LadderDesk(self._database, topology, staff.agents), shell.use)
            await stack.enter_async_context(beside(ladders.run()))
            await stack.enter_async_context(beside(shell.run()))
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
        site_of = {agent.id: agent.site for agent in context.staff.agents.values()}
        stand_ins = StandIns(context.topology.business_sites, site_of)
        forwarder = Forwarder(
            directory,
            Store(self._database, stand_ins=stand_ins),
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
        self._network.subscribe(versions.take_network)
        self._metrics["forwarder"] = forwarder.metrics
        try:
            async with (
                beside(notices.run()),
                beside(surge.run()),
                beside(keeper.run()),
                beside(versions.run()),
                beside(quotas.run()),
                beside(safety.run()),
                callbacks(context, self._live, self._database, self._metrics),
                beside(self._deliver(forwarder)),
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
            staff=context.staff,
            probes=heartbeats.probes(context.site, self._live, system_clock),
            metrics=self._metrics,
        )
        matcher = MatcherFigures(self._live)
        self._metrics["matcher"] = matcher.metrics
        app = build_app(parts)
        self._network.subscribe(app[QUOTAS].take_network)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        address = context.site.console
        try:
            await web.TCPSite(runner, address.host, address.port).start()
            async with beside(matcher.run()):
                yield
        finally:
            await runner.cleanup()

    # Small parts ---------------------------------------------------------------------------------------------

    def _replica(self, of: SiteId) -> Live:
        context = self._context
        deadline_s = context.settings.redis_deadline_s
        return open_replica(context.site, of, context.secrets.redis_password, deadline_s=deadline_s)

    def _agi_connections(self) -> int:
        """Count the connections that are open to the process's AGI servers."""
        return int(sum(read()["connections"] for name, read in self._metrics.items() if name.startswith("agi_")))

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


def read_raw_number(record: CallRecord, *, plan: NumberPlan) -> CallRecord:
    """Read the caller's number of a call that no Python has served; the ticket needs it to call back."""
    if not record.raw_number or record.number_state:
        return record
    city = CityId(record.city) if record.city else None
    caller = parse_caller(record.raw_number, "", privacy=False, trunk_city=city, plan=plan)
    return msgspec.structs.replace(record, number_state=caller.state, number=caller.e164, raw_number="")

"""What remains of calls: the keeper with what it keeps, and the delivery of tickets to SQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import msgspec
import structlog

from crm_adapter.forwarder import Forwarder
from crm_adapter.journal import Journal
from crm_adapter.record import CallRecord
from crm_adapter.stand_in import StandIns
from crm_adapter.store import Store
from service.beside import beside
from service.callbacks import callbacks
from service.context import journal_dir
from service.keeper import Keeper
from service.notice_keeper import NoticeKeeper
from service.parts.shared import Shared
from service.quota_keeper import QuotaKeeper
from service.quota_versions import QuotaVersions
from service.safety_audit import SafetyAudit
from service.surge_watch import SurgeWatch
from tieline.clock import system_clock
from tieline.database import Database, create_schema
from tieline.errors import TielineError
from tieline.model import CityId
from tieline.numbers import NumberPlan, load_number_plan, parse_caller
from trunk_config.admission import set_safety_numbers
from trunk_config.desk import Desk

SCHEMA_RETRY_S: Final = 2.0
FIRST_QUOTAS_S: Final = 4.0
"""A start waits so long for quotas in force; without them calls are let in by the nodes' own count."""

_log = structlog.get_logger("service")


@asynccontextmanager
async def tickets(shared: Shared) -> AsyncIterator[None]:
    """Keep and deliver while the block runs; its first turn waits for quotas in force."""
    context, live, database, metrics = shared.context, shared.live, shared.database, shared.metrics
    nodes = [node.id for node in context.site.nodes]
    journal = Journal(journal_dir(context.settings, context.site.id), "keeper")
    versions = _quota_versions(shared)
    quotas = QuotaKeeper(live, nodes, partial(_put_in_force, shared, versions), system_clock)
    surge = SurgeWatch(context.site.id, context.topology, context.surge, live, database, system_clock)
    keeper = Keeper(
        context.site.id,
        live,
        journal,
        system_clock,
        after_snapshot=quotas.snapshot_compared,
        on_event=surge.take,
    )
    forwarder = _forwarder(shared)
    notices = NoticeKeeper(live, database, system_clock)
    safety = SafetyAudit(context.site.id, live, database)
    metrics |= {
        "notices": notices.metrics,
        "surge": surge.metrics,
        "keeper": keeper.metrics,
        "quotas": quotas.metrics,
        "safety": safety.metrics,
        "quota_versions": versions.metrics,
        "forwarder": forwarder.metrics,
    }
    shared.network.subscribe(versions.take_network)
    try:
        async with (
            beside(notices.run()),
            beside(surge.run()),
            beside(keeper.run()),
            beside(versions.run()),
            beside(quotas.run()),
            beside(safety.run()),
            callbacks(context, live, database, metrics),
            beside(_deliver(forwarder, database)),
        ):
            await quotas.wait_in_force(FIRST_QUOTAS_S)
            yield
    finally:
        await journal.close()


def _forwarder(shared: Shared) -> Forwarder:
    context = shared.context
    plan = load_number_plan(context.topology.cities.values())
    site_of = {agent.id: agent.site for agent in context.staff.agents.values()}
    stand_ins = StandIns(context.topology.business_sites, site_of)
    return Forwarder(
        journal_dir(context.settings, context.site.id),
        Store(shared.database, stand_ins=stand_ins),
        shared.live,
        system_clock,
        read_number=partial(_read_raw_number, plan=plan),
    )


def _quota_versions(shared: Shared) -> QuotaVersions:
    context = shared.context
    desk = Desk(shared.database, context.topology, context.profiles)
    return QuotaVersions(context.site.id, shared.live, desk, context.topology, context.profiles, system_clock)


async def _put_in_force(shared: Shared, versions: QuotaVersions) -> None:
    await set_safety_numbers(shared.live, shared.context.allowances.safety_numbers)
    await versions.put_in_force()


async def _deliver(forwarder: Forwarder, database: Database) -> None:
    """Deliver as soon as SQL is there with its tables; until then the journal keeps the tickets."""
    while True:
        try:
            await asyncio.to_thread(create_schema, database)
            break
        except TielineError as error:
            if not error.retryable:
                raise
            _log.warning("no database yet: tickets wait in the journal", error=str(error))
            await asyncio.sleep(SCHEMA_RETRY_S)
    await forwarder.run()


def _read_raw_number(record: CallRecord, *, plan: NumberPlan) -> CallRecord:
    """Read the caller's number of a call that no Python has served; the ticket needs it to call back."""
    if not record.raw_number or record.number_state:
        return record
    city = CityId(record.city) if record.city else None
    caller = parse_caller(record.raw_number, "", privacy=False, trunk_city=city, plan=plan)
    return msgspec.structs.replace(record, number_state=caller.state, number=caller.e164, raw_number="")

"""What remains of calls: the delivery of tickets to SQL, and, in the process that acts, all that is kept.

Two of them do no harm: journal, notices and quotas' versions are delivered and copied by name, everything else only
by the one that holds the lease.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

import msgspec
import structlog

from crm_adapter.forwarder import Forwarder
from crm_adapter.journal import Journal
from crm_adapter.record import CallRecord
from crm_adapter.stand_in import StandIns
from crm_adapter.store import Store
from service.acting import Acting
from service.beside import beside
from service.context import journal_dir
from service.keeping import keeping
from service.notice_keeper import NoticeKeeper
from service.parts.shared import Shared
from service.quota_versions import QuotaVersions
from tieline.clock import system_clock
from tieline.database import Database, create_schema
from tieline.errors import TielineError
from tieline.lease import Lease, process_name
from tieline.model import CityId
from tieline.numbers import NumberPlan, load_number_plan, parse_caller
from trunk_config.desk import Desk

SCHEMA_RETRY_S: Final = 2.0
FIRST_QUOTAS_S: Final = 4.0
"""A start waits so long for quotas in force; without them calls are let in by the nodes' own count."""

LEASE: Final = "tl:keeper:lease"

_log = structlog.get_logger("service")


@asynccontextmanager
async def tickets(shared: Shared) -> AsyncIterator[None]:
    """Deliver, and keep when this process is the one that acts; the first turn waits for quotas in force."""
    context, live, database = shared.context, shared.live, shared.database
    versions, forwarder = _quota_versions(shared), _forwarder(shared)
    notices = NoticeKeeper(live, database, system_clock)
    journal = Journal(journal_dir(context.settings, context.site.id), "keeper")
    in_force = asyncio.Event()
    work = partial(keeping, shared=shared, journal=journal, versions=versions, in_force=in_force)
    acting = Acting("keeping", Lease(live, LEASE, process_name()), work)
    shared.metrics |= {
        "notices": notices.metrics,
        "quota_versions": versions.metrics,
        "forwarder": forwarder.metrics,
        "keeping": acting.metrics,
    }
    shared.network.subscribe(versions.take_network)
    try:
        async with (
            beside(notices.run()),
            beside(versions.run()),
            beside(acting.run()),
            beside(_deliver(forwarder, database)),
        ):
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_QUOTAS_S):
                    await in_force.wait()
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

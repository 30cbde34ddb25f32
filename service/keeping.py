"""What one process of a site keeps in order: lines and records, quotas in force, surges, callbacks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from crm_adapter.journal import Journal
from service.acting import Act
from service.beside import beside
from service.callbacks import callbacks
from service.keeper import Keeper
from service.parts.shared import Shared
from service.quota_keeper import QuotaKeeper
from service.quota_versions import QuotaVersions
from service.safety_audit import SafetyAudit
from service.surge_watch import SurgeWatch
from tieline.clock import system_clock
from trunk_config.admission import set_safety_numbers


@asynccontextmanager
async def keeping(
    act: Act, *, shared: Shared, journal: Journal, versions: QuotaVersions, in_force: asyncio.Event
) -> AsyncIterator[None]:
    """Keep while the block runs.

    Args:
        act: For what must not be done twice.
        shared: The process.
        journal: For records of calls whose end nobody else reported.
        versions: What is to be in force.
        in_force: Set once quotas are.
    """
    context, live, database, metrics = shared.context, shared.live, shared.database, shared.metrics
    nodes = [node.id for node in context.site.nodes]
    quotas = QuotaKeeper(live, nodes, partial(_put_in_force, shared, versions), system_clock)
    surge = SurgeWatch(context.site.id, context.topology, context.surge, live, database, system_clock)
    safety = SafetyAudit(context.site.id, live, database)
    keeper = Keeper(
        context.site.id,
        live,
        journal,
        system_clock,
        after_snapshot=quotas.snapshot_compared,
        on_event=surge.take,
    )
    metrics |= {
        "surge": surge.metrics,
        "keeper": keeper.metrics,
        "quotas": quotas.metrics,
        "safety": safety.metrics,
    }
    async with (
        beside(surge.run()),
        beside(keeper.run()),
        beside(quotas.run()),
        beside(safety.run()),
        callbacks(shared, act),
        beside(_tell_once(quotas, in_force)),
    ):
        yield


async def _put_in_force(shared: Shared, versions: QuotaVersions) -> None:
    await set_safety_numbers(shared.live, shared.context.allowances.safety_numbers)
    await versions.put_in_force()


async def _tell_once(quotas: QuotaKeeper, in_force: asyncio.Event) -> None:
    await quotas.wait_in_force()
    in_force.set()

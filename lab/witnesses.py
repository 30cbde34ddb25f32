"""Hearing all witnesses of a span of time once everybody has hung up: the sites' Redis, the edge, journals, SQL."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from crm_adapter.ledger import Accounting
from crm_adapter.record import CallRecord
from lab.book_reader import read_accounting, read_journals, read_leftover, read_sql, tasks_of
from lab.books import Leftover
from lab.client import LabClient
from lab.plan import LabPlan
from tieline import secrets_file
from tieline.database import Database
from tieline.errors import TielineError
from tieline.live import Live
from tieline.model import SiteId
from tieline.settings import load_settings
from tieline.site_live import open_live

LOOK_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What all witnesses but the callers say; attributes as in `lab.books.Evidence`."""

    accounting: Accounting
    records: tuple[CallRecord, ...]
    journal: tuple[CallRecord, ...]
    ticket_calls: tuple[str, ...]
    leftovers: tuple[Leftover, ...]


@contextlib.asynccontextmanager
async def lives(plan: LabPlan) -> AsyncIterator[dict[SiteId, Live]]:
    """Open the door to each site's Redis."""
    password = secrets_file.load(plan.secrets_file).redis_password
    async with contextlib.AsyncExitStack() as stack:
        found: dict[SiteId, Live] = {}
        for site in plan.topology.sites.values():
            found[site.id] = open_live(site, password, deadline_s=5)
            stack.push_async_callback(found[site.id].close)
        yield found


@contextlib.asynccontextmanager
async def beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Do something until the body ends; that it failed for want of a part is no matter."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, TielineError):
            await task


async def tasks_at_rest(sites: Mapping[SiteId, Live]) -> dict[SiteId, int]:
    """Count the tasks of each site's processes while there is no call.

    Raises:
        ConnectionLost: A site's Redis is gone.
    """
    return {site: await tasks_of(live) for site, live in sites.items()}


async def hear_all(
    client: LabClient,
    plan: LabPlan,
    sites: Mapping[SiteId, Live],
    since: float,
    at_rest: Mapping[SiteId, int],
    *,
    within_s: float,
) -> Witnessed:
    """Let everybody finish, then ask all witnesses.

    Args:
        client: The lab.
        plan: The same.
        sites: Each site's Redis.
        since: Unix seconds.
        at_rest: What `tasks_at_rest` gave before the calls.
        within_s: So long may it take until nothing is left and SQL has what the journals have.

    Raises:
        LabError: A node does not answer.
        TielineError: A site's Redis or SQL is gone.
    """
    database = Database(load_settings(plan.settings_file, {}).database_url, deadline_s=10)
    try:
        deadline = time.monotonic() + within_s
        while True:
            leftovers = await _leftovers(client, plan, sites, at_rest)
            journal = read_journals(plan, since)
            records, tickets = await read_sql(database, since, time.time())
            told = {record.call_id for record in journal}
            is_settled = told == {record.call_id for record in records} and not any(map(_holds, leftovers))
            if is_settled or time.monotonic() > deadline:
                break
            await asyncio.sleep(LOOK_S)
    finally:
        database.close()
    return Witnessed(read_accounting(plan, since), tuple(records), journal, tuple(tickets), leftovers)


async def _leftovers(
    client: LabClient, plan: LabPlan, sites: Mapping[SiteId, Live], at_rest: Mapping[SiteId, int]
) -> tuple[Leftover, ...]:
    counting = (
        read_leftover(client, plan, site, sites[site.id], tasks_at_rest=at_rest[site.id])
        for site in plan.topology.sites.values()
    )
    return tuple(await asyncio.gather(*counting))


def _holds(leftover: Leftover) -> bool:
    return any(count for name, count in msgspec.structs.asdict(leftover).items() if name != "site")

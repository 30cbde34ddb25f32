"""Fetches what the witnesses of a drill say for its books (`lab.books`); does not judge."""

import asyncio
from typing import Final

import msgspec

from crm_adapter.ledger import Accounting, parse_accounting
from crm_adapter.open_calls import OPEN
from crm_adapter.record import CallRecord, maybe_decode
from crm_adapter.store import Store
from lab.books import Leftover
from lab.client import LabClient
from lab.parts import Exits, Part
from lab.plan import LabPlan
from routing.keys import OFFERS, POOL, SEATS
from tieline.clock import system_clock
from tieline.database import Database
from tieline.live import Live
from tieline.model import AgentState
from tieline.topology import Node, Site
from tieline.work import read_work
from trunk_config.admission import LINES, MESSAGES, in_use

_ASK_S: Final = 10.0
_NO_TALK: Final = frozenset((AgentState.READY, AgentState.OFFLINE, AgentState.NOT_READY))


def read_accounting(plan: LabPlan, since: float) -> Accounting:
    """Read what the edges counted since a Unix time."""
    lines: list[str] = []
    for edge in plan.topology.edges:
        for path in sorted((plan.state / "conf" / edge.id / "accounting").glob("*.acc")):
            lines += path.read_text(errors="replace").splitlines()
    all_of_it = parse_accounting(lines)
    return Accounting(tuple(entry for entry in all_of_it.entries if entry.at >= since), all_of_it.garbled)


def read_journals(plan: LabPlan, since: float) -> tuple[CallRecord, ...]:
    """Read the records of hang-ups since a Unix time from all sites' journals."""
    lines = (
        line for path in sorted((plan.state / "journal").glob("*/*.jsonl")) for line in path.read_bytes().splitlines()
    )
    records = (maybe_decode(line) for line in lines)
    return tuple(record for record in records if record is not None and record.hangup_at >= since)


async def read_sql(database: Database, since: float, until: float) -> tuple[list[CallRecord], list[str]]:
    """Fetch calls that ended in a span of Unix time, and the call id of each of their tickets."""
    return await Store(database).books(since, until)


async def tasks_of(live: Live) -> int:
    """Count the tasks of a site's processes, as many as there ever are without a call.

    Raises:
        ConnectionLost: The site's Redis is gone.
    """
    return sum(work.tasks_most for work in await read_work(live, system_clock()))


async def read_leftover(client: LabClient, plan: LabPlan, site: Site, live: Live, *, tasks_at_rest: int) -> Leftover:
    """Count what a site still holds.

    Args:
        client: Of the lab.
        plan: Of the lab.
        site: Whose.
        live: The site's Redis.
        tasks_at_rest: What `tasks_of` gave before the calls.

    Raises:
        ConnectionLost: The site's Redis is gone.
        LabError: A node does not answer.
    """
    lines, messages, offers, waiting, still_open = await asyncio.gather(
        *(live.call("HLEN", key) for key in (LINES, MESSAGES, OFFERS, POOL, OPEN))
    )
    seats = [msgspec.json.decode(raw) for raw in await live.call("HVALS", SEATS)]
    working = await read_work(live, system_clock())
    channels = [await asyncio.to_thread(_channels, client, plan, node) for node in site.nodes]
    return Leftover(
        site=site.id,
        channels=sum(channels),
        lines=int(lines),
        counted=sum((await in_use(live)).values()),
        messages=int(messages),
        offers=int(offers),
        waiting=int(waiting),
        open=int(still_open),
        busy=sum(AgentState(seat["state"]) not in _NO_TALK for seat in seats),
        connections=sum(work.connections for work in working),
        tasks=max(0, sum(work.tasks for work in working) - tasks_at_rest),
    )


def _channels(client: LabClient, plan: LabPlan, node: Node) -> int:
    conf = plan.state / "conf" / node.id / "etc" / "asterisk" / "asterisk.conf"
    log = plan.state / "calls" / f"channels-{node.id}.txt"
    argv = ("asterisk", "-C", str(conf), "-rx", "core show channels concise")
    log.unlink(missing_ok=True)
    client.run(Part(name="channels", argv=argv, ready=Exits(), log=str(log), ready_s=_ASK_S, stop_s=1))
    return sum("!" in line for line in log.read_text(errors="replace").splitlines())

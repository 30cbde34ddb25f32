"""The keeper: gives lines back when channels end, and stands in as witness when a hang-up went unreported.

Follows the site's bus from a position kept in Redis, together with the open calls, so a keeper that starts again
misses nothing. Doing a thing twice is harmless: releases and records are both by name.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

import msgspec

from crm_adapter.journal import Journal
from crm_adapter.open_calls import OPEN, OpenCall, OpenCalls
from service.safety_audit import PENDING
from tieline import bus
from tieline.clock import Clock
from tieline.errors import TielineError
from tieline.live import Live
from tieline.model import CallId, CityId, NodeId, SiteId, Witness
from tieline.rows import readable
from trunk_config.admission import Verdict, release
from trunk_config.reconciliation import LINE, MESSAGE, CallerChannel, NodeChannels, add_line, reconcile

POSITION: Final = "tl:keeper:position"
_REPAIRS: Final = ("lines_released", "lines_added", "messages_released", "messages_added")
"""Leases that ended by a snapshot, not by a hang-up, and leases that were missing."""


class Keeper:
    """Runs on one site's bus.

    Args:
        site: Whose calls these are.
        live: The site's Redis.
        journal: The keeper's own file in the node's journal directory.
        clock: Unix seconds.
        after_snapshot: Called when a node's leases were made equal to the channels that a snapshot showed.
        on_event: Called with every event, so that whoever watches calls need not read the bus once more.
    """

    def __init__(
        self,
        site: SiteId,
        live: Live,
        journal: Journal,
        clock: Clock,
        *,
        after_snapshot: Callable[[NodeId], Awaitable[None]],
        on_event: Callable[[bus.Event], None] = lambda _: None,
    ) -> None:
        self._site = site
        self._live = live
        self._journal = journal
        self._clock = clock
        self._after_snapshot = after_snapshot
        self._on_event = on_event
        self._open = OpenCalls(site)
        self._position = "0-0"
        self._to_audit: list[bus.CallArrived] = []
        self.counters = dict.fromkeys((*_REPAIRS, "lines_by_node", "records_stood_in", "skipped", "restarts"), 0)

    async def run(self) -> None:
        """Keep until cancelled; wait out a Redis that is away."""
        while True:
            with suppress(TielineError):
                await self._load()
                await self._follow()
            self.counters["restarts"] += 1
            await asyncio.sleep(0.5)

    def metrics(self) -> Mapping[str, float]:
        """Give the numbers worth a graph; lines released or added again and again are an alarm."""
        return {**self.counters, "open_calls": len(self._open.calls)}

    async def _load(self) -> None:
        table = readable(await self._live.call("HGETALL", OPEN), OpenCall)
        calls = {CallId(call_id): call for call_id, call in table.items()}
        self._open = OpenCalls(self._site, calls)
        self._to_audit = []
        position = await self._live.call("GET", POSITION)
        self._position = position.decode() if position else "0-0"

    async def _follow(self) -> None:
        while True:
            entries = await self._live.look(self._position)
            gone: list[str] = []
            for entry, event in entries:
                self._position = entry
                if event is None:
                    self.counters["skipped"] += 1
                    continue
                self._open.apply(event)
                self._on_event(event)
                if isinstance(event, bus.CallGone):
                    gone.append(event.uniqueid)
                elif isinstance(event, bus.NodeSnapshot):
                    await self._reconcile(event)
                elif isinstance(event, bus.LineHeld):
                    await add_line(self._live, event.uniqueid, CityId(event.city))
                    self.counters["lines_by_node"] += 1
                elif isinstance(event, bus.CallArrived) and event.verdict == Verdict.SAFETY:
                    self._to_audit.append(event)
            await release(self._live, *gone)
            await self._stand_in()
            if entries or self._open.changed:
                await self._save()
                await self._live.next_look()

    async def _reconcile(self, snapshot: bus.NodeSnapshot) -> None:
        repairs = await reconcile(self._live, _channels(snapshot))
        self.counters["lines_released"] += repairs.released.lines
        self.counters["lines_added"] += repairs.added.lines
        self.counters["messages_released"] += repairs.released.messages
        self.counters["messages_added"] += repairs.added.messages
        await self._after_snapshot(NodeId(snapshot.node))

    async def _stand_in(self) -> None:
        """Write the record of each call whose end nobody reported."""
        for record in list(self._open.due(self._clock())):
            await self._journal.append(record)
            self._open.written(record)
            self.counters["records_stood_in"] += 1
            witness = Witness.SNAPSHOT if record.estimated else Witness.AMI
            await self._live.tell(
                bus.CallJournalled(
                    at=self._clock(),
                    call_id=record.call_id,
                    node=record.node,
                    outcome=record.outcome,
                    witness=witness,
                )
            )

    async def _save(self) -> None:
        changed, self._open.changed = self._open.changed, set()
        commands: list[tuple[str | bytes, ...]] = [("SET", POSITION, self._position)]
        commands += [("RPUSH", PENDING, bus.encode(event)) for event in self._to_audit]
        self._to_audit = []
        for call_id in changed:
            call = self._open.calls.get(call_id)
            if call is None:
                commands.append(("HDEL", OPEN, call_id))
            else:
                commands.append(("HSET", OPEN, call_id, msgspec.json.encode(call)))
        await asyncio.gather(*(self._live.begin(*command) for command in commands))


def _channels(snapshot: bus.NodeSnapshot) -> NodeChannels:
    """Give the channels of a snapshot with what each holds: a caller holds a line from the answer to the hang-up."""
    return NodeChannels(
        NodeId(snapshot.node),
        {
            channel.uniqueid: CallerChannel(CityId(channel.city), _holds(channel) if channel.caller_leg else "")
            for channel in snapshot.channels
        },
        at=snapshot.at,
        started_at=snapshot.started_at,
    )


def _holds(channel: bus.ChannelSeen) -> str:
    if channel.holds_line:
        return LINE
    return MESSAGE if channel.hears_refusal else ""

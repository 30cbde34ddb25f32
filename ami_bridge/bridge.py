"""The bridge of one node: what Asterisk tells goes to the site's bus, what the bus asks is done in Asterisk.

Failure policy: Asterisk away: the bus is told, we come back and compare. Redis away: events are kept, then dropped
and owned up to (`outbox`), heartbeats stop, so the dialplan turns to its static queue. Delivery is at least once and
in order: when Redis does not answer a batch, the batch is told again.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Mapping
from typing import Final

import structlog

from ami_bridge import events as ami
from ami_bridge.actions import CoreShowChannels, Getvar, PJSIPShowContacts, SetGlobal
from ami_bridge.client import ACTION_DEADLINE_S, Client
from ami_bridge.commands import RETRY_S, CommandFollower
from ami_bridge.dispatch import Dispatcher
from ami_bridge.forms import is_city
from ami_bridge.metrics import BridgeMetrics
from ami_bridge.node_link import NodeLink, Patience
from ami_bridge.outbox import Outbox
from ami_bridge.reconcile import Differences, Snapshot, as_told, compare, end_all, repair, touch_listed, without_city
from ami_bridge.state import Leg, NodeState
from tieline import bus
from tieline.clock import Clock, system_clock
from tieline.errors import ConnectionLost, DeadlineExceeded, NotReady, TielineError
from tieline.live import Live
from tieline.variables import CITY

BEAT_EVERY_S: Final = 1.0
OWN_BEAT_KEPT_S: Final = 5
SNAPSHOT_EVERY_S: Final = 30.0
SNAPSHOT_DEADLINE_S: Final = 5.0
CONFIRM_AFTER_S: Final = 2.0
BATCH: Final = 500
_TELLING: Final = (
    ami.Newchannel, ami.NewAccountCode, ami.Hangup, ami.DialBegin, ami.DialEnd, ami.BridgeEnter, ami.BridgeLeave,
    ami.UserEvent, ami.DTMFEnd, ami.Hold, ami.Unhold, ami.BlindTransfer, ami.AttendedTransfer, ami.QueueCallerJoin,
    ami.QueueCallerAbandon, ami.AgentConnect, ami.AgentComplete, ami.ContactStatus, ami.FullyBooted, ami.Shutdown,
)  # fmt: skip
_read_channel: Final = ami.reader_of(ami.CoreShowChannel)
_read_contact: Final = ami.reader_of(ami.ContactList)
_log = structlog.get_logger("bridge")
_SECONDS: Final = re.compile(rb"([0-9]{1,12})(\.[0-9]*)?")


class Bridge:
    """Bridges one Asterisk node and the site's bus.

    Args:
        config: The node.
        live: The site's Redis.
        heartbeats: Keys of Redis that the components beat in (Unix seconds as text), each with the node's global that
            the dialplan looks at.
        clock: Unix seconds.
        caller: The node again, with the user who calls customers.
        patience: Deadlines towards Asterisk.
        snapshot_every_s: Interval of snapshots while nothing is wrong.
        confirm_after_s: After which time a difference must still be there to count.
    """

    def __init__(
        self,
        config: NodeLink,
        live: Live,
        heartbeats: Mapping[str, str],
        clock: Clock = system_clock,
        *,
        caller: NodeLink,
        patience: Patience | None = None,
        snapshot_every_s: float = SNAPSHOT_EVERY_S,
        confirm_after_s: float = CONFIRM_AFTER_S,
        outbox: Outbox | None = None,
    ) -> None:
        self._node, self._live, self._clock = config.node, live, clock
        self._heartbeats = heartbeats
        self._snapshot_every_s, self._confirm_after_s = snapshot_every_s, confirm_after_s
        self._state = NodeState(config.node, config.entry_endpoints)
        self._outbox = Outbox() if outbox is None else outbox  # an empty one is false
        self._dispatcher = Dispatcher()
        for kind in _TELLING:
            self._dispatcher.subscribe(kind, self._on_event)
        self._client = Client(config, self._dispatcher, on_up=self._on_up, on_down=self._on_down, patience=patience)
        self._snapshot_wanted = asyncio.Event()
        self._commands = CommandFollower(
            config.node,
            live,
            self._client,
            caller,
            clock,
            take_snapshot=self._snapshot_wanted.set,
            leg_of=self._state.leg_of,
        )
        self._after_gap = True
        self._primed = False
        self._told_up: bool | None = None
        self._told_dead = False
        self._told = self._snapshots = self._repairs = 0

    async def run(self) -> None:
        """Work until cancelled; then tell what is left, as far as Redis takes it at once.

        Raises:
            ExceptionGroup: A bug of ours; the process's supervisor starts again.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                for work in (self._client.run(), self._tell(), self._list(), self._beat(), self._commands.run()):
                    tasks.create_task(work)
        finally:
            self._on_down("the bridge stops")
            with contextlib.suppress(TielineError):
                await self._live.tell(*self._outbox.oldest(len(self._outbox)))

    def metrics(self) -> BridgeMetrics:
        """Count up what happened so far."""
        commands, client, seen = self._commands, self._client, self._dispatcher
        return BridgeMetrics(
            node=self._node,
            up=client.is_up,
            connects=client.connects,
            attempts_failed=client.attempts_failed,
            auth_failures=client.auth_failures,
            events=seen.seen,
            unwanted=seen.unwanted,
            hostile=self._state.hostile,
            subscriber_failures=seen.failures,
            told=self._told,
            waiting=len(self._outbox),
            dropped=self._outbox.dropped,
            snapshots=self._snapshots,
            repairs=self._repairs,
            channels=len(self._state.legs),
            commands_done=commands.done,
            commands_gone=commands.gone,
            commands_expired=commands.expired,
            commands_failed=commands.failed,
            commands_refused=commands.refused,
        )

    def _on_event(self, event: ami.AmiEvent) -> None:
        self._outbox.put(self._state.apply(event, self._clock()))

    def _on_up(self) -> None:
        self._tell_link(up=True, reason="")
        self._told_dead = False
        self._after_gap = True
        self._snapshot_wanted.set()

    def _on_down(self, reason: str) -> None:
        self._tell_link(up=False, reason=reason)
        if self._client.is_dead and not self._told_dead:
            _log.warning("nobody listens at the node: its channels count as ended", node=self._node)
            self._told_dead = True  # its lines are free, its callers are called back, its phones are not reached
            self._outbox.put(end_all(self._state, self._clock()))

    def _tell_link(self, *, up: bool, reason: str) -> None:
        """Tell changes only: a node that stays away is tried again and again."""
        if self._told_up is not up:
            self._told_up = up
            _log.log(logging.INFO if up else logging.WARNING, "AMI link", node=self._node, up=up, reason=reason)
            self._outbox.put((bus.NodeSeen(at=self._clock(), node=self._node, up=up, reason=reason),))

    async def _tell(self) -> None:
        while True:
            await self._outbox.filled.wait()
            batch = self._outbox.oldest(BATCH)
            try:
                await self._live.tell(*batch)
            except TielineError:  # also a Redis that loads its data or is only a replica: it will pass
                await asyncio.sleep(RETRY_S)
                continue
            self._outbox.remove(len(batch))
            self._told += len(batch)
            if gap := self._outbox.take_gap():
                self._own_up(gap)

    def _own_up(self, gap: int) -> None:
        """Tell readers that they missed something; the snapshot that follows says what is true now."""
        reason = f"gap: {gap} events were not told"
        _log.warning("Redis was away too long: events were dropped, a snapshot follows", node=self._node, dropped=gap)
        self._outbox.put((bus.NodeSeen(at=self._clock(), node=self._node, up=self._client.is_up, reason=reason),))
        self._snapshot_wanted.set()

    async def _list(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._snapshot_every_s):
                    await self._snapshot_wanted.wait()
            if not self._client.is_up:
                self._snapshot_wanted.clear()
                continue  # coming up asks for a snapshot
            self._snapshot_wanted.clear()
            try:
                await self._snapshot()
            except (ConnectionLost, DeadlineExceeded, NotReady):
                self._snapshot_wanted.set()
                await asyncio.sleep(RETRY_S)

    async def _snapshot(self) -> None:
        """Take a snapshot, mend what differs, tell all of it."""
        after_gap, self._after_gap = self._after_gap, False
        try:
            snapshot = await self._ask()
            differences = compare(self._state, snapshot)
            if differences and not after_gap:
                await asyncio.sleep(self._confirm_after_s)
                snapshot = await self._ask()
                differences = differences.confirmed(compare(self._state, snapshot))
        except TielineError:
            self._after_gap = after_gap or self._after_gap
            raise
        self._mend(snapshot, differences)
        await asyncio.gather(*(self._ask_city(leg) for leg in without_city(self._state)))
        self._outbox.put((as_told(self._state, snapshot),))
        self._snapshots += 1

    def _mend(self, snapshot: Snapshot, differences: Differences) -> None:
        self._outbox.put(repair(self._state, snapshot, differences))
        touch_listed(self._state, snapshot)
        if differences and self._primed:
            self._repairs += len(differences)
            _log.warning("snapshot differs from the events: mended", node=self._node, differences=len(differences))
        self._primed = True

    async def _ask_city(self, leg: Leg) -> None:
        """Ask the node whose call a channel is: once for each channel that is there when a list is made.

        That is cheaper than a variable in each event or each line of the list. A channel without an answer (it is
        just ending, or hardly in the dialplan) is asked again with the next list.
        """
        with contextlib.suppress(TielineError):
            reply = await self._client.do(Getvar(leg.channel, CITY), deadline_s=ACTION_DEADLINE_S)
            leg.city = reply.value if is_city(reply.value) else ""

    async def _ask(self) -> Snapshot:
        known, now = frozenset(self._state.legs), self._clock()
        channels, contacts = await asyncio.gather(
            self._client.do(CoreShowChannels(), deadline_s=SNAPSHOT_DEADLINE_S),
            self._client.do(PJSIPShowContacts(), deadline_s=SNAPSHOT_DEADLINE_S),
        )
        for reply in (channels, contacts):
            # With no contact at all the answer is an error; any other one must not pass for an empty list.
            if not reply.success and reply.message != "No Contacts found":
                raise NotReady(f"{self._node} does not list: {reply.message}")
        return Snapshot(
            known_before=known,
            asked_at=now,
            channels=tuple(_read_channel(packet) for packet in channels.items),
            contacts=tuple(_read_contact(packet) for packet in contacts.items),
        )

    async def _beat(self) -> None:
        """Pass the heartbeats on. While Redis is silent nothing is set, so the dialplan sees them grow old."""
        while True:
            with contextlib.suppress(TielineError):
                await self._beat_once()
            await asyncio.sleep(BEAT_EVERY_S)

    async def _beat_once(self) -> None:
        if not self._client.is_up:
            return
        values = await self._live.call("MGET", *self._heartbeats)
        for variable, value in zip(self._heartbeats.values(), values, strict=True):
            found = _SECONDS.fullmatch(value or b"")
            if found:
                await self._client.do(SetGlobal(variable, found[1].decode()), deadline_s=BEAT_EVERY_S)
        await self._live.call("SET", f"tl:hb:bridge:{self._node}", int(self._clock()), "EX", OWN_BEAT_KEPT_S)

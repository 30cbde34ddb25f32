"""Executes what the bus asks of a node. A command that fails is counted, never fatal, never repeated late."""

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from ami_bridge import actions, consulting, queue_actions
from ami_bridge.calling_out import call_out
from ami_bridge.client import ACTION_DEADLINE_S, Client
from ami_bridge.correlator import Reply
from ami_bridge.events import QueueMember, reader_of
from ami_bridge.net_members import mending
from ami_bridge.node_link import NodeLink
from ami_bridge.turns import in_turns
from ami_bridge.wire import event_name
from tieline import bus
from tieline.clock import Clock
from tieline.errors import (
    ConnectionLost,
    DeadlineExceeded,
    LocalProtocolError,
    NotReady,
    RemoteProtocolError,
    TielineError,
)
from tieline.live import Live, commands_stream
from tieline.variables import AGENT, BUSINESS, LEGS, TRANSFER

MAILBOX: Final = "TL_GO"
"""The channel variable that the hold loop waits for."""
CALLED_BACK: Final = "called-back"
"""The context of a customer who answers."""
SENT_ON: Final = "transfer"
"""The context of a caller who goes on with somebody else."""
RETRY_S: Final = 0.5
NORMAL_CLEARING: Final = 16
"""Q.850."""
_WORD: Final = re.compile(r"[A-Za-z0-9:_-]{1,64}")
_GLOBAL: Final = re.compile(r"TL_CAP_[a-z0-9_-]{1,64}|TL_QUOTA")
"""What the bus may set on a node: not servers or directories, which the rendered plan owns. They are numbers: the
dialplan calculates with them."""
_EDGE: Final = re.compile(r"[a-z0-9_-]{1,64}")
_WAY_OUT: Final = re.compile(r"[a-z0-9_-]{1,32}\*[0-9]{10,12}@[0-9.]{7,15}:[0-9]{1,5}")
"""Trunk group, number, edge. So long a number is no short code (110, 95598)."""
_FACT: Final = re.compile(r"[A-Za-z0-9_:.+-]{0,128}")
_ONWARD: Final = re.compile(r"[a-z_]{0,32}:[a-z_]{0,32}:[a-z0-9]{0,16}")
_OfTheNet = bus.SetNetQueues | bus.SetQueueMember
_OfOneChannel = bus.PutInMailbox | bus.RingCustomer | bus.SendOn | bus.HangUpChannel | bus.SetGlobal
_COUNT: Final = re.compile(r"[0-9]{1,9}")
_LIST_DEADLINE_S: Final = 5.0
_read_member: Final = reader_of(QueueMember)


class CommandFollower:
    """Follows the node's command stream from now on and executes each command once.

    Args:
        node: Whose commands.
        live: The site's Redis.
        client: The node's link.
        caller: How the user logs in who calls customers.
        clock: Unix seconds.
        take_snapshot: Asks for a snapshot soon.
        leg_of: Gives the channel of an agent in a call (call id, agent), or nothing.

    Attributes:
        done: Commands that Asterisk carried out.
        gone: The channel was no more: the caller left first, which is no fault.
        expired: Mailbox words that came too late to be put in.
        failed: No answer in time, no link, or Asterisk refused.
        refused: Not decodable, or with a value that must not reach Asterisk.
    """

    def __init__(
        self,
        node: str,
        live: Live,
        client: Client,
        caller: NodeLink,
        clock: Clock,
        *,
        take_snapshot: Callable[[], None],
        leg_of: Callable[[str, str], str],
    ) -> None:
        self.done = self.gone = self.expired = self.failed = self.refused = 0
        self._stream, self._live, self._client, self._clock = commands_stream(node), live, client, clock
        self._caller, self._take_snapshot, self._leg_of = caller, take_snapshot, leg_of
        # One after the other: a change before the end of a mending would be undone by it. Callers' words wait for
        # neither: a list of thousands of members takes a while.
        self._net: asyncio.Queue[_OfTheNet] = asyncio.Queue()

    async def run(self) -> None:
        """Read and execute for ever. While Redis is away it waits, and goes on where it was.

        Raises:
            ExceptionGroup: A bug of ours.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._keep_net())

    async def _keep_net(self) -> None:
        while True:
            await self.execute(await self._net.get())

    async def _follow(self) -> None:
        position = ""
        while True:
            try:
                position = position or await self._live.last_id(self._stream)
                entries = await self._live.read(self._stream, position)
            except TielineError:  # also a Redis that loads its data: it will pass
                await asyncio.sleep(RETRY_S)
                continue
            if entries:
                position = entries[-1][0]
                # Together: they leave for Asterisk in this order, and one slow answer does not hold up the next.
                commands = [one for _, raw in entries if (one := self._maybe_command(raw)) is not None]
                await asyncio.gather(*(self._take(turn) for turn in in_turns(commands)))

    def _maybe_command(self, raw: bytes) -> bus.Command | None:
        try:
            return bus.decode_command(raw)
        except RemoteProtocolError:
            self.refused += 1
            return None

    async def _take(self, turn: Sequence[bus.Command]) -> None:
        for command in turn:
            if isinstance(command, bus.SetNetQueues | bus.SetQueueMember):
                self._take_for_net(command)
            else:
                await self.execute(command)

    def _take_for_net(self, command: _OfTheNet) -> None:
        """Queue it behind what is being done; what the matcher will set anew, or has, is not kept."""
        if isinstance(command, bus.SetNetQueues):
            while not self._net.empty():
                self._net.get_nowait()
        elif not self._client.is_up:  # once it is, the matcher sets all of them
            self.failed += 1
            return
        self._net.put_nowait(command)

    async def execute(self, command: bus.Command) -> None:
        """Execute one command within its deadline and count how it ended."""
        if isinstance(command, bus.TakeSnapshot):
            self._take_snapshot()
            self.done += 1
            return
        try:
            if isinstance(command, bus.SetNetQueues):
                await self._mend_net(command)
            elif isinstance(command, bus.Consult):
                await self._consult(command)
            elif isinstance(command, bus.NoteLeg):
                await self._note_leg(command)
            elif isinstance(command, bus.EndLeg):
                await self._end_leg(command)
            elif isinstance(command, bus.WriteQueueLog):
                # Together, as above: they leave in this order.
                await asyncio.gather(*(self._do(queue_actions.queue_log(line)) for line in command.lines))
            elif isinstance(command, bus.SetQueueMember):
                await self._do(queue_actions.QueuePause(command.agent, command.paused, command.reason))
            else:
                await self._do_one(command)
        except LocalProtocolError:
            self.refused += 1
        except (ConnectionLost, DeadlineExceeded, NotReady):
            self.failed += 1

    async def _do_one(self, command: _OfOneChannel) -> None:
        deadline_s = ACTION_DEADLINE_S
        if isinstance(command, bus.PutInMailbox | bus.RingCustomer | bus.SendOn):
            deadline_s = min(deadline_s, command.expires - self._clock())
            if deadline_s <= 0:
                self.expired += 1
                return
        if isinstance(command, bus.RingCustomer):
            self._count(await call_out(self._caller, _call(command), deadline_s=deadline_s))
            return
        if isinstance(command, bus.SendOn) and not await self._do(_destination(command), deadline_s=deadline_s):
            return
        doing = self._do(_action(command), deadline_s=deadline_s)
        if isinstance(command, bus.PutInMailbox):
            await asyncio.gather(doing, self._stop_sound(command.channel))  # they leave in this order
        else:
            await doing

    async def _do(self, action: actions.Action, *, deadline_s: float = ACTION_DEADLINE_S) -> bool:
        return self._count(await self._client.do(action, deadline_s=deadline_s))

    def _count(self, reply: Reply) -> bool:
        self.done += reply.success
        missing = not reply.success and reply.message.startswith("No such channel")
        self.gone += missing
        self.failed += not reply.success and not missing
        return reply.success

    async def _consult(self, command: bus.Consult) -> None:
        channel = self._leg_of(command.call_id, command.agent)
        if command.expires <= self._clock():
            self.expired += 1
        elif not channel:
            self.gone += 1
        else:
            for action in consulting.actions_of(command, channel):
                if not await self._do(action):
                    return

    async def _end_leg(self, command: bus.EndLeg) -> None:
        if channel := self._leg_of(command.call_id, command.agent):
            await self._do(actions.Hangup(channel, NORMAL_CLEARING))
        else:
            self.gone += 1

    async def _note_leg(self, command: bus.NoteLeg) -> None:
        legs = await self._client.do(actions.Getvar(command.channel, LEGS), deadline_s=ACTION_DEADLINE_S)
        business = await self._client.do(actions.Getvar(command.channel, BUSINESS), deadline_s=ACTION_DEADLINE_S)
        if legs.success and business.success:
            now = consulting.legs_after(legs.value, business.value, command)
            await self._do(actions.Setvar(command.channel, LEGS, now))
            if command.agent and not command.beside:
                await self._do(actions.Setvar(command.channel, AGENT, command.agent))

    async def _mend_net(self, command: bus.SetNetQueues) -> None:
        reply = await self._client.do(queue_actions.QueueStatus(), deadline_s=_LIST_DEADLINE_S)
        listed = [_read_member(item) for item in reply.items if event_name(item) == "QueueMember"]
        await asyncio.gather(*(self._do(action) for action in mending(command, listed)))

    async def _stop_sound(self, channel: str) -> None:
        """Who is just being told how long he waits must not hear that to its end; his script looks by itself, too."""
        with suppress(ConnectionLost, DeadlineExceeded, NotReady):
            await self._client.do(actions.StopSound(channel), deadline_s=ACTION_DEADLINE_S)


def _call(command: bus.RingCustomer) -> actions.Originate:
    if _EDGE.fullmatch(command.edge) is None or _WAY_OUT.fullmatch(command.uri) is None:
        raise LocalProtocolError(f"no way out: {command.edge!r} {command.uri!r}")
    if not all(_FACT.fullmatch(value) for value in (command.shown, command.call_id, *command.facts.values())):
        raise LocalProtocolError("a fact that is none")
    return actions.Originate(
        channel=f"PJSIP/{command.edge}/sip:{command.uri}",
        context=CALLED_BACK,
        exten="s",
        timeout_ms=round(command.ring_s * 1000),
        account=command.call_id,
        caller_id=command.shown,
        variables=tuple(command.facts.items()),
    )


def _destination(command: bus.SendOn) -> actions.Action:
    """Say where to before the caller is moved: his dialplan reads it at once."""
    if _ONWARD.fullmatch(command.to) is None:
        raise LocalProtocolError(f"nobody to send a caller on to: {command.to!r}")
    return actions.Setvar(command.channel, TRANSFER, command.to)


def _action(command: bus.PutInMailbox | bus.SendOn | bus.HangUpChannel | bus.SetGlobal) -> actions.Action:
    if isinstance(command, bus.PutInMailbox):
        if _WORD.fullmatch(command.word) is None:
            raise LocalProtocolError(f"no mailbox word: {command.word!r}")
        return actions.Setvar(command.channel, MAILBOX, command.word)
    if isinstance(command, bus.SendOn):
        return actions.Redirect(command.channel, SENT_ON, "s")
    if isinstance(command, bus.HangUpChannel):
        return actions.Hangup(command.channel, command.cause)
    if _GLOBAL.fullmatch(command.name) is None or _COUNT.fullmatch(command.value) is None:
        raise LocalProtocolError(f"no global for the bus to set: {command.name!r}")
    return actions.SetGlobal(command.name, command.value)

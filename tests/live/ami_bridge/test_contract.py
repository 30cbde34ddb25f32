import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace

import pytest

from ami_bridge.actions import CoreShowChannels, Originate, PJSIPShowContacts, SetGlobal
from ami_bridge.bridge import Bridge
from ami_bridge.calling_out import call_out
from ami_bridge.client import Client
from ami_bridge.dispatch import Dispatcher
from ami_bridge.filters import EVENTS_OF_ALL, EVENTS_OF_ENTRY, EVENTS_OF_HOLD
from ami_bridge.node_link import NodeLink, Patience
from ami_bridge.queue_actions import QueuePause
from tests.live.ami_bridge.private_asterisk import (
    ADDRESS,
    AGENT,
    AGENT_ADDRESS,
    CALLER_ADDRESS,
    CALLER_USER,
    SECRET,
    USERNAME,
    PrivateAsterisk,
    private_asterisk,
)
from tests.live.ami_bridge.record import Tap, channel_of
from tests.live.ami_bridge.small_phone import SmallPhone
from tests.support.redis_server import RedisServer, redis_server
from tieline import bus
from tieline.live import EVENTS, Live

pytestmark = pytest.mark.live

CALLER = "+8659187654321"
HEARTBEATS = {"tl:hb:agi:0": "TL_HB_AGI_0", "tl:hb:matcher": "TL_HB_MATCHER"}
CALLS = [f"019aa5d4-1c00-7abc-8def-0123456789{number:02x}" for number in range(8)]


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="module")
def asterisk() -> Iterator[PrivateAsterisk]:
    with private_asterisk() as one:
        yield one


class Site:
    """A bridge at work, its bus read from the start, an agent's phone, and an AMI connection of our own to act by."""

    def __init__(self, live: Live, bridge: Bridge, agent: SmallPhone, tap: Tap) -> None:
        self.live, self.bridge, self.agent, self.tap = live, bridge, agent, tap
        self.events: list[bus.Event] = []
        self._after = "0-0"

    async def until(self, name: str, fits: Callable[[bus.Event], bool] = lambda _: True) -> bus.Event:
        """Read on until an event of this name fits."""
        async with asyncio.timeout(20):
            while True:
                for entry, raw in await self.live.read(EVENTS, self._after, count=1, block_ms=200):
                    self._after = entry
                    event = bus.decode_event(raw)
                    self.events.append(event)
                    if type(event).__name__ == name and fits(event):
                        return event

    async def until_reachable(self) -> None:
        """Read on until the agent's phone is known: by its own event, or by a snapshot.

        An impatient bridge gives up a link that is silent for half a second; the event is then in the next snapshot.
        """
        async with asyncio.timeout(20):
            while True:
                for entry, raw in await self.live.read(EVENTS, self._after, count=1, block_ms=200):
                    self._after = entry
                    event = bus.decode_event(raw)
                    self.events.append(event)
                    seen = isinstance(event, bus.PhoneSeen) and event.reachable
                    listed = isinstance(event, bus.NodeSnapshot) and AGENT in event.reachable_agents
                    if seen or listed:
                        return

    async def connect_to_agent(self, caller: SmallPhone, call: str) -> tuple[str, str]:
        """Bring a caller through the hold loop to the agent; gives the caller's channel and the agent's."""
        start = len(self.tap.seen)
        await caller.call("95598", "福州市民", CALLER, call)
        for key in "12":
            caller.press(key)
            await self.until("CallerKey")
        channel = channel_of(await self.tap.until("Event: DTMFEnd", start))
        now = time.time()
        await self.live.command(
            "fuzhou-1",
            bus.PutInMailbox(at=now, call_id=call, channel=channel, word=f"agent:{AGENT}:7", expires=now + 5),
        )
        await self.until("AgentAnswered")
        await self.agent.answered.wait()
        dialled = await self.tap.until("BridgeNumChannels: 2", start)
        return channel, next(line[13:] for line in dialled.split("\r\n") if line.startswith("DestChannel: "))

    async def act(self, *lines: str) -> None:
        """Send an action over our own connection and wait for its answer."""
        start = len(self.tap.seen)
        self.tap.send(*lines, "ActionID: act")
        await self.tap.until("ActionID: act", start)


@contextlib.asynccontextmanager
async def at_work(
    asterisk: PrivateAsterisk, redis: RedisServer, *, answers: bool = True, patience: Patience | None = None
) -> AsyncIterator[Site]:
    live, tap = Live(redis.url), Tap()
    await live.call("FLUSHALL")
    await tap.open(asterisk.port)
    tap.send("Action: Login", f"Username: {USERNAME}", f"Secret: {SECRET}")
    await tap.until("Event: FullyBooted")
    node = NodeLink("fuzhou-1", ADDRESS, asterisk.port, USERNAME, SECRET, local_address=ADDRESS)
    bridge = Bridge(node, live, HEARTBEATS, caller=replace(node, username=CALLER_USER), patience=patience)
    task = asyncio.create_task(bridge.run())
    try:
        async with SmallPhone(AGENT_ADDRESS, ADDRESS, AGENT, answers=answers) as agent:
            site = Site(live, bridge, agent, tap)
            first = await site.until("NodeSnapshot")
            assert isinstance(first, bus.NodeSnapshot)
            await agent.register()
            if AGENT not in first.reachable_agents:
                await site.until_reachable()
            yield site
            # Answered when the contact is gone; the bridge may be between two links just then: nobody waits for it.
            await agent.register(0)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await tap.close()
        await live.close()


def caller_phone() -> SmallPhone:
    return SmallPhone(CALLER_ADDRESS, ADDRESS)


def test_the_version_is_the_one_we_know(asterisk: PrivateAsterisk) -> None:
    assert asterisk.cli("core show version").startswith("Asterisk 22.")


async def test_a_call_is_told_whole_with_at_most_twenty_events(asterisk: PrivateAsterisk, redis: RedisServer) -> None:
    async with at_work(asterisk, redis) as site, caller_phone() as caller:
        before = sum(site.bridge.metrics().events.values())
        channel, _ = await site.connect_to_agent(caller, CALLS[0])
        await caller.hang_up()
        gone = await site.until("CallGone")
        besides = ("NodeSeen", "NodeSnapshot", "PhoneSeen")
        assert [name for event in site.events if (name := type(event).__name__) not in besides][:5] == [
            *["CallerKey", "CallerKey", "OfferTaken", "AgentRinging", "AgentAnswered"]
        ]
        assert isinstance(gone, bus.CallGone)
        assert (gone.call_id, gone.channel, gone.estimated) == (CALLS[0], channel, False)
        assert abs(gone.at - time.time()) < 5
        await site.agent.ended.wait()
        metrics = site.bridge.metrics()
        assert 10 <= sum(metrics.events.values()) - before <= 20
        assert (metrics.unwanted, metrics.hostile) == (0, 0)


async def test_commands_reach_asterisk_and_a_channel_that_is_gone_is_no_fault(
    asterisk: PrivateAsterisk, redis: RedisServer
) -> None:
    async with at_work(asterisk, redis) as site, caller_phone() as caller:
        await site.live.call("MSET", "tl:hb:agi:0", "1795250001", "tl:hb:matcher", "1795250002")
        channel, _ = await site.connect_to_agent(caller, CALLS[1])
        now = time.time()
        gone = bus.PutInMailbox(
            at=now, call_id=CALLS[1], channel="PJSIP/edge-0000ffff", word="static", expires=now + 5
        )
        await site.live.command("fuzhou-1", gone)
        await site.live.command("fuzhou-1", bus.HangUpChannel(at=now, channel="PJSIP/edge-0000ffff", cause=16))
        await site.live.command("fuzhou-1", bus.SetGlobal(at=now, name="TL_CAP_fuzhou", value="30"))
        await site.live.command("fuzhou-1", bus.HangUpChannel(at=now, channel=channel, cause=16))
        await site.until("CallGone")
        await caller.ended.wait()
        wanted = {"TL_CAP_fuzhou=30", "TL_HB_AGI_0=1795250001", "TL_HB_MATCHER=1795250002"}
        async with asyncio.timeout(25):
            while (metrics := site.bridge.metrics()).commands_done + metrics.commands_gone < 5:
                await site.live.call("PING")
            while not wanted <= set((await asyncio.to_thread(asterisk.cli, "dialplan show globals")).split()):
                await site.live.call("PING")
        assert (metrics.commands_done, metrics.commands_gone, metrics.commands_failed) == (3, 2, 0)


async def test_each_user_may_do_its_own_work_alone(asterisk: PrivateAsterisk) -> None:
    node = NodeLink("fuzhou-1", ADDRESS, asterisk.port, USERNAME, SECRET, local_address=ADDRESS)
    caller = replace(node, username=CALLER_USER)
    call = Originate("Local/nobody@agents", "agents", "700", 1000, CALLS[0])
    assert (await call_out(caller, call, deadline_s=5)).success
    for link, forbidden in (
        (node, (call,)),
        (caller, (SetGlobal("TL_QUOTA", "1"), CoreShowChannels(), PJSIPShowContacts(), QueuePause("a1001", True))),
    ):
        client = Client(link, Dispatcher(), on_up=lambda: None, on_down=lambda _: None)
        async with client.linked():
            await client.come_up(5)
            said = [await client.do(action, deadline_s=5) for action in forbidden]
        assert {(reply.success, reply.message) for reply in said} == {(False, "Permission denied")}


async def test_every_event_we_use_passes_the_filters(asterisk: PrivateAsterisk, redis: RedisServer) -> None:
    """All but `Shutdown`, which the last test asks for."""
    async with at_work(asterisk, redis) as site:
        async with caller_phone() as caller:
            _, leg = await site.connect_to_agent(caller, CALLS[2])
            await caller.hold(on=True)
            await caller.hold(on=False)
            await site.act("Action: BlindTransfer", f"Channel: {leg}", "Context: inbound", "Exten: park")
            assert (await site.until("CallTransferred")) == site.events[-1]
            await caller.hang_up()
            await site.until("CallGone")
        async with caller_phone() as caller:
            await caller.call("queue", "x", CALLER, CALLS[3])
            answered = await site.until("AgentAnswered")
            assert isinstance(answered, bus.AgentAnswered)
            assert answered.call_id == CALLS[3]  # app_queue gives the agent's leg no account code: the dial tells
            await caller.hang_up()
            left = await site.until("AgentLegGone")
            assert isinstance(left, bus.AgentLegGone)
            assert left.call_id == CALLS[3]
        async with caller_phone() as caller:
            await site.connect_to_agent(caller, CALLS[6])
            await site.agent.call("700", "agent", AGENT, "consultation")
            await site.agent.join_callers()
            joined = await site.until("CallTransferred")
            assert isinstance(joined, bus.CallTransferred)
            assert (joined.kind, joined.call_id) == ("attended", CALLS[6])
            await caller.hang_up()
            await site.until("CallGone")
        site.agent.answers = False
        async with caller_phone() as caller:
            await caller.call("queue", "x", CALLER, CALLS[4])
            await site.until("AgentRinging")
            await caller.hang_up()
            await site.until("AgentLegGone")
        seen = site.bridge.metrics().events.keys()
        assert {*EVENTS_OF_ALL, *EVENTS_OF_HOLD, *EVENTS_OF_ENTRY} - seen == {"Shutdown"}
        assert site.bridge.metrics().unwanted == 0


async def test_a_frozen_asterisk_is_noticed_and_a_restarted_one_reconciled(
    asterisk: PrivateAsterisk, redis: RedisServer
) -> None:
    quick = Patience(ping_every_s=0.2, ping_deadline_s=0.5, retry_most_s=0.5)
    async with at_work(asterisk, redis, patience=quick) as site, caller_phone() as caller:
        await site.connect_to_agent(caller, CALLS[5])
        asterisk.signal(signal.SIGSTOP)
        try:
            frozen = await site.until("NodeSeen", lambda event: not getattr(event, "up", True))
        finally:
            asterisk.signal(signal.SIGCONT)
        assert getattr(frozen, "reason", "") == "silent for 0.5 s"
        await site.until("NodeSeen", lambda event: getattr(event, "up", False))
        back = await site.until("NodeSnapshot")
        assert isinstance(back, bus.NodeSnapshot)
        assert {one.call_id for one in back.channels} == {CALLS[5]}
        assert sorted(one.caller_leg for one in back.channels) == [False, True]
        assert back.reachable_agents == (AGENT,)
        assert site.bridge.metrics().repairs == 0
        asterisk.signal(signal.SIGKILL)
        await site.until("NodeSeen", lambda event: not getattr(event, "up", True))
        asterisk.restart()
        gone = await site.until("CallGone")
        assert isinstance(gone, bus.CallGone)
        assert (gone.call_id, gone.estimated, gone.cause) == (CALLS[5], True, 0)
        await site.until("NodeSnapshot")
        assert site.bridge.metrics().repairs >= 2
        await asyncio.to_thread(asterisk.cli, "core stop gracefully")
        await site.until("NodeSeen", lambda event: not getattr(event, "up", True))
        assert site.bridge.metrics().events["Shutdown"] == 1
        asterisk.restart()
        await site.until("NodeSnapshot")

"""What goes along with the matcher on a real Redis: queue_log, each line once over take-overs; the net's members."""

import asyncio

import pytest

from routing.keys import STAYS
from tests.component.routing.test_matcher_shell import NODE, matcher, ready, told, waiting
from tests.support.redis_server import RedisServer
from tieline import bus
from tieline.clock import system_clock
from tieline.live import Live, commands_stream

pytestmark = pytest.mark.component


async def commanded(live: Live) -> list[bus.Command]:
    return [bus.decode_command(raw) for _, raw in await live.read(commands_stream(NODE), "0-0", block_ms=1)]


async def news(live: Live) -> None:
    """Wait for the next command, or a moment: one may have come since we looked."""
    stream = commands_stream(NODE)
    await live.read(stream, await live.last_id(stream), block_ms=50)


async def lines(live: Live, until: str) -> list[str]:
    """Give the events written about calls, once one of a kind is there."""
    async with asyncio.timeout(10):
        while True:
            written = [one for one in await commanded(live) if isinstance(one, bus.WriteQueueLog)]
            events = [line.event for one in written for line in one.lines if line.uniqueid not in ("NONE", "MANAGER")]
            if until in events:
                return events
            await news(live)


async def test_each_line_is_written_once_whoever_acts_and_what_another_version_left_is_passed_over(
    server: RedisServer, live: Live
) -> None:
    await live.call("HSET", STAYS, "c9", b'{"of": "another version"}')
    async with matcher(server):
        await ready(live, "a1001")
        await waiting(live, "c1")
        [offer] = await next_offers(live)
    await live.tell(
        bus.OfferTaken(
            at=system_clock(), call_id="c1", channel=offer.channel, agent="a1001", fence=int(offer.word.split(":")[2])
        ),
        bus.AgentAnswered(at=system_clock(), call_id="c1", agent="a1001", uniqueid="fuzhou-1-1.2"),
    )
    async with matcher(server):
        await lines(live, "CONNECT")
    await live.tell(bus.AgentLegGone(at=system_clock(), call_id="c1", agent="a1001"))
    async with matcher(server):
        await told(live, "a1001", "wrap_up")
    async with matcher(server):
        assert await lines(live, "COMPLETEAGENT") == ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT"]
    assert await live.call("HKEYS", STAYS) == [b"c9"]


async def next_offers(live: Live) -> list[bus.PutInMailbox]:
    async with asyncio.timeout(10):
        while True:
            words = [one for one in await commanded(live) if isinstance(one, bus.PutInMailbox)]
            if words:
                return words
            await news(live)


async def test_a_break_is_told_to_the_node_and_each_matcher_that_begins_sets_all_members(
    server: RedisServer, live: Live
) -> None:
    async def whole(count: int) -> bus.SetNetQueues:
        async with asyncio.timeout(10):
            while True:
                found = [one for one in await commanded(live) if isinstance(one, bus.SetNetQueues)]
                if len(found) == count:
                    return found[-1]
                await news(live)

    def listed() -> bus.NodeSnapshot:
        return bus.NodeSnapshot(at=system_clock(), node=NODE, channels=(), reachable_agents=("a1001",))

    async with matcher(server):
        await ready(live, "a1001")
        await live.tell(listed())
        assert (await whole(1)).paused == {}
        await live.tell(bus.AgentAsked(at=system_clock(), agent="a1001", wish="not_ready", reason="meal"))
        await told(live, "a1001", "not_ready")
        [change] = [one for one in await commanded(live) if isinstance(one, bus.SetQueueMember)]
        assert (change.agent, change.paused, change.reason) == ("a1001", True, "meal")
    async with matcher(server):
        await live.tell(listed())
        assert (await whole(2)).paused == {"a1001": "meal"}

"""The matcher's shell on a real Redis: offers reach the node's commands, and a new start forgets nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from routing.agents import Agent, load_agents
from routing.ladder_file import load_ladders
from routing.live import MatcherShell
from routing.matcher import Rules
from tests.support.redis_server import RedisServer, redis_server
from tieline import bus
from tieline.clock import system_clock
from tieline.live import Live, commands_stream
from tieline.model import MANDARIN, AgentId, Business, Level, SiteId
from tieline.topology_file import load_topology

pytestmark = pytest.mark.component

NODE = "fuzhou-1"
EXAMPLES = Path(__file__).parents[3] / "examples"
TOPOLOGY = load_topology(EXAMPLES / "fujian.toml")
LADDERS = load_ladders(TOPOLOGY, load_agents(EXAMPLES / "agents.toml", TOPOLOGY))
RULES = Rules(lease_s=0.6, ring_s=5, wrap_up_s=30, pause_s=30)
AGENTS = {
    AgentId(name): Agent(
        AgentId(name), SiteId("fuzhou"), name, {MANDARIN: Level.NATIVE}, {Business.REPAIR: Level.FLUENT}
    )
    for name in ("a1001", "a1002")
}


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@pytest.fixture
async def live(server: RedisServer) -> AsyncIterator[Live]:
    live = Live(server.url)
    await live.call("FLUSHALL")
    yield live
    await live.close()


@asynccontextmanager
async def matcher(server: RedisServer) -> AsyncIterator[MatcherShell]:
    live = Live(server.url)
    shell = MatcherShell(SiteId("fuzhou"), live, AGENTS, LADDERS, RULES, system_clock)
    task = asyncio.create_task(shell.run())
    try:
        yield shell
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await live.close()


async def ready(live: Live, *agents: str) -> None:
    await live.tell(*(bus.PhoneSeen(at=system_clock(), agent=agent, node=NODE, reachable=True) for agent in agents))


async def waiting(live: Live, call_id: str) -> None:
    now = system_clock()
    await live.tell(
        bus.CallWaiting(
            at=now,
            call_id=call_id,
            node=NODE,
            channel=f"PJSIP/edge-1-{call_id}",
            city="fuzhou",
            dialect="mandarin",
            business="repair",
            since=now,
        )
    )


async def next_words(live: Live, count: int, after: str = "0-0") -> list[bus.PutInMailbox]:
    words: list[bus.PutInMailbox] = []
    async with asyncio.timeout(10):
        while len(words) < count:
            for entry, raw in await live.read(commands_stream(NODE), after, block_ms=500):
                after = entry
                command = bus.decode_command(raw)
                assert isinstance(command, bus.PutInMailbox)
                words.append(command)
    return words


async def told(live: Live, agent: str, state: str) -> None:
    async with asyncio.timeout(5):
        async for _, event in live.follow(after="0-0"):
            if isinstance(event, bus.AgentChanged) and (event.agent, event.state) == (agent, state):
                return


async def test_a_waiting_call_gets_one_agent_and_the_offer_comes_back_when_not_taken(
    server: RedisServer, live: Live
) -> None:
    async with matcher(server):
        await ready(live, "a1001")
        await waiting(live, "c1")
        first, second = await next_words(live, 2)
    assert first.channel == second.channel == "PJSIP/edge-1-c1"
    assert [word.word.split(":")[:2] for word in (first, second)] == [["agent", "a1001"]] * 2
    assert int(second.word.split(":")[2]) > int(first.word.split(":")[2])
    assert second.at >= first.expires


async def test_a_new_matcher_goes_on_where_the_old_one_was_killed(server: RedisServer, live: Live) -> None:
    async with matcher(server):
        await ready(live, "a1001")
        await waiting(live, "c1")
        [offer] = await next_words(live, 1)
        taken = bus.OfferTaken(
            at=system_clock(),
            call_id="c1",
            channel=offer.channel,
            agent="a1001",
            fence=int(offer.word.split(":")[2]),
        )
        await live.tell(taken, bus.AgentAnswered(at=system_clock(), call_id="c1", agent="a1001"))
    await waiting(live, "c2")
    await ready(live, "a1001", "a1002")
    async with matcher(server):
        words = await next_words(live, 2)
    assert [(word.call_id, word.word.split(":")[1]) for word in words][1] == ("c2", "a1002")


async def test_a_snapshot_ends_calls_that_the_node_no_longer_has(server: RedisServer, live: Live) -> None:
    async with matcher(server) as shell:
        await waiting(live, "c1")
        await live.tell(bus.NodeSnapshot(at=system_clock() + 5, node=NODE, channels=(), reachable_agents=("a1001",)))
        await told(live, "a1001", "ready")
        assert shell.metrics()["waiting"] == 0
        assert shell.metrics()["offered"] == 0


async def test_an_agent_of_two_nodes_is_gone_when_neither_reaches_him(server: RedisServer, live: Live) -> None:
    def seen(node: str, *, reachable: bool) -> bus.PhoneSeen:
        return bus.PhoneSeen(at=system_clock(), agent="a1001", node=node, reachable=reachable)

    async with matcher(server) as shell:
        await live.tell(seen("fuzhou-1", reachable=True), seen("fuzhou-2", reachable=True))
        await live.tell(seen("fuzhou-1", reachable=False))
        await ready(live, "a1002")
        await told(live, "a1002", "ready")
        assert shell.metrics()["agents_ready"] == 2
        await live.tell(seen("fuzhou-2", reachable=False))
        await told(live, "a1001", "offline")


async def test_a_talk_on_one_node_is_not_ended_by_the_snapshot_of_another(server: RedisServer, live: Live) -> None:
    def snapshot(node: str) -> bus.NodeSnapshot:
        return bus.NodeSnapshot(at=system_clock(), node=node, channels=(), reachable_agents=("a1001",))

    async with matcher(server) as shell:
        await ready(live, "a1001")
        await waiting(live, "c1")
        await next_words(live, 1)
        await live.tell(bus.AgentAnswered(at=system_clock(), call_id="c1", agent="a1001"), snapshot("fuzhou-2"))
        await ready(live, "a1002")
        await told(live, "a1002", "ready")
        assert shell.metrics()["agents_talking"] == 1
        await live.tell(snapshot(NODE))
        await told(live, "a1001", "wrap_up")


async def test_what_does_not_parse_is_counted_and_skipped(server: RedisServer, live: Live) -> None:
    async with matcher(server) as shell:
        await live.call("XADD", "tl:events", "*", "m", b'{"type":"Nonsense"}')
        await ready(live, "a1002")
        await told(live, "a1002", "ready")
        assert shell.metrics()["skipped"] == 1

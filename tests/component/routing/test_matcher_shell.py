"""The matcher's shell on a real Redis: offers reach the node's commands, and a new start forgets nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from routing.agents import Agent, load_agents
from routing.keys import HEARTBEAT_KEY, LEASE, OFFERS
from routing.ladder_file import load_ladders
from routing.live import BATCH, MatcherShell
from routing.matcher import Rules
from routing.offers import Offer, Waiting
from routing.pool import Pool
from routing.why import Offered, UnknownCall, fetch_decisions
from service.matcher_figures import MatcherFigures
from tests.support.redis_server import RedisServer
from tieline import bus
from tieline.clock import system_clock
from tieline.endings import cancel_until_done
from tieline.live import EVENTS, Live, commands_stream
from tieline.model import MANDARIN, AgentId, Business, CallId, CityId, Level, Need, NodeId, SiteId
from tieline.topology_file import load_topology

pytestmark = pytest.mark.component

NODE = NodeId("fuzhou-1")
EXAMPLES = Path(__file__).parents[3] / "examples"
TOPOLOGY = load_topology(EXAMPLES / "fujian.toml")
LADDERS = load_ladders(TOPOLOGY, load_agents(EXAMPLES / "agents.toml", TOPOLOGY))
RULES = Rules(lease_s=1.6, ring_s=5, wrap_up_s=30, pause_s=30)
AGENTS = {
    AgentId(name): Agent(
        AgentId(name), SiteId("fuzhou"), name, {MANDARIN: Level.NATIVE}, {Business.REPAIR: Level.FLUENT}
    )
    for name in ("a1001", "a1002")
}


@asynccontextmanager
async def matcher(server: RedisServer) -> AsyncIterator[MatcherShell]:
    live = Live(server.url)
    shell = MatcherShell(SiteId("fuzhou"), live, AGENTS, LADDERS, RULES, system_clock, [NODE])
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
                if isinstance(command, bus.PutInMailbox):
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


async def test_offers_of_agents_who_left_the_file_and_rows_of_another_version_are_taken_away(
    server: RedisServer, live: Live
) -> None:
    def left(call_id: str, *, taken: bool) -> bytes:
        need = Need(MANDARIN, Business.REPAIR, CityId("fuzhou"))
        call = Waiting(CallId(call_id), NODE, f"PJSIP/edge-1-{call_id}", need, system_clock(), SiteId("fuzhou"))
        return msgspec.json.encode(Offer(call, AgentId("a9999"), 7, 0.0 if taken else system_clock() + 9, taken))

    await live.call("HSET", OFFERS, "c1", left("c1", taken=False), "c2", left("c2", taken=True), "c3", "{}")
    async with matcher(server):
        await ready(live, "a1001")
        [word] = await next_words(live, 1)
        assert (word.call_id, word.word.split(":")[1]) == ("c1", "a1001")
    assert await live.call("HKEYS", OFFERS) == [b"c1"]


async def test_a_talk_goes_on_without_a_second_agent_who_left_the_file(server: RedisServer, live: Live) -> None:
    need = Need(MANDARIN, Business.REPAIR, CityId("fuzhou"))
    call = Waiting(CallId("c1"), NODE, "PJSIP/edge-1-c1", need, system_clock(), SiteId("fuzhou"))
    talk = Offer(call, AgentId("a1002"), 7, 0.0, True, system_clock(), second=AgentId("a9999"), second_fence=8)
    await live.call("HSET", OFFERS, "c1", msgspec.json.encode(replace(talk, second_until=system_clock())))
    await ready(live, "a1001")
    async with matcher(server):
        await waiting(live, "c2")
        [word] = await next_words(live, 1)
        await live.tell(bus.AgentLegGone(at=system_clock(), call_id="c1", agent="a1002"))
        async with asyncio.timeout(10):
            while await live.call("HEXISTS", OFFERS, "c1"):
                pass
    assert (word.call_id, word.word.split(":")[1]) == ("c2", "a1001")


async def test_a_snapshot_ends_calls_that_the_node_no_longer_has(server: RedisServer, live: Live) -> None:
    async with matcher(server) as shell:
        await waiting(live, "c1")
        await live.tell(bus.NodeSnapshot(at=system_clock() + 5, node=NODE, channels=(), reachable_agents=("a1001",)))
        await told(live, "a1001", "ready")
        assert shell.metrics()["waiting"] == 0
        assert shell.metrics()["offered"] == 0


async def test_the_console_has_the_acting_matchers_numbers(server: RedisServer, live: Live) -> None:
    figures = MatcherFigures(live)
    following = asyncio.create_task(figures.run())
    async with matcher(server), asyncio.timeout(10):
        while "acting" not in figures.metrics():
            await live.call("PING")
        assert figures.metrics()["acting"] == 1
    await cancel_until_done(following)


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


async def until(live: Live, fits: Callable[[], bool]) -> None:
    """Wait for something that no event tells: look again at each piece of news, or after a moment."""
    async with asyncio.timeout(10):
        while not fits():
            await live.read(EVENTS, await live.last_id(), block_ms=20)


def acts(shell: MatcherShell) -> bool:
    return bool(shell.metrics()["acting"])


async def test_of_two_matchers_one_acts_and_the_other_takes_over_what_it_left(
    server: RedisServer, live: Live
) -> None:
    async with matcher(server) as standby, matcher(server) as other:
        await until(live, lambda: acts(standby) or acts(other))
        first = standby if acts(standby) else other
        second = standby if first is other else other
        assert not acts(second)
        await ready(live, "a1001")
        await waiting(live, "c1")
        [word] = await next_words(live, 1)
        await live.call("DEL", LEASE)  # as if it had been silent for too long
        await until(live, lambda: acts(second) and not acts(first))
        assert second.metrics()["offered"] == 1
        _, _, fence, _ = word.word.split(":")
        failed = bus.OfferFailed(at=system_clock(), call_id="c1", agent="a1001", fence=int(fence), status="BUSY")
        await live.tell(failed)
        await told(live, "a1001", "not_ready")


async def test_a_matcher_whose_lease_another_took_writes_nothing_and_stands_by(
    server: RedisServer, live: Live
) -> None:
    async with matcher(server) as shell:
        await until(live, lambda: acts(shell))
        await live.call("SET", LEASE, "another#1", "PX", 60_000)
        beat = await live.call("GET", HEARTBEAT_KEY)
        await ready(live, "a1001")
        await waiting(live, "c1")
        await until(live, lambda: not acts(shell))
        assert await live.call("HLEN", OFFERS) == 0
        assert await live.call("GET", HEARTBEAT_KEY) == beat
        await live.call("DEL", LEASE)
        [word] = await next_words(live, 1)
        assert word.call_id == "c1"


async def test_who_takes_over_asks_the_nodes_and_knows_a_talk_that_nobody_told_of(
    server: RedisServer, live: Live
) -> None:
    def channel(name: str, context: str, *, caller_leg: bool) -> bus.ChannelSeen:
        return bus.ChannelSeen(
            channel=name,
            uniqueid=name,
            linkedid=name,
            call_id="c1",
            context=context,
            application="Dial",
            caller_leg=caller_leg,
            answered=True,
        )

    async with matcher(server):
        async with asyncio.timeout(10):
            while not (asked := await live.read(commands_stream(NODE), "0-0", block_ms=500)):
                continue
        assert isinstance(bus.decode_command(asked[0][1]), bus.TakeSnapshot)
        legs = (
            channel("PJSIP/edge-1-00000001", "connect", caller_leg=True),
            channel("PJSIP/a1001-00000002", "from-agent", caller_leg=False),
        )
        await live.tell(
            bus.NodeSnapshot(at=system_clock(), node=NODE, channels=legs, reachable_agents=("a1001", "a1002"))
        )
        await told(live, "a1001", "talking")


async def test_a_caller_in_hold_whom_nobody_knows_goes_to_the_net(server: RedisServer, live: Live) -> None:
    lost = bus.ChannelSeen(
        channel="PJSIP/edge-1-00000009",
        uniqueid="9",
        linkedid="9",
        call_id="c9",
        context="hold",
        application="WaitForCondition",
        caller_leg=True,
        answered=True,
    )
    async with matcher(server):
        await live.tell(bus.NodeSnapshot(at=system_clock(), node=NODE, channels=(lost,)))
        [word] = await next_words(live, 1)
    assert (word.call_id, word.channel, word.word) == ("c9", lost.channel, "static")


def pool_of(shell: MatcherShell) -> Pool:
    """Give the index of the matcher that acts."""
    assert shell._saved is not None
    return shell._saved.matcher._exchange.pool


async def test_other_ladders_are_gone_by_at_once(server: RedisServer, live: Live) -> None:
    async with matcher(server) as shell:
        await until(live, lambda: acts(shell))
        shell.use(replace(LADDERS, version=7))
        await until(live, lambda: shell.metrics()["ladders_version"] == 7)
        index = pool_of(shell)
        await ready(live, "a1001")
        await waiting(live, "c1")
        await next_words(live, 1)
        assert pool_of(shell) is index, "made anew once, not at every look"
    kept = (await fetch_decisions(live, CallId("c1"))).decisions[0]
    assert isinstance(kept, Offered)
    assert kept.decision.version == 7


async def test_who_takes_over_offers_nothing_to_a_call_that_is_over_by_then(server: RedisServer, live: Live) -> None:
    await ready(live, "a1001")
    await waiting(live, "c1")
    now = system_clock()
    await live.tell(*(bus.CallRated(at=now, call_id=f"r{number}", rating=1) for number in range(BATCH)))
    await live.tell(
        bus.CallGone(at=now, call_id="c1", node=NODE, channel="PJSIP/edge-1-c1", uniqueid="1", cause=16),
    )
    await waiting(live, "c2")
    async with matcher(server) as shell:
        [word] = await next_words(live, 1)
        assert word.call_id == "c2"
        assert shell.metrics()["offers"] == 1
    with pytest.raises(UnknownCall):
        await fetch_decisions(live, CallId("c1"))

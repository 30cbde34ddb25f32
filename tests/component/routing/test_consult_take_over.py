"""Both sites' matchers on a real Redis, killed in the middle of a consultation across the tie line."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import msgspec
import pytest

from routing.agents import Agent
from routing.keys import OFFERS
from routing.live import MatcherShell
from routing.matcher import Rules
from routing.offers import Offer
from routing.peers import Abroad
from tests.component.routing.test_matcher_shell import LADDERS
from tests.support.redis_server import RedisServer
from tieline import bus
from tieline.clock import system_clock
from tieline.live import EVENTS, Live, commands_stream
from tieline.model import MANDARIN, AgentId, Business, DialectId, Level, NodeId, SiteId

pytestmark = pytest.mark.component

FUZHOU, XIAMEN = SiteId("fuzhou"), SiteId("xiamen")
NODES = {FUZHOU: NodeId("fuzhou-1"), XIAMEN: NodeId("xiamen-1")}
FIRST, SECOND = "a1001", "a2001"
RULES = Rules(lease_s=1.6, ring_s=5, wrap_up_s=30, pause_s=30)
REPAIR = {Business.REPAIR: Level.FLUENT}
AGENTS = {
    AgentId(name): Agent(AgentId(name), site, name, {DialectId(dialect): Level.NATIVE}, REPAIR)
    for name, site, dialect in ((FIRST, FUZHOU, MANDARIN), (SECOND, XIAMEN, "puxian"))
}
Told = TypeVar("Told", bound=bus.Event | bus.Command)


@dataclass
class Sites:
    """Two sites, each with a Redis of its own, which the other one reads."""

    lives: dict[SiteId, Live]

    @asynccontextmanager
    async def matched(self) -> AsyncIterator[None]:
        """Let both matchers act; at the end both are gone, whatever they were about to do."""
        async with AsyncExitStack() as ending:
            for site, other in ((FUZHOU, XIAMEN), (XIAMEN, FUZHOU)):
                abroad = Abroad({other: self.lives[other]}, {other: NODES[other]})
                shell = MatcherShell(
                    site, self.lives[site], AGENTS, LADDERS, RULES, system_clock, [NODES[site]], abroad
                )
                task = asyncio.create_task(shell.run())
                ending.push_async_callback(_killed, task)
            yield

    async def tell(self, *events: bus.Event, at: tuple[SiteId, ...] = (FUZHOU, XIAMEN)) -> None:
        """Tell at both sites, as what is known at both ends of the tie line."""
        for site in at:
            await self.lives[site].tell(*events)

    async def told(self, kind: type[Told], site: SiteId) -> list[Told]:
        """Give what was told at a site, or asked of its node, so far."""
        live = self.lives[site]
        raws = [raw for _, raw in await live.read(EVENTS, "0-0", count=5000, block_ms=1)]
        events: list[bus.Event | bus.Command] = [bus.decode_event(raw) for raw in raws]
        asked = await live.read(commands_stream(NODES[site]), "0-0", count=5000, block_ms=1)
        events += [bus.decode_command(raw) for _, raw in asked]
        return [event for event in events if isinstance(event, kind)]

    async def is_answered(self, refusals: int) -> bool:
        """Tell whether a consultation has begun, or was refused more often than before."""
        refused = await self.told(bus.ConsultRefused, FUZHOU)
        return len(refused) > refusals or bool(await self.told(bus.Consult, FUZHOU))

    async def wait_for(self, is_so: Callable[[], Awaitable[bool]]) -> None:
        """Wait until something is so; looks whenever something is told."""
        live = self.lives[FUZHOU]
        async with asyncio.timeout(15):
            while not await is_so():
                await live.read(EVENTS, await live.last_id(), block_ms=50)

    async def wait(self, kind: type[Told], site: SiteId, count: int = 1) -> list[Told]:
        """Wait until something was told so often."""

        async def is_told() -> bool:
            return len(await self.told(kind, site)) >= count

        await self.wait_for(is_told)
        return await self.told(kind, site)

    async def talk(self) -> Offer:
        """Give the talk as the caller's site has written it down."""
        return msgspec.json.decode(await self.lives[FUZHOU].call("HGET", OFFERS, "c1"), type=Offer)


async def _killed(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.fixture
async def sites(server: RedisServer) -> AsyncIterator[Sites]:
    lives = {FUZHOU: Live(server.url), XIAMEN: Live(f"{server.url.removesuffix('/0')}/1")}
    await lives[FUZHOU].call("FLUSHALL")
    yield Sites(lives)
    for live in lives.values():
        await live.close()


def asked(step: str, to: str = "") -> bus.TransferAsked:
    return bus.TransferAsked(at=system_clock(), call_id="c1", agent=FIRST, step=step, to_agent=to)


async def consulting(sites: Sites) -> bus.Consult:
    """Let Fuzhou's agent talk, and Xiamen lend its own; gives what the caller's node is asked for."""
    for site, agent in ((FUZHOU, FIRST), (XIAMEN, SECOND)):
        await sites.tell(bus.PhoneSeen(at=system_clock(), agent=agent, node=NODES[site], reachable=True), at=(site,))
    now = system_clock()
    waiting = bus.CallWaiting(
        at=now, call_id="c1", node=NODES[FUZHOU], channel="PJSIP/edge-1-1", city="fuzhou", dialect="mandarin",
        business="repair", since=now,
    )  # fmt: skip
    await sites.tell(waiting, at=(FUZHOU,))
    await sites.wait(bus.PutInMailbox, FUZHOU)
    await sites.tell(bus.AgentAnswered(at=system_clock(), call_id="c1", agent=FIRST), at=(FUZHOU,))
    refusals = 0
    while True:  # until Xiamen is seen
        await sites.tell(asked("consult", SECOND), at=(FUZHOU,))
        await sites.wait_for(partial(sites.is_answered, refusals))
        if found := await sites.told(bus.Consult, FUZHOU):
            return found[0]
        refusals += 1


async def test_who_was_lent_and_never_dialled_is_free_after_his_lease_and_rung_once(sites: Sites) -> None:
    async with sites.matched():
        consult = await consulting(sites)
        assert (consult.to_agent, consult.by_way_of) == (SECOND, NODES[XIAMEN])
    async with sites.matched():
        [withdrawn] = await sites.wait(bus.OfferWithdrawn, XIAMEN)
        assert (withdrawn.agent, withdrawn.fence, withdrawn.why) == (SECOND, consult.fence, "lease")
        last = (await sites.told(bus.AgentChanged, XIAMEN))[-1]
    assert (last.agent, last.state) == (SECOND, "ready")
    assert len(await sites.told(bus.Consult, FUZHOU)) == 1
    assert (await sites.talk()).agent == FIRST, "the caller talks on"


async def test_who_takes_over_knows_the_consultation_and_leads_it_to_its_end(sites: Sites) -> None:
    async with sites.matched():
        consult = await consulting(sites)
    rung = bus.OfferTaken(at=system_clock(), call_id="c1", channel="c", agent=SECOND, fence=consult.fence)
    await sites.tell(rung, at=(XIAMEN,))
    await sites.tell(bus.AgentRinging(at=system_clock(), call_id="c1", agent=SECOND))
    await sites.tell(bus.AgentAnswered(at=system_clock(), call_id="c1", agent=SECOND))
    async with sites.matched():
        await sites.tell(asked("complete"), at=(FUZHOU,))
        steps = await sites.wait(bus.Consult, FUZHOU, count=2)
        assert [(one.step, one.to_agent, one.fence) for one in steps] == [
            ("consult", SECOND, consult.fence),
            ("complete", SECOND, consult.fence),
        ]
        await sites.tell(bus.AgentLegGone(at=system_clock(), call_id="c1", agent=FIRST), at=(FUZHOU,))
        [note] = await sites.wait(bus.NoteLeg, FUZHOU)
        assert note.agent == SECOND
        await sites.wait(bus.AgentChanged, XIAMEN, count=3)
    talk = await sites.talk()
    assert (talk.agent, talk.fence, talk.second) == (SECOND, consult.fence, "")
    assert [one.state for one in await sites.told(bus.AgentChanged, XIAMEN)] == ["ready", "offered", "talking"]
    assert len(await sites.told(bus.OfferMade, XIAMEN)) == 1

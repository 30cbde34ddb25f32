"""The waiting pool for people: who waits, how long, at which step of the ladder, and who could take him."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from routing.agents import Agent
from routing.keys import POOL, SEATS
from routing.kinds import agent_kind, call_key, terms_for
from routing.ladders import LadderSet
from routing.offers import Waiting
from routing.seats import Seat
from routing.waits import WAITS, Wait
from tieline.live import Live
from tieline.model import AgentId, AgentState, Business, CallId, CityId, DialectId, Lane
from tieline.rows import readable


class WaitingCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that waits.

    Attributes:
        waited_s: Since it came into the pool.
        ladder: Which one it climbs.
        step: How many of its steps are open by its wait, of `steps`; the choice may put one off for a moment.
        ahead: Calls before it, -1 when nobody can tell.
        expected_s: What it still has to wait, -1 when nobody can tell.
        ready: Agents of this site who are ready and whom its open steps accept.
        later: Agents at work here whom they accept, and who are not ready.
    """

    call_id: CallId
    city: CityId
    dialect: DialectId
    business: Business
    lane: Lane
    waited_s: float
    ladder: str
    step: int
    steps: int
    ahead: int
    expected_s: float
    ready: Sequence[AgentId]
    later: int


class PoolShown(msgspec.Struct, frozen=True, kw_only=True):
    """The waiting pool of a site at one moment, the longest wait first."""

    at: float
    waiting: Sequence[WaitingCall]


async def fetch_pool(live: Live, agents: Mapping[AgentId, Agent], ladders: LadderSet, now: float) -> PoolShown:
    """Fetch the pool of a site.

    Args:
        live: The site's Redis.
        agents: Of the site.
        ladders: What its matcher goes by.
        now: Unix seconds.

    Raises:
        TielineError: Redis is away.
    """
    pool, waits, seats = await asyncio.gather(
        live.call("HGETALL", POOL), live.call("HGETALL", WAITS), live.call("HGETALL", SEATS)
    )
    calls = sorted(readable(pool, Waiting).values(), key=lambda call: (call.since, call.call_id))
    told = readable(waits, Wait)
    seated = {AgentId(agent): seat for agent, seat in readable(seats, Seat).items()}
    at_work = [(agents[agent], seat.state) for agent, seat in seated.items() if agent in agents]
    return PoolShown(
        at=now, waiting=[waiting_call(call, told.get(call.call_id), at_work, ladders, now) for call in calls]
    )


def waiting_call(
    call: Waiting, wait: Wait | None, agents: Iterable[tuple[Agent, AgentState]], ladders: LadderSet, now: float
) -> WaitingCall:
    """Tell how it stands with one call."""
    waited_s = max(0.0, now - call.since)
    ladder = ladders.of(call.need.business, call.need.dialect)
    accepted = [(agent, state) for agent, state in agents if _accepts(call, agent, ladders, waited_s)]
    return WaitingCall(
        call_id=call.call_id,
        city=call.need.city,
        dialect=call.need.dialect,
        business=call.need.business,
        lane=call.need.lane,
        waited_s=round(waited_s, 1),
        ladder=ladder.id,
        step=sum(step.after_s <= waited_s for step in ladder.steps),
        steps=len(ladder.steps),
        ahead=-1 if wait is None else wait.ahead,
        expected_s=-1.0 if wait is None or wait.wait_s is None else round(wait.wait_s, 1),
        ready=sorted(agent.id for agent, state in accepted if state is AgentState.READY),
        later=sum(state not in (AgentState.READY, AgentState.OFFLINE) for _, state in accepted),
    )


def _accepts(call: Waiting, agent: Agent, ladders: LadderSet, waited_s: float) -> bool:
    terms = terms_for(call_key(call), agent_kind(agent), ladders)
    return terms is not None and terms.opens_s <= waited_s

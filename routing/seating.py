"""The seats as the matcher sees them: facts go in, the pool learns who is idle. Pure; takes `now`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from routing.agents import Agent
from routing.freeing import Busy
from routing.offers import Effect, SeatChanged
from routing.pool import Pool
from routing.seat_facts import Fact
from routing.seats import EMPTY, Seat, SeatRules, after
from routing.timers import Timer, Timers
from tieline.model import AgentId, AgentState, CallId, SiteId

UNSEEN: Final = "unseen"
_WITH_CALL: Final = frozenset((AgentState.OFFERED, AgentState.TALKING))
_ON_DUTY: Final = frozenset((AgentState.READY, AgentState.OFFERED, AgentState.TALKING, AgentState.WRAP_UP))


@dataclass(slots=True)
class Seating:
    """Seats of own agents, and what is known of the other sites'.

    Attributes:
        seats: Of own agents.
        peer_seats: Of others, as they were told.
        reserved: Agents of others who are not to be counted on, whatever their seat: an offer of theirs is expected
            or was taken up.
        came_free: Own agents who became idle since somebody last looked.
        out: Where effects go.
    """

    agents: Mapping[AgentId, Agent]
    own: frozenset[SiteId]
    rules: SeatRules
    pool: Pool
    timers: Timers
    out: list[Effect]
    seats: dict[AgentId, Seat] = field(default_factory=dict)
    peer_seats: dict[AgentId, Seat] = field(default_factory=dict)
    reserved: set[AgentId] = field(default_factory=set)
    came_free: dict[AgentId, None] = field(default_factory=dict)
    _with_call: dict[CallId, AgentId] = field(default_factory=dict)
    _ends: dict[AgentId, Timer] = field(default_factory=dict)

    def is_ours(self, agent: AgentId) -> bool:
        """Tell whether an agent is one of ours."""
        known = self.agents.get(agent)
        return known is not None and known.site in self.own

    def news(self, agent: AgentId, now: float, *facts: Fact) -> None:
        """Take in facts about an agent of ours; none: time went on."""
        before = self.seats.get(agent, EMPTY)
        seat = after(before, now, self.rules, *facts)
        if seat == before:
            return
        self.out.append(SeatChanged(agent, seat, before))
        self._put(agent, seat)

    def why_not_idle(self, agent: AgentId) -> str:
        """Say what an agent does who cannot have a call now; `unseen` when nothing is known of him."""
        seat = self.seats.get(agent) or self.peer_seats.get(agent)
        if seat is None:
            return AgentState.OFFLINE if self.is_ours(agent) else UNSEEN
        return AgentState.OFFERED if seat.state is AgentState.READY else seat.state

    def restore(self, seats: Mapping[AgentId, Seat]) -> None:
        """Take over seats as somebody left them; agents who are not known any more are left out."""
        for agent, seat in seats.items():
            if self.is_ours(agent):
                self._put(agent, seat)

    def maybe_with(self, call_id: CallId) -> AgentId | None:
        """Give the agent of ours who has a call, ringing or talking."""
        return self._with_call.get(call_id)

    def _put(self, agent: AgentId, seat: Seat) -> None:
        before = self.seats.get(agent, EMPTY)
        if before.state in _WITH_CALL and self._with_call.get(CallId(before.reason)) == agent:
            del self._with_call[CallId(before.reason)]
        if seat.state in _WITH_CALL:
            self._with_call[CallId(seat.reason)] = agent
        self.seats[agent] = seat
        if timer := self._ends.pop(agent, None):
            timer.cancel()
        if seat.until:
            self._ends[agent] = self.timers.set(seat.until, partial(self._end, agent))
        self.refresh(agent)

    def _end(self, agent: AgentId, now: float) -> None:
        self.news(agent, now)

    # Others' agents ------------------------------------------------------------------------------------------

    def set_peer(self, agent: AgentId, seat: Seat | None) -> None:
        """Note the state of another site's agent; None when nothing is known of him any more."""
        if seat == self.peer_seats.get(agent):
            return
        if seat is None:
            self.peer_seats.pop(agent, None)
        elif agent in self.agents and not self.is_ours(agent):
            self.peer_seats[agent] = seat
        else:
            return
        self.refresh(agent)

    def reserve(self, agent: AgentId, *, reserved: bool) -> None:
        """Count on another site's agent no more, or again."""
        (self.reserved.add if reserved else self.reserved.discard)(agent)
        self.refresh(agent)

    def peers(self, site: SiteId) -> Iterator[AgentId]:
        """Give the agents of another site of whom something is known."""
        return (agent for agent in self.peer_seats if self.agents[agent].site == site)

    # The pool ------------------------------------------------------------------------------------------------

    def refresh(self, agent: AgentId) -> None:
        """Let the pool know how it stands with an agent."""
        seat = self.seats.get(agent) or self.peer_seats.get(agent, EMPTY)
        idle = seat.state is AgentState.READY and agent not in self.reserved
        if idle and agent not in self.pool.idle and self.is_ours(agent):
            self.came_free[agent] = None
        on_duty, idle_since = seat.state in _ON_DUTY, seat.idle_since if idle else None
        self.pool.set_agent(agent, on_duty=on_duty, idle_since=idle_since, busy=_busy(seat))

    def fill(self, pool: Pool) -> None:
        """Go over to another, empty pool."""
        self.pool = pool
        self.came_free.clear()
        for agent in (*self.seats, *self.peer_seats):
            self.refresh(agent)


def _busy(seat: Seat) -> Busy | None:
    """Give what keeps an agent busy and will end by itself: a talk, or its wrap-up."""
    if seat.state is AgentState.WRAP_UP:
        return Busy(until=seat.until)
    talk = seat.legs.maybe_talking() if seat.state is AgentState.TALKING else None
    return Busy(since=talk.answered_at) if talk else None

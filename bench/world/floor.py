"""What happens between callers and agents in simulated time, under one policy.

The floor knows the events (somebody calls, hangs up, is answered, has talked, comes on duty); the policy says, by
`Floor.ring`, whose phone rings for whom. It rings until the agent answers or the caller hangs up; agents always
answer.
What chance decides lies in the day, so that every policy meets the same callers.
"""

from collections.abc import Callable, Hashable
from heapq import heappop, heappush
from itertools import count
from typing import Any, Protocol

from bench.world.book import Book
from bench.world.model import Day, Try, World, served
from tieline.model import AgentId, CallId


class Policy(Protocol):
    """Who brings callers and agents together. Each method is told what has just happened."""

    def arrived(self, call: Try, now: float, /) -> None:
        """A call waits."""

    def gone(self, call: Try, agent: AgentId | None, now: float, /) -> None:
        """A caller hung up, waiting or (with an agent) while that agent's phone rang."""

    def answered(self, call: Try, agent: AgentId, now: float, /) -> None:
        """An agent answered."""

    def ended(self, call: Try, agent: AgentId, now: float, /) -> None:
        """A talk is over; the agent wraps up for `Callers.wrap_up_s`."""

    def on_duty(self, agent: AgentId, now: float, /) -> None:
        """An agent comes."""

    def off_duty(self, agent: AgentId, now: float, /) -> None:
        """An agent goes, after the present call if there is one."""

    def due(self, what: Hashable, now: float, /) -> None:
        """What the policy asked for with `Floor.wake` is due."""


class Floor:
    """The events to come, and the calls that are on."""

    def __init__(self, world: World, day: Day) -> None:
        self.world = world
        self.book = Book(day)
        self.agents = world.agents
        self._day = day
        self._again = world.callers.again
        self._hung_up_chance = self._again.hung_up_storm if day.plan.impatient else self._again.hung_up
        self._order = count()
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._came: dict[CallId, float] = {}
        """Calls that nobody has answered yet."""
        self._ringing: dict[CallId, AgentId] = {}
        self._policy: Policy

    def run(self, policy: Policy) -> Book:
        """Let the whole day happen, to the end of its last talk."""
        self._policy = policy
        for shift in self._day.shifts:
            self._at(shift.start, policy.on_duty, shift.agent)
            if shift.to < self._day.end:
                self._at(shift.to, policy.off_duty, shift.agent)
        for at, call in self._day.arrivals:
            self._at(at, self._arrive, call)
        events = self._events
        while events:
            now, _, happen, what = heappop(events)
            happen(*what, now)
        return self.book

    # For policies ----------------------------------------------------------------------------------------------

    def wake(self, at: float, what: Hashable) -> None:
        """Have the policy's `due` called at a time."""
        self._at(at, self._policy.due, what)

    def ring(self, call: Try, agent: AgentId, now: float) -> None:
        """Let an agent's phone ring for a waiting call.

        Raises:
            ValueError: The call does not wait: the policy is wrong.
        """
        if call.call_id not in self._came or call.call_id in self._ringing:
            raise ValueError(f"{call.call_id} does not wait")
        self._ringing[call.call_id] = agent
        self.book.busy(agent, now)
        self._at(now + call.ring_s, self._answer, call, agent)

    # Events ----------------------------------------------------------------------------------------------------

    def _at(self, at: float, happen: Callable[..., None], *what: Hashable) -> None:
        heappush(self._events, (at, next(self._order), happen, what))

    def _arrive(self, call: Try, now: float) -> None:
        self._came[call.call_id] = now
        self._at(now + call.patience_s, self._hang_up, call)
        self._policy.arrived(call, now)

    def _hang_up(self, call: Try, now: float) -> None:
        came = self._came.pop(call.call_id, None)
        if came is None:
            return
        agent = self._ringing.pop(call.call_id, None)
        self.book.gone(call, came, now)
        if agent is not None:
            self.book.free(agent, now)
        self._maybe_again(call, self._hung_up_chance, now + call.retry_after_s)
        self._policy.gone(call, agent, now)

    def _answer(self, call: Try, agent: AgentId, now: float) -> None:
        if self._ringing.get(call.call_id) != agent:
            return
        del self._ringing[call.call_id]
        came = self._came.pop(call.call_id)
        caller, person = call.caller, self.agents[agent]
        service = served(caller.dialect, person)
        self.book.answered(call, person, service, came, now)
        callers = self.world.callers
        end = now + call.talk_s * callers.mismatch.factor(service, cannot=caller.cannot)
        self._maybe_again(call, self._again.chance(service, cannot=caller.cannot), end + call.again_after_s)
        self._at(end, self._end, call, agent)
        self._policy.answered(call, agent, now)

    def _end(self, call: Try, agent: AgentId, now: float) -> None:
        self.book.free(agent, now + self.world.callers.wrap_up_s)
        self._policy.ended(call, agent, now)

    def _maybe_again(self, call: Try, chance: float, at: float) -> None:
        if call.next is not None and call.again < chance and at < self._day.end:
            self._at(at, self._arrive, call.next)

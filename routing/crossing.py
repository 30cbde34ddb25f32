"""What the other site is expected to do: it sees the same, so it will offer its own agent. Pure; takes `now`.

A call whose best agent is another site's waits a moment for that site's offer. When none comes, that site sees
something else than we do: all of its agents are left out for the call for a while, and the best of ours is looked
for. One after the other would each cost that moment, and their site offers whom it will whatever we expect.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Final

from routing.decision import Cause
from routing.offers import Waiting
from routing.pool import Pool
from routing.seating import Seating
from routing.timers import Timer, Timers
from tieline.model import AgentId, CallId, SiteId

EXPECTED_S: Final = 0.4
"""Two looks of a matcher at its bus, a replica between: longer is waiting for nothing."""
WANTED_S: Final = 2.0
"""For the one agent whom somebody asked for: his site may have to hear first that the caller left his talk."""
APART_S: Final = 5.0


@dataclass(slots=True)
class Crossing:
    """Calls that wait for another site's offer, and pairs that are left apart for a while.

    Attributes:
        to_place: Calls that are to be looked at again; whoever looks takes them out.
    """

    seating: Seating
    timers: Timers
    to_place: dict[CallId, Cause]
    _expected: dict[CallId, tuple[Waiting, AgentId, Timer]] = field(default_factory=dict)

    @property
    def _pool(self) -> Pool:
        return self.seating.pool

    def expect(self, call: Waiting, agent: AgentId, now: float, for_s: float = EXPECTED_S) -> None:
        """Let a call wait for the offer of another site's agent."""
        self._pool.remove_call(call.call_id)
        self.seating.reserve(agent, reserved=True)
        timer = self.timers.set(now + for_s, partial(self._not_come, call.call_id))
        self._expected[call.call_id] = (call, agent, timer)

    def settle(self, call_id: CallId) -> None:
        """Expect nothing any more for a call: it has an offer, or is gone."""
        if found := self._expected.pop(call_id, None):
            _, agent, timer = found
            timer.cancel()
            self.seating.reserve(agent, reserved=False)

    def part(self, call_id: CallId, whom: AgentId | SiteId, now: float) -> None:
        """Leave a call and an agent, or all agents of a site, apart for a while."""
        self._pool.apart.add((call_id, whom))
        self.timers.set(now + APART_S, partial(self._join, call_id, whom))

    def _not_come(self, call_id: CallId, now: float) -> None:
        call, agent, _ = self._expected[call_id]
        self.settle(call_id)
        self.part(call_id, self._pool.agents[agent].site, now)
        self._pool.add_call(call)
        self.to_place[call_id] = Cause.STEP

    def _join(self, call_id: CallId, whom: AgentId | SiteId, _now: float) -> None:
        self._pool.apart.discard((call_id, whom))
        self.to_place[call_id] = Cause.STEP

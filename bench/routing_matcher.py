"""The product's matcher on the simulated floor, asked by its public methods alone; all sites are its own.

Every offer is taken at once and answered unless the caller hangs up; what comes of it is the matcher's own business.
"""

from collections import deque
from collections.abc import Hashable, Sequence
from math import inf

from bench.world.floor import Floor
from bench.world.model import Try
from routing.ladders import LadderSet
from routing.matcher import Matcher, Rules
from routing.offers import Effect, MakeOffer, Waiting
from tieline.model import AgentId, CallId, Need, NodeId

_NODE = NodeId("simulated")


class MatcherPolicy:
    """Turns events of the floor into events of the matcher, and its offers into ringing phones."""

    def __init__(self, floor: Floor, ladders: LadderSet) -> None:
        self._floor = floor
        self._matcher = Matcher(
            agents=floor.agents,
            rules=Rules(wrap_up_s=floor.world.callers.wrap_up_s),
            ladders=ladders,
            own=frozenset(floor.world.people),
        )
        self._calls: dict[CallId, Try] = {}
        self._wake_at = inf

    def arrived(self, call: Try, now: float) -> None:
        """Let a call into the matcher's pool."""
        caller = call.caller
        need = Need(caller.dialect, caller.business, caller.city, only_dialect=caller.known)
        self._calls[call.call_id] = call
        waiting = Waiting(call.call_id, _NODE, call.call_id, need, now, caller.site)
        self._do(self._matcher.call_waiting(waiting, now), now)

    def gone(self, call: Try, _agent: AgentId | None, now: float) -> None:
        """Tell that a caller hung up; whose phone rang the matcher knows itself."""
        del self._calls[call.call_id]
        self._do(self._matcher.call_gone(call.call_id, now), now)

    def answered(self, call: Try, agent: AgentId, now: float) -> None:
        """Tell that an agent answered."""
        self._do(self._matcher.answered(call.call_id, agent, now), now)

    def ended(self, call: Try, agent: AgentId, now: float) -> None:
        """Tell that a talk is over; wrap-up and its end are the matcher's."""
        del self._calls[call.call_id]
        self._do(self._matcher.agent_free(agent, now), now)

    def on_duty(self, agent: AgentId, now: float) -> None:
        """Bring an agent's phone up."""
        self._do(self._matcher.phone_seen(agent, reachable=True, now=now), now)

    def off_duty(self, agent: AgentId, now: float) -> None:
        """Take an agent's phone away; a talk and its wrap-up go on."""
        self._do(self._matcher.phone_seen(agent, reachable=False, now=now), now)

    def due(self, what: Hashable, now: float) -> None:
        """Let the matcher do what is due."""
        if what == self._wake_at:
            self._wake_at = inf
            self._do(self._matcher.tick(now), now)

    def _do(self, effects: Sequence[Effect], now: float) -> None:
        todo = deque(effects)
        while todo:
            effect = todo.popleft()
            if isinstance(effect, MakeOffer):
                offer = effect.offer
                self._floor.ring(self._calls[offer.call.call_id], offer.agent, now)
                todo += self._matcher.taken(offer.call.call_id, offer.agent, offer.fence, now)
        at = self._matcher.next_deadline(now)
        if at is not None and at < self._wake_at:
            self._wake_at = max(at, now)
            self._floor.wake(self._wake_at, self._wake_at)

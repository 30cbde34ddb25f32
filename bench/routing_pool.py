"""One pool for everybody: longest wait first among those whom the free agent can serve in their own language.

With universal agents (`universal`) it is the pooled bound of every policy, with callers of Mandarin left out
(`only_dialects`) the ceiling of "answered in the own dialect": the speakers have nothing else to do.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import replace

from bench.world.floor import Floor
from bench.world.model import Day, Try, World
from routing.agents import Agent
from tieline.model import AgentId, Business, CallId, Level


class PoolPolicy:
    """Who waits, in order; who is idle, longest first."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._wrap_up_s = floor.world.callers.wrap_up_s
        self._agents = floor.agents
        self._waiting: OrderedDict[CallId, Try] = OrderedDict()
        self._idle: dict[AgentId, None] = {}
        self._off: set[AgentId] = set()

    def arrived(self, call: Try, now: float) -> None:
        """Ring at the longest idle agent who can serve the call, or let it wait."""
        for agent in self._idle:
            if _serves(self._agents[agent], call):
                del self._idle[agent]
                self._floor.ring(call, agent, now)
                return
        self._waiting[call.call_id] = call

    def gone(self, call: Try, agent: AgentId | None, now: float) -> None:
        """Forget a call, and free the agent whose phone rang."""
        self._waiting.pop(call.call_id, None)
        if agent is not None:
            self.due(agent, now)

    def answered(self, _call: Try, _agent: AgentId, _now: float) -> None:
        """Nothing to do: the agent is not idle since the phone rang."""

    def ended(self, _call: Try, agent: AgentId, now: float) -> None:
        """Let the agent wrap up."""
        self._floor.wake(now + self._wrap_up_s, agent)

    def on_duty(self, agent: AgentId, now: float) -> None:
        """Let an agent in."""
        self._off.discard(agent)
        self.due(agent, now)

    def off_duty(self, agent: AgentId, _now: float) -> None:
        """Let an agent go."""
        self._off.add(agent)
        self._idle.pop(agent, None)

    def due(self, what: Hashable, now: float) -> None:
        """Give an agent who is free the longest waiting call."""
        agent = AgentId(str(what))
        if agent in self._off:
            return
        skills = self._agents[agent]
        for call in self._waiting.values():
            if _serves(skills, call):
                del self._waiting[call.call_id]
                self._floor.ring(call, agent, now)
                return
        self._idle[agent] = None


def _serves(agent: Agent, call: Try) -> bool:
    return agent.speaks(call.caller.dialect) and (
        call.caller.business is Business.OTHER or call.caller.business in agent.business
    )


def universal(world: World) -> World:
    """Let everybody speak everything and know every business."""
    tongues = {dialect: Level.NATIVE for shares in world.callers.dialects.values() for dialect in shares}
    people = {
        site: [
            replace(agent, dialects={**agent.dialects, **tongues}, business=dict.fromkeys(Business, Level.FLUENT))
            for agent in row
        ]
        for site, row in world.people.items()
    }
    return replace(world, people=people)


def only_dialects(day: Day) -> Day:
    """Leave out everybody who takes Mandarin."""
    return replace(day, arrivals=[(at, call) for at, call in day.arrivals if call.caller.wants_dialect])

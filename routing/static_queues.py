"""The safety net's queues, made from the same agents and topology as the matcher's decisions. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

from routing.agents import Agent
from tieline.model import CityId, DialectId, Level
from tieline.switch_plan import QueueMember, StaticQueue
from tieline.topology import Topology

_PENALTY: Final = {Level.NATIVE: 0, Level.FLUENT: 0, Level.BASIC: 1}
_PENALTY_WITHOUT: Final = 2


def queue_name(city: CityId, dialect: DialectId) -> str:
    """Name the queue of a city and dialect as the dialplan builds it."""
    return f"net-{city}-{dialect}"


def static_queues(topology: Topology, agents: Iterable[Agent]) -> Iterator[StaticQueue]:
    """Yield one queue per site, city and dialect offered there; speakers ring first, nobody is left out."""
    everyone = tuple(agents)
    for site in topology.sites.values():
        own = [agent for agent in everyone if agent.site == site.id]
        for city in topology.cities.values():
            for dialect in city.dialects:
                members = tuple(QueueMember(agent.id, _penalty(agent, dialect)) for agent in own)
                yield StaticQueue(site.id, queue_name(city.id, dialect), members)


def _penalty(agent: Agent, dialect: DialectId) -> int:
    level = agent.dialects.get(dialect)
    return _PENALTY_WITHOUT if level is None else _PENALTY[level]

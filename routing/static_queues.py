"""The safety net's queues, made from the same agents and topology as the matcher's decisions. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

from routing.agents import Agent
from tieline.model import DialectId, Level
from tieline.switch_plan import QueueMember, StaticQueue
from tieline.topology import Topology

_PENALTY: Final = {Level.NATIVE: 0, Level.FLUENT: 0, Level.BASIC: 1}
_PENALTY_WITHOUT: Final = 2


def queue_name(dialect: DialectId) -> str:
    """Name the queue of a dialect as the dialplan builds it."""
    return f"net-{dialect}"


def static_queues(topology: Topology, agents: Iterable[Agent]) -> Iterator[StaticQueue]:
    """Yield one queue per site and dialect that a city offers; speakers ring first, nobody is left out.

    The callers of all cities are in one queue a dialect, so that they are answered in the order of their arrival.
    Asterisk looks at every member of every queue whenever a phone changes its state: a queue more costs every call.
    """
    everyone = tuple(agents)
    offered = dict.fromkeys(dialect for city in topology.cities.values() for dialect in city.dialects)
    for site in topology.sites.values():
        own = [agent for agent in everyone if agent.site == site.id]
        for dialect in offered:
            members = tuple(QueueMember(agent.id, _penalty(agent, dialect)) for agent in own)
            yield StaticQueue(site.id, queue_name(dialect), members)


def _penalty(agent: Agent, dialect: DialectId) -> int:
    level = agent.dialects.get(dialect)
    return _PENALTY_WITHOUT if level is None else _PENALTY[level]

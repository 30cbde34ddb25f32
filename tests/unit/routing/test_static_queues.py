"""The safety net's queues: one a dialect for the callers of all cities, speakers first, nobody left out."""

import pytest

from routing.agents import load_agents
from routing.static_queues import queue_name, static_queues
from tests.unit.trunk_config.network import EXAMPLES, TOPOLOGY
from tieline.model import DialectId, Level, SiteId
from tieline.switch_plan import StaticQueue

pytestmark = pytest.mark.unit

AGENTS = load_agents(EXAMPLES / "agents.toml", TOPOLOGY)
QUEUES = tuple(static_queues(TOPOLOGY, AGENTS.values()))


@pytest.mark.parametrize("site", TOPOLOGY.sites)
def test_every_dialect_that_a_city_offers_has_one_queue_at_each_site(site: SiteId) -> None:
    offered = {queue_name(dialect) for city in TOPOLOGY.cities.values() for dialect in city.dialects}
    names = [queue.name for queue in QUEUES if queue.site == site]
    assert (len(names), set(names)) == (len(offered), offered)


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: f"{queue.site}-{queue.name}")
def test_all_of_the_site_are_members_and_the_better_they_speak_the_sooner_they_ring(queue: StaticQueue) -> None:
    own = {agent.id: agent for agent in AGENTS.values() if agent.site == queue.site}
    assert {member.agent for member in queue.members} == set(own)
    dialect = DialectId(queue.name.removeprefix("net-"))
    for member in queue.members:
        level = own[member.agent].dialects.get(dialect)
        assert member.penalty == (2 if level is None else int(level is Level.BASIC))

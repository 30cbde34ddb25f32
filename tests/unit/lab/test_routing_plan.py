"""Who calls in the drill of the routing."""

import pytest

from lab.plan import HOME
from lab.routing_plan import keys_of, routed_lanes
from tieline.topology_file import load_topology

pytestmark = pytest.mark.unit

TOPOLOGY = load_topology(HOME / "examples/fujian.toml")


def test_every_city_calls_with_numbers_of_its_own_in_many_dialects() -> None:
    lanes = routed_lanes(TOPOLOGY, 1000, 8.0, seed=1)
    calls = [call for lane in lanes for call in lane.calls]
    assert len(calls) == len({call.number for call in calls}) == 1000
    assert {lane.city for lane in lanes} == set(TOPOLOGY.cities)
    assert len({call.dialect for call in calls}) >= 5
    assert sum(lane.rate_per_s for lane in lanes) == pytest.approx(8.0)
    assert all(keys_of(TOPOLOGY.cities[call.city], call) for call in calls)


def test_the_same_seed_makes_the_same_calls_and_another_one_others() -> None:
    assert routed_lanes(TOPOLOGY, 50, 5.0, seed=3) == routed_lanes(TOPOLOGY, 50, 5.0, seed=3)
    assert routed_lanes(TOPOLOGY, 50, 5.0, seed=3) != routed_lanes(TOPOLOGY, 50, 5.0, seed=4)

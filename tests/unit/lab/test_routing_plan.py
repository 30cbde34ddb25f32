"""Who calls in the drill of the routing."""

from pathlib import Path

import pytest

from lab.plan import HOME
from lab.routing_plan import callers_text, keys_of, routed_lanes
from routing.known_callers import load_known_callers
from tieline.model import Lane
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


def test_one_caller_in_eight_is_known_as_important_by_his_number(tmp_path: Path) -> None:
    lanes = routed_lanes(TOPOLOGY, 160, 8.0, seed=1)
    path = tmp_path / "callers.toml"
    path.write_text(callers_text(lanes))
    known = load_known_callers(path, TOPOLOGY)
    assert len(known) == 20
    assert {caller.lane for caller in known.values()} == {Lane.IMPORTANT}
    assert known.keys() <= {f"+86{call.number}" for lane in lanes for call in lane.calls}

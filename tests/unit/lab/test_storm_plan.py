"""The plan of a storm: calm cities that cannot need more than their reserve, on a network scaled down."""

from itertools import chain
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.plan import HOME, SURGE_FILE
from lab.storm_plan import (
    ACCESS,
    LINES,
    LONGEST_S,
    RESERVE,
    STORM_CAP,
    StormLane,
    calm_rate,
    most_by_node_count,
    most_told_without_redis,
    quotas_text,
    scaled_topology,
    storm_lanes,
)
from tieline.model import CityId, SiteId
from tieline.topology_file import load_topology
from trunk_config.profiles import load_profiles
from trunk_config.surge_rules import load_surge_rules

pytestmark = pytest.mark.unit

TOPOLOGY_FILE = HOME / "examples/fujian.toml"
TOPOLOGY = load_topology(TOPOLOGY_FILE)
CITY = CityId("fuzhou")


def most_at_once(rate_per_s: float, longest_s: float) -> int:
    """Give how many evenly spaced calls of a length are there at once, at most."""
    return -int(-longest_s * rate_per_s // 1)


def _lanes(seed: int = 1) -> tuple[StormLane, ...]:
    return storm_lanes(TOPOLOGY, CITY, 12, 60, seed)


@pytest.mark.parametrize(("reserve", "longest_s"), [(2, 9.5), (3, 9.5), (1, 10.0), (7, 3.3)])
def test_calls_at_the_calm_rate_never_need_more_than_the_reserve(reserve: int, longest_s: float) -> None:
    rate = calm_rate(reserve, longest_s)
    begins = [call / rate for call in range(200)]
    there = [sum(begin <= now < begin + longest_s for begin in begins) for now in begins]
    assert max(there) <= most_at_once(rate, longest_s) <= reserve
    assert most_at_once(rate + 0.1, longest_s) > reserve


def test_a_reserve_that_suffices_for_no_rate_is_refused() -> None:
    with pytest.raises(LabError, match="too few"):
        calm_rate(1, 10.1)


def test_one_city_storms_at_its_factor_and_all_others_call_calmly() -> None:
    storm, *calm = _lanes()
    assert (storm.city, len(storm.calls)) == (CITY, 154)
    assert storm.rate_per_s == pytest.approx(12 * 0.2139)
    assert {lane.city for lane in calm} == TOPOLOGY.cities.keys() - {CITY}
    assert {lane.rate_per_s for lane in calm} == {calm_rate()}
    assert all(call.is_calm is (call.city != CITY) for lane in (storm, *calm) for call in lane.calls)
    assert most_at_once(calm_rate(), LONGEST_S) <= RESERVE


def test_the_same_seed_makes_the_same_callers_and_no_number_comes_twice() -> None:
    assert _lanes() == _lanes() != _lanes(seed=2)
    numbers = [call.number for call in chain.from_iterable(lane.calls for lane in _lanes())]
    assert len(numbers) == len(set(numbers))


def test_more_calls_than_a_run_may_have_are_refused() -> None:
    with pytest.raises(LabError, match="more than"):
        storm_lanes(TOPOLOGY, CITY, 100, 600, 1)


def test_the_scaled_down_network_is_sound_and_only_reserves_hold_the_storm_back(tmp_path: Path) -> None:
    path, quotas_file = tmp_path / "topology.toml", tmp_path / "quotas.toml"
    path.write_text(scaled_topology(TOPOLOGY_FILE.read_text()))
    quotas_file.write_text(quotas_text(TOPOLOGY, CITY))
    scaled = load_topology(path)
    assert {site.lines for site in scaled.sites.values()} == {LINES}
    assert {city.access for city in scaled.cities.values()} == {ACCESS}
    profiles = load_profiles(quotas_file, scaled)
    load_surge_rules(profiles, SURGE_FILE)
    shares = profiles[SiteId("fuzhou"), "normal"].quotas
    assert shares[CITY].cap == STORM_CAP > LINES - sum(share.reserve for share in shares.values()) + RESERVE
    assert STORM_CAP < most_by_node_count(STORM_CAP, 2) < ACCESS
    assert (most_told_without_redis(8, 1), most_told_without_redis(8, 2), most_told_without_redis(3, 2)) == (8, 12, 5)
    assert {city: share.reserve for city, share in shares.items()} == {
        city.id: RESERVE if city.home == "fuzhou" else 0 for city in scaled.cities.values()
    }

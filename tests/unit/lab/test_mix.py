"""The mix of calls of a drill."""

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from lab.keys import keys_for
from lab.mix import Ends, Phones, agents_text, lanes, script_of, seats
from lab.samples import FULL_CITY
from lab.scenario_caller import caller_xml
from routing.agents import load_agents
from tieline.topology import Topology
from tieline.topology_file import load_topology

pytestmark = pytest.mark.unit

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def topology() -> Topology:
    return load_topology(EXAMPLES / "fujian.toml")


@pytest.mark.parametrize("count", [40, 60, 500, 2000])
def test_every_call_is_planned_once(topology: Topology, count: int) -> None:
    calls = [call for lane in lanes(topology, count, 40, seed=1) for call in lane.calls]
    assert len(calls) == count
    assert len({call.number for call in calls}) == count
    assert {call.city for call in calls} == set(topology.cities)
    assert {call.ends for call in calls} == set(Ends)


def test_the_shares_are_those_of_the_drill(topology: Topology) -> None:
    ends = Counter(call.ends for lane in lanes(topology, 2000, 40, seed=1) for call in lane.calls)
    assert (ends[Ends.MENU], ends[Ends.WAITING] + ends[Ends.RINGING]) == (80, 80)
    assert (ends[Ends.CANCELLED], ends[Ends.REFUSED], ends[Ends.HOLDER]) == (20, 20, 1)
    assert 400 < ends[Ends.RATED] < 600


def test_the_same_seed_makes_the_same_calls(topology: Topology) -> None:
    assert lanes(topology, 100, 10, seed=7) == lanes(topology, 100, 10, seed=7)
    assert lanes(topology, 100, 10, seed=7) != lanes(topology, 100, 10, seed=8)


def test_a_lane_has_one_script_and_so_few_lanes_bear_forty_calls_a_second(topology: Topology) -> None:
    planned = lanes(topology, 2000, 40, seed=1)
    assert len(planned) == 9
    assert max(lane.rate_per_s for lane in planned) <= 15
    assert sum(lane.rate_per_s for lane in planned) == pytest.approx(40 + 1, rel=0.01)
    for lane in planned:
        assert {script_of(call.ends, 1999 / 40) for call in lane.calls} == {lane.script}


def test_the_cities_of_a_lane_call_in_turn(topology: Topology) -> None:
    lane = max(lanes(topology, 2000, 40, seed=1), key=lambda lane: len(lane.calls))
    assert {call.city for call in lane.calls[:100]} == {call.city for call in lane.calls}


def test_the_full_citys_holder_comes_first(topology: Topology) -> None:
    planned = lanes(topology, 2000, 40, seed=1)
    full = {call.ends: lane for lane in planned for call in lane.calls if call.city == FULL_CITY}
    assert set(full) == {Ends.HOLDER, Ends.REFUSED}
    assert full[Ends.HOLDER].after_s < full[Ends.REFUSED].after_s


def test_every_lane_has_a_script_and_keys(topology: Topology) -> None:
    for lane in lanes(topology, 500, 40, seed=1):
        assert "<scenario" in caller_xml(lane.script, "tone.al", has_ear=True)
        for call in lane.calls:
            assert keys_for(topology.cities[call.city], call.dialect, call.business)


def test_who_waits_finds_nobody_and_who_rings_nobody_who_answers(topology: Topology, tmp_path: Path) -> None:
    staff = seats(tomllib.loads((EXAMPLES / "agents.toml").read_text())["agent"])
    path = tmp_path / "agents.toml"
    path.write_text(agents_text([table for table, _ in staff]))
    agents = load_agents(path, topology)
    phones = {table["id"]: kind for table, kind in staff}
    assert len(agents) == 200
    for lane in lanes(topology, 2000, 40, seed=1):
        for call in lane.calls:
            home = topology.cities[call.city].home
            there = [agent for agent in agents.values() if agent.site == home]
            fit = [a.id for a in there if a.trained_for(call.business) and a.speaks(call.dialect)]
            kinds = {phones[agent] for agent in fit}
            match call.ends:
                case Ends.WAITING:
                    assert not kinds
                case Ends.RINGING:
                    assert kinds == {Phones.SLOW}
                case Ends.HOLDER:
                    assert kinds == {Phones.PATIENT}
                case Ends.CALLER | Ends.ACROSS | Ends.RATED:
                    assert kinds == {Phones.BRISK}
                    assert len(fit) >= 10

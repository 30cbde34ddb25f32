"""The callers' file: what is known by a number; a faulty one is refused whole, without a number in any word."""

from pathlib import Path

import pytest

from routing.known_callers import UNKNOWN, KnownCaller, load_known_callers, with_life_safety
from tieline.errors import ConfigError
from tieline.model import CountyId, Lane
from tieline.topology import Topology
from tieline.topology_file import load_topology

pytestmark = pytest.mark.unit

EXAMPLES = Path(__file__).parents[3] / "examples"
HOSPITAL, VILLAGE, HOME = "+8659109990001", "+865990999002", "+8615405910001"


@pytest.fixture(scope="module")
def topology() -> Topology:
    return load_topology(EXAMPLES / "fujian.toml")


def test_the_example_tells_lane_county_and_who_manages_no_mandarin(topology: Topology) -> None:
    known = load_known_callers(EXAMPLES / "callers.toml", topology)
    assert known == {
        HOSPITAL: KnownCaller(Lane.IMPORTANT, CountyId("changle")),
        VILLAGE: KnownCaller(county=CountyId("shaowu"), only_dialect=True),
    }


def test_a_number_of_the_life_safety_list_has_the_first_lane_and_keeps_what_else_is_known(topology: Topology) -> None:
    known = with_life_safety(load_known_callers(EXAMPLES / "callers.toml", topology), [HOSPITAL, HOME])
    assert known[HOSPITAL] == KnownCaller(Lane.LIFE_SAFETY, CountyId("changle"))
    assert known[HOME] == KnownCaller(Lane.LIFE_SAFETY)
    assert known[VILLAGE].lane is Lane.NORMAL
    assert UNKNOWN.lane is Lane.NORMAL


def test_a_file_without_anybody_is_fine(topology: Topology, tmp_path: Path) -> None:
    path = tmp_path / "callers.toml"
    path.write_text("# nobody\n")
    assert load_known_callers(path, topology) == {}


def test_every_fault_is_told_with_its_line_and_no_number_is(topology: Topology, tmp_path: Path) -> None:
    path = tmp_path / "callers.toml"
    path.write_text(
        f"""
[[caller]]
number = "059109990001"
important = true
[[caller]]
number = "{HOME}"
county = "changl"
lane = "important"
[[caller]]
number = "{HOME}"
only_dialect = "yes"
[[caller]]
important = false
"""
    )
    with pytest.raises(ConfigError) as refused:
        load_known_callers(path, topology)
    told = [str(problem) for problem in refused.value.problems]
    assert [line.split(" (")[0][:70] for line in told] == [
        "callers.toml:3 caller[0].number: not a number in E.164",
        "callers.toml:7 caller[1].county: 'changl' is not known here",
        "callers.toml:8 caller[1].lane: unknown key `lane`",
        "callers.toml:10 caller[2].number: stands here twice",
        "callers.toml:11 caller[2].only_dialect: 'yes' is not true or false",
        "callers.toml:12 caller[3]: says nothing of the caller",
        "callers.toml:12 caller[3].number: `number` is missing",
    ]
    assert not any(number[1:] in line for line in told for number in (HOME, "059109990001"))

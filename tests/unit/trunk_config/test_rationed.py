"""What is rationed beside the quotas, as the quotas' file says it; and a node's part of a limit."""

from pathlib import Path

import pytest

from tieline.errors import ConfigError
from tieline.model import CityId, NodeId
from tieline.topology import Topology
from tieline.topology_file import load_topology
from trunk_config.caps import net_limits, node_caps, node_share
from trunk_config.profiles import load_allowances, load_profiles
from trunk_config.quota import Allowances, Quota

pytestmark = pytest.mark.unit

EXAMPLES = Path(__file__).parents[3] / "examples"
QUOTAS = EXAMPLES / "quotas.toml"


@pytest.fixture(scope="module")
def topology() -> Topology:
    return load_topology(EXAMPLES / "fujian.toml")


def _with(tmp_path: Path, before: str, after: str) -> Path:
    text = QUOTAS.read_text()
    assert before in text
    path = tmp_path / "quotas.toml"
    path.write_text(text.replace(before, after, 1))
    return path


def test_the_example_rations_eight_messages_and_four_lines() -> None:
    assert load_allowances(QUOTAS) == Allowances(messages=8, safety_lines=4, safety_numbers=frozenset())


def test_what_the_file_leaves_out_is_as_usual(tmp_path: Path) -> None:
    assert load_allowances(_with(tmp_path, "messages = 8\n", "")) == Allowances()
    text = QUOTAS.read_text()
    start, end = text.index("[rationed]"), text.index("# Every day.")
    (tmp_path / "none.toml").write_text(text[:start] + text[end:])
    assert load_allowances(tmp_path / "none.toml") == Allowances()


def test_the_list_is_read_and_never_shown(tmp_path: Path) -> None:
    found = load_allowances(_with(tmp_path, "safety_numbers = []", 'safety_numbers = ["+8659100001234"]'))
    assert found.safety_numbers == {"+8659100001234"}
    assert "1234" not in repr(found)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("messages = 8", "messages = -1", "rationed.messages: -1 is out of range"),
        ("safety_lines = 4", 'safety_lines = "four"', "rationed.safety_lines"),
        ("safety_lines = 4", "safety_lanes = 4", "did you mean `safety_lines`"),
        (
            "safety_numbers = []",
            'safety_numbers = ["059100001234"]',
            "rationed.safety_numbers[0]: not a number in E.164",
        ),
    ],
)
def test_a_fault_is_told_by_either_reader(
    tmp_path: Path, topology: Topology, before: str, after: str, told: str
) -> None:
    path = _with(tmp_path, before, after)
    for read in (lambda: load_allowances(path), lambda: load_profiles(path, topology)):
        with pytest.raises(ConfigError) as refused:
            read()
        assert told in str(refused.value)
        assert "1234" not in str(refused.value)


@pytest.mark.parametrize(("limit", "nodes", "share"), [(0, 2, 0), (1, 2, 1), (120, 1, 120), (121, 2, 61)])
def test_the_nodes_of_a_site_share_a_limit_rounded_up(limit: int, nodes: int, share: int) -> None:
    assert node_share(limit, nodes) == share
    assert limit <= share * nodes < limit + nodes


def test_without_redis_one_city_in_surge_leaves_the_reserves_of_the_others_free() -> None:
    surging, calm, none = CityId("a"), CityId("b"), CityId("c")
    shares = {surging: Quota(2, 13), calm: Quota(6, 7), none: Quota(2, 0)}
    assert net_limits(16, shares) == {surging: 8, calm: 7, none: 0}
    assert net_limits(4, shares) == {surging: 0, calm: 0, none: 0}


def test_a_node_begins_with_the_profile_of_every_day(topology: Topology) -> None:
    caps = node_caps(topology, load_profiles(QUOTAS, topology))
    assert caps[NodeId("fuzhou-1"), CityId("fuzhou")] == 120
    assert caps[NodeId("fuzhou-1"), CityId("xiamen")] == 30
    assert len(caps) == len(topology.nodes) * len(topology.cities)

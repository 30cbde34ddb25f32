"""The groups' file: members by condition and by name; a faulty file is refused whole."""

from pathlib import Path

import pytest

from routing.agents import load_agents
from routing.groups import load_groups
from tests.unit.routing.people import EXAMPLES, TOPOLOGY, agent
from tieline.errors import ConfigError
from tieline.model import AgentId, Business

pytestmark = pytest.mark.unit

AGENTS = {
    AgentId("a1001"): agent("a1001", "puxian"),
    AgentId("a1002"): agent("a1002", "hakka", business=(Business.BILLING,)),
    AgentId("a1003"): agent("a1003", "puxian", business=(Business.BILLING,)),
}
GOOD = """
[[group]]
id = "some"
name = "some"
dialects = ["puxian"]
business = ["billing"]
agents = ["a1002"]
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "groups.toml"
    path.write_text(text)
    return path


def test_who_meets_every_condition_is_a_member_and_who_is_named_besides(tmp_path: Path) -> None:
    groups = load_groups(written(tmp_path, GOOD), TOPOLOGY, AGENTS)
    assert groups["some"].members == ("a1002", "a1003")


def test_a_group_of_names_alone_has_those_alone_and_no_file_entry_means_no_group(tmp_path: Path) -> None:
    named = GOOD.replace('dialects = ["puxian"]\nbusiness = ["billing"]\n', "")
    assert load_groups(written(tmp_path, named), TOPOLOGY, AGENTS)["some"].members == ("a1002",)
    assert load_groups(written(tmp_path, ""), TOPOLOGY, AGENTS) == {}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"puxian"', '"klingon"', "`klingon` is not known"),
        ('"billing"', '"singing"', "`singing` is not known"),
        ('"a1002"', '"a1009"', "`a1009` is not known"),
        ('id = "some"', 'id = "Some"', "is no id"),
        ("dialects =", "dialect =", "did you mean `dialects`?"),
        ('agents = ["a1002"]', 'site = "xiamen"', "has no member"),
        ('name = "some"', "", "`name` is missing"),
    ],
)
def test_each_fault_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(ConfigError) as refused:
        load_groups(written(tmp_path, GOOD.replace(old, new)), TOPOLOGY, AGENTS)
    assert any(told in str(problem) for problem in refused.value.problems)


def test_a_group_that_stands_there_twice_is_refused_and_the_example_is_valid(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="used twice"):
        load_groups(written(tmp_path, GOOD + GOOD), TOPOLOGY, AGENTS)

    assert len(load_groups(EXAMPLES / "groups.toml", TOPOLOGY, load_agents(EXAMPLES / "agents.toml", TOPOLOGY))) == 3

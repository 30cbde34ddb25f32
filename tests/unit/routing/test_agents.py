"""The agents' file: what is taken from it, and that a faulty one is refused whole, with every fault and its line."""

from pathlib import Path

import pytest

from routing.agents import load_agents
from tieline.errors import ConfigError
from tieline.model import MANDARIN, AgentId, Business, DialectId, Level
from tieline.topology import Topology
from tieline.topology_file import load_topology

pytestmark = pytest.mark.unit

EXAMPLES = Path(__file__).parents[3] / "examples"
GOOD = """
[[agent]]
id = "a1001"
site = "fuzhou"
name = "李小燕"
dialects = { min_dong = "native", puxian = "basic" }
business = { repair = "fluent" }
"""


@pytest.fixture(scope="module")
def topology() -> Topology:
    return load_topology(EXAMPLES / "fujian.toml")


def _faults(tmp_path: Path, topology: Topology, text: str) -> list[str]:
    path = tmp_path / "agents.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load_agents(path, topology)
    return [str(problem) for problem in refused.value.problems]


def test_an_agent_speaks_what_the_file_says_and_mandarin(tmp_path: Path, topology: Topology) -> None:
    path = tmp_path / "agents.toml"
    path.write_text(GOOD)
    [agent] = load_agents(path, topology).values()
    assert agent.id == AgentId("a1001")
    assert agent.dialects[MANDARIN] is Level.FLUENT
    assert agent.speaks(DialectId("min_dong"))
    assert not agent.speaks(DialectId("puxian")), "basic is not understanding"
    assert agent.trained_for(Business.REPAIR)
    assert not agent.trained_for(Business.BILLING)
    assert agent.trained_for(Business.OTHER), "which is everybody's"


def test_the_example_is_valid(topology: Topology) -> None:
    assert len(load_agents(EXAMPLES / "agents.toml", topology)) == 48


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"a1001"', '"1001"', "agents.toml:3 agent[1001].id: `1001` is not a letter a"),
        ('"a1001"', '"a１００１"', "is not a letter a"),
        (
            '"fuzhou"',
            '"wuhan"',
            "agents.toml:4 agent[a1001].site: 'wuhan' is not known here (use one of fuzhou, xiamen)",
        ),
        ('"李小燕"', '""', "agents.toml:5 agent[a1001].name"),
        ("puxian =", "klingon =", "agents.toml:6 agent[a1001].dialects.klingon: unknown key"),
        ('"basic"', '"good"', "'good' is not known here (use one of basic, fluent, native)"),
        (
            'min_dong = "native", puxian = "basic"',
            'mandarin = "basic"',
            "agents.toml:6 agent[a1001].dialects: understands nobody",
        ),
        ('{ repair = "fluent" }', "{}", "agents.toml:7 agent[a1001].business: no business"),
        ("repair =", "repare =", "did you mean `repair`?"),
        ("business =", "busyness =", "agents.toml:7 agent[a1001].busyness: unknown key `busyness`"),
        ('id = "a1001"', "", "`id` is missing"),
        ("[[agent]]", "[[agents]]", "unknown key `agents` (did you mean `agent`?)"),
    ],
)
def test_each_fault_is_told_with_its_line(tmp_path: Path, topology: Topology, old: str, new: str, told: str) -> None:
    assert GOOD.count(old) == 1
    assert any(told in fault for fault in _faults(tmp_path, topology, GOOD.replace(old, new)))


def test_faults_of_several_agents_are_told_together(tmp_path: Path, topology: Topology) -> None:
    faults = _faults(tmp_path, topology, GOOD + GOOD + GOOD.replace("a1001", "a1002").replace("native", "fine"))
    assert [fault.split(" ")[0] for fault in faults] == ["agents.toml:10", "agents.toml:20"]
    assert "used twice" in faults[0]


def test_an_empty_file_and_no_file_are_refused(tmp_path: Path, topology: Topology) -> None:
    assert any("nobody would answer" in fault for fault in _faults(tmp_path, topology, ""))
    with pytest.raises(ConfigError, match="cannot be read"):
        load_agents(tmp_path / "missing.toml", topology)

"""The ladders' file: what needs it gives which steps, and that a faulty one is refused whole, with every fault."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from routing.agents import Agent, load_agents
from routing.ladder_file import DATA, load_ladders
from routing.ladders import Accept, Reach
from tieline.errors import ConfigError
from tieline.model import MANDARIN, AgentId, Business, DialectId, Lane, Level, SiteId
from tieline.topology import Topology
from tieline.topology_file import load_topology

pytestmark = pytest.mark.unit

EXAMPLES = Path(__file__).parents[3] / "examples"
SHIPPED = DATA.read_text(encoding="utf-8")
REST = SHIPPED[SHIPPED.index("[lane.life_safety]") :]
ALL = """
[[ladder]]
id = "all"
business = ["*"]
dialect = ["*"]

[[ladder.step]]
after_s = 0
accept = "fluent"
why = "the wish"

[[ladder.step]]
after_s = 15
accept = "mandarin"
why = "before 20 s"
"""
PUXIAN, GAN = DialectId("puxian"), DialectId("gan")


@pytest.fixture(scope="module")
def topology() -> Topology:
    return load_topology(EXAMPLES / "fujian.toml")


@pytest.fixture(scope="module")
def agents(topology: Topology) -> Mapping[AgentId, Agent]:
    return load_agents(EXAMPLES / "agents.toml", topology)


def ladder(name: str, business: str, dialect: str, *steps: str, like: str = "") -> str:
    """Write a ladder; a step is its numbers and words as TOML, the reason is added."""
    text = f'[[ladder]]\nid = "{name}"\nbusiness = ["{business}"]\ndialect = ["{dialect}"]\n'
    text += f'like = "{like}"\n' if like else ""
    return text + "".join(f'[[ladder.step]]\n{step}\nwhy = "so"\n' for step in steps)


def faults(tmp_path: Path, topology: Topology, agents: Mapping[AgentId, Agent], text: str) -> list[str]:
    path = tmp_path / "ladders.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_ladders(topology, agents, path)
    return [str(problem) for problem in refused.value.problems]


def test_what_ships_is_valid_and_covers_every_need(topology: Topology, agents: Mapping[AgentId, Agent]) -> None:
    found = load_ladders(topology, agents, version=7)
    assert found.version == 7
    assert set(found.ladders) == {(business, dialect) for business in Business for dialect in topology.dialects}
    assert list(found.lanes) == list(Lane)
    assert {of.steps[-1].accept for (_, dialect), of in found.ladders.items() if dialect != MANDARIN} == {
        Accept.MANDARIN
    }
    assert all(step.why for of in found.ladders.values() for step in of.steps)


def test_a_ladder_that_names_the_dialect_goes_before_one_that_names_the_business(
    tmp_path: Path, topology: Topology, agents: Mapping[AgentId, Agent]
) -> None:
    step = 'after_s = 0\naccept = "mandarin"'
    path = tmp_path / "ladders.toml"
    of_dialect, of_business = ladder("puxian", "*", "puxian", step), ladder("billing", "billing", "*", step)
    path.write_text(of_business + ALL + of_dialect + ladder("both", "repair", "puxian", step) + REST)
    found = load_ladders(topology, agents, path)
    needs = ((Business.REPAIR, PUXIAN), (Business.BILLING, PUXIAN), (Business.BILLING, GAN), (Business.REPAIR, GAN))
    assert [found.of(*need).id for need in needs] == ["both", "puxian", "billing", "all"]


def test_a_ladder_like_another_has_its_steps_but_for_its_own(
    tmp_path: Path, topology: Topology, agents: Mapping[AgentId, Agent]
) -> None:
    path = tmp_path / "ladders.toml"
    own = ('after_s = 5\naccept = "fluent"\nreach = "own"', 'after_s = 30\naccept = "mandarin"')
    path.write_text(ALL + ladder("slow", "billing", "*", *own, like="all") + REST)
    steps = load_ladders(topology, agents, path).of(Business.BILLING, GAN).steps
    assert [(step.after_s, step.accept, step.reach) for step in steps] == [
        (0, Accept.FLUENT, Reach.ANY),
        (5, Accept.FLUENT, Reach.OWN),
        (30, Accept.MANDARIN, Reach.ANY),
    ]


def test_staffed_is_every_dialect_that_agents_are_rostered_for(
    tmp_path: Path, topology: Topology, agents: Mapping[AgentId, Agent]
) -> None:
    path = tmp_path / "ladders.toml"
    path.write_text(ALL + ladder("rostered", "*", "staffed", 'after_s = 0\naccept = "mandarin"') + REST)
    found = load_ladders(topology, agents, path)
    rostered = {dialect for (_, dialect), of in found.ladders.items() if of.id == "rostered"}
    assert rostered == {"min_dong", "min_nan", "puxian", "hakka", "min_bei"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("after_s = 15", "after_s = -1", "ladders.toml:13 ladder[all].step[1].after_s: -1 is out of range"),
        (
            "after_s = 0",
            "after_s = 20",
            "ladders.toml:13 ladder[all].step[1].after_s: 15 is before the step above, 20",
        ),
        ('"mandarin"', '"native"', "ladders.toml:14 ladder[all].step[1].accept: `native` from any site lets nobody"),
        ('"mandarin"', '"cantonese"', "'cantonese' is not known here (use one of basic, fluent, mandarin, native)"),
        ('why = "before 20 s"', "", "ladders.toml:12 ladder[all].step[1].why: `why` is missing"),
        ('business = ["*"]', 'business = ["repare"]', "`repare` is not known here (did you mean `repair`?)"),
        ('dialect = ["*"]', 'dialect = ["puxien"]', "`puxien` is not known here (did you mean `puxian`?)"),
        (
            'business = ["*"]',
            'business = ["repair"]',
            "some dialects have no ladder for billing, complaint, expansion",
        ),
        ('id = "all"', 'id = "all"\nlike = "staff"', "ladders.toml:4 ladder[all].like: there is no ladder `staff`"),
        ('id = "all"', 'id = "all"\nlike = "all"', "ladders.toml:4 ladder[all].like: a circle: all → all"),
        ("after_s = 15", "after_s = 15\nnear_s = 30", "`near_s` and `hold_s` mean something only together"),
        ("after_s = 15", "after_s = 15\nhold = 30", "unknown key `hold`"),
        ('business = ["*"]', 'busines = ["*"]', "unknown key `busines` (did you mean `business`?)"),
        ("after_s = 0", 'after_s = 0\nreach = "here"', "'here' is not known here (use one of any, own)"),
    ],
)
def test_each_fault_is_told_with_its_line(
    tmp_path: Path, topology: Topology, agents: Mapping[AgentId, Agent], old: str, new: str, told: str
) -> None:
    assert ALL.count(old) == 1
    found = faults(tmp_path, topology, agents, ALL.replace(old, new) + REST)
    assert any(told in fault for fault in found), found


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "head_start_s = 2000",
            "head_start_s = -300",
            "lane.normal.head_start_s: 0 is not below that of the lane above, -300",
        ),
        ("[lane.callback]", "[lane.callbacks]", "table `callback` is missing"),
        ('why = "the measure of the others"', "", "lane.normal.why: `why` is missing"),
        ("talk_s = { value = 180, ", "talk_s = { ", "number.talk_s.value: `value` is missing"),
        ("crossing_s =", "crossings_s =", "table `crossing_s` is missing"),
    ],
)
def test_a_number_without_its_reason_and_a_lane_out_of_order_are_refused(
    tmp_path: Path, topology: Topology, agents: Mapping[AgentId, Agent], old: str, new: str, told: str
) -> None:
    assert REST.count(old) == 1
    found = faults(tmp_path, topology, agents, ALL + REST.replace(old, new))
    assert any(told in fault for fault in found), found


def test_circles_of_several_ladders_and_names_used_twice_are_told_together(
    tmp_path: Path, topology: Topology, agents: Mapping[AgentId, Agent]
) -> None:
    round_about = ladder("one", "repair", "gan", like="two") + ladder("two", "repair", "she", like="one")
    twice = ladder("all", "repair", "gan", like="all")
    found = faults(tmp_path, topology, agents, round_about + twice + ALL + REST)
    assert [fault.split(" (")[0] for fault in found] == [
        "ladders.toml:5 ladder[one].like: a circle: one → two → one",
        "ladders.toml:10 ladder[two].like: a circle: two → one → two",
        "ladders.toml:11 ladder[all]: `one` and `all` are both for repair in gan",
        "ladders.toml:18 ladder[all].id: `all` is used twice",
    ]


def test_what_the_roster_cannot_fill_is_refused(tmp_path: Path, topology: Topology) -> None:
    def agent(name: str, site: str, *business: Business, **dialects: Level) -> Agent:
        spoken = {MANDARIN: Level.FLUENT} | {DialectId(known): level for known, level in dialects.items()}
        return Agent(AgentId(name), SiteId(site), name, spoken, dict.fromkeys(business, Level.FLUENT))

    some = [business for business in Business if business not in (Business.COMPLAINT, Business.OTHER)]
    people = [agent("a1", "fuzhou", *some, puxian=Level.BASIC, hakka=Level.FLUENT), agent("a2", "xiamen", *some)]
    native, own = 'after_s = 0\naccept = "native"', 'after_s = 0\naccept = "fluent"\nreach = "own"'
    text = ladder("a", "*", "puxian", native, like="all") + ladder("b", "*", "hakka", native, like="all")
    text += ladder("c", "repair", "hakka", own, like="all")
    assert [
        fault.split(" (")[0] for fault in faults(tmp_path, topology, {a.id: a for a in people}, text + ALL + REST)
    ] == [
        f"ladders.toml:1 ladder: nobody ever answers complaint in {', '.join(topology.dialects)}",
        "ladders.toml:4 ladder[a].dialect: nobody speaks puxian",
        "ladders.toml:17 ladder[b].step[0].accept: nobody can take step 1 for any business in hakka",
        "ladders.toml:26 ladder[c].step[0].accept: nobody can take step 1 for repair in hakka",
    ]


def test_what_the_roster_cannot_fill_is_told_beside_what_else_is_wrong(
    tmp_path: Path, topology: Topology, agents: Mapping[AgentId, Agent]
) -> None:
    native = 'after_s = 0\naccept = "native"'
    wrong = ladder("a", "repair", "gan", native, like="nobody")
    found = faults(tmp_path, topology, agents, wrong + ALL + REST.replace("crossing_s =", "crossings_s ="))
    assert [fault.split(" (")[0] for fault in found if "crossing_s" not in fault] == [
        "ladders.toml:5 ladder[a].like: there is no ladder `nobody`",
        "ladders.toml:8 ladder[a].step[0].accept: nobody can take step 1 for repair in gan",
    ]
    assert any("table `crossing_s` is missing" in fault for fault in found)


def test_who_lacks_speakers_of_a_staffed_dialect_learns_where_it_is_called_staffed(
    tmp_path: Path, topology: Topology, agents: Mapping[AgentId, Agent]
) -> None:
    few = {name: agent for name, agent in agents.items() if not agent.speaks(DialectId("hakka"))}
    [fault] = faults(tmp_path, topology, few, SHIPPED)
    assert "nobody speaks hakka" in fault
    assert "`staffed = true`" in fault


def test_one_agent_fills_what_ships_where_only_mandarin_is_staffed(topology: Topology) -> None:
    """As docs/attach.md has it for one node and few people."""
    alone = replace(
        topology,
        dialects={name: replace(known, staffed=name == MANDARIN) for name, known in topology.dialects.items()},
    )
    business: dict[Business, Level] = {one: Level.FLUENT for one in Business if one is not Business.OTHER}
    only = Agent(AgentId("a1001"), SiteId("fuzhou"), "x", {MANDARIN: Level.NATIVE}, business)
    assert load_ladders(alone, {only.id: only}).of(Business.OTHER, PUXIAN).id == "known_speakers"

"""What Asterisk and Kamailio read, against reviewed copies.

After a wanted change: `TIELINE_GOLDEN=write pytest tests/golden/trunk_config`, then read the diff.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from ami_bridge.filters import (
    CALLER_READ_CLASSES,
    CALLER_WRITE_CLASSES,
    NEVER_MADE,
    READ_CLASSES,
    WRITE_CLASSES,
    caller_filters,
    event_filters,
)
from routing.agents import load_agents
from routing.static_queues import static_queues
from service.plan import net_menu, net_refusals
from tieline.errors import LocalProtocolError
from tieline.model import AgentId, SiteId
from tieline.switch_plan import AmiUser, HoldTimes, NodePaths, Phone, SwitchPlan
from tieline.topology import TrunkState
from tieline.topology_file import load_topology
from trunk_config.caps import node_caps
from trunk_config.profiles import load_profiles
from trunk_config.quota import Allowances
from trunk_config.render import edge_endpoint, render_edge, render_node
from trunk_config.trunk_file import with_state

pytestmark = pytest.mark.golden

ROOT = Path(__file__).resolve().parents[3]
KEPT = Path(__file__).parent / "kept"
LONG = {"pjsip.conf", "queues.conf"}
"""One stanza per agent or queue: their heads are kept, not hundreds of like lines."""
HEAD_LINES = 140


@pytest.fixture(scope="module")
def plan() -> SwitchPlan:
    topology = load_topology(ROOT / "examples/fujian.toml")
    agents = load_agents(ROOT / "examples/agents.toml", topology)
    state = Path("/var/lib/tieline")
    return SwitchPlan(
        topology=topology,
        paths={
            node.id: NodePaths(
                root=state / "nodes" / node.id,
                etc=state / "conf" / node.id,
                journal=state / "journal" / node.site,
                agi_bin=Path("/usr/lib/tieline/agi"),
            )
            for node in topology.nodes.values()
        },
        edge_dirs={edge.id: state / "conf" / edge.id for edge in topology.edges},
        sounds=state / "sounds",
        moh=state / "sounds/moh",
        recordings=state / "recordings",
        recording=True,
        phones=tuple(Phone(agent.id, agent.site, "not-a-secret") for agent in agents.values()),
        queues=tuple(static_queues(topology, agents.values())),
        net_menu=net_menu(),
        net_refusals=net_refusals(topology, Allowances(messages=8)),
        hold=HoldTimes(first_s=20, every_s=45),
        node_caps=node_caps(topology, load_profiles(ROOT / "examples/quotas.toml", topology)),
        ami_users=(
            AmiUser(
                name="tieline",
                secret="not-a-secret",
                read=READ_CLASSES,
                write=WRITE_CLASSES,
                filters=event_filters(edge_endpoint(edge) for edge in topology.edges),
            ),
            AmiUser(
                name="tieline-call",
                secret="not-a-secret",
                read=CALLER_READ_CLASSES,
                write=CALLER_WRITE_CLASSES,
                filters=caller_filters(),
            ),
        ),
        ami_permit=("127.0.0.0/255.0.0.0",),
        ami_disabled=NEVER_MADE,
        ring_s=12,
        wrap_up_s=20,
    )


def rendered(plan: SwitchPlan) -> dict[str, str]:
    [fuzhou, *_] = plan.topology.sites.values()
    files = {f"node/{name}": text for name, text in render_node(plan, fuzhou.nodes[0]).items()}
    files |= {f"edge/{name}": text for name, text in render_edge(plan, plan.topology.edges[0]).items()}
    return {
        name: "\n".join(text.split("\n")[:HEAD_LINES]) if name.removeprefix("node/") in LONG else text
        for name, text in files.items()
    }


def test_rendered_configuration_is_as_reviewed(plan: SwitchPlan) -> None:
    files = rendered(plan)
    if os.environ.get("TIELINE_GOLDEN") == "write":
        for name, text in files.items():
            (KEPT / name).parent.mkdir(parents=True, exist_ok=True)
            (KEPT / name).write_text(text, encoding="utf-8")
    kept = {
        str(path.relative_to(KEPT)): path.read_text(encoding="utf-8") for path in KEPT.rglob("*") if path.is_file()
    }
    assert sorted(files) == sorted(kept)
    for name, text in files.items():
        assert text == kept[name], name


def test_an_agents_leg_listens_for_a_consultation_only_in_recorded_talks(plan: SwitchPlan) -> None:
    [fuzhou, *_] = plan.topology.sites.values()
    quiet = render_node(replace(plan, recording=False), fuzhou.nodes[0])["globals.conf"]
    assert {"TL_RECORD = 0", "TL_TALK = g"} <= set(quiet.splitlines())
    assert {"TL_RECORD = 1", "TL_TALK = gt"} <= set(rendered(plan)["node/globals.conf"].splitlines())


def test_every_agent_has_an_endpoint_and_every_city_a_cap(plan: SwitchPlan) -> None:
    node = plan.topology.sites[SiteId("xiamen")].nodes[0]
    files = render_node(plan, node)
    for phone in plan.phones:
        assert (f"[{phone.agent}](agent)\n" in files["pjsip.conf"]) == (phone.site == node.site)
    for city in plan.topology.cities:
        assert f"TL_CAP_{city} = {plan.node_caps[node.id, city]}\n" in files["globals.conf"]


@pytest.mark.parametrize(
    ("state", "line"),
    [
        ("blocked", ["1 127.0.24.7 32 0 longyan:tg-longyan:blocked"]),
        ("out_of_service", ["1 127.0.24.7 32 0 longyan:tg-longyan:out_of_service"]),
    ],
)
def test_a_trunk_group_that_takes_no_calls_is_marked_for_the_edge(
    plan: SwitchPlan, tmp_path: Path, state: str, line: list[str]
) -> None:
    text = with_state((ROOT / "examples/fujian.toml").read_text(), "tg-longyan", TrunkState(state))
    (tmp_path / "network.toml").write_text(text)
    other = replace(plan, topology=load_topology(tmp_path / "network.toml"))
    before, after = (render_edge(one, one.topology.edges[0]) for one in (plan, other))
    kept = [row for row in before["trunks.list"].splitlines() if "tg-longyan" not in row]
    assert sorted(after["trunks.list"].splitlines()) == sorted([*kept, *line])
    assert {name for name in before if before[name] != after[name]} == {"trunks.list"}


@pytest.mark.parametrize("value", ["a\nb", "a;b", "${SHELL(x)}", "$[1+1]", "a\0b", "#{X}"])
def test_a_value_that_would_change_a_line_is_refused(plan: SwitchPlan, value: str) -> None:
    node = next(iter(plan.topology.nodes.values()))
    bad = Phone(AgentId("a1001"), node.site, value)
    worse = SwitchPlan(**{name: getattr(plan, name) for name in plan.__dataclass_fields__} | {"phones": (bad,)})
    with pytest.raises(LocalProtocolError, match="must not"):
        render_node(worse, node)

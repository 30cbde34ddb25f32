"""A site with two nodes, in a lab of its own: the edge gives calls to both, and to one when the other is dead."""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from lab.plan import HOME
from lab.second_node import topology_with_second_node
from lab.setup import make_plan
from routing.keys import SEATS
from routing.seats import Seat
from tests.live import instance
from tests.live.disturbed import dead
from tests.live.house import House, running
from tests.live.talk import SECOND, Talk
from tieline import bus
from tieline.model import Business, NodeId, Outcome, SiteId

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]

CITY, SITE = "fuzhou", SiteId("fuzhou")
CALLS = 10
"""The edge shares by chance, weighted: that a node gets none of so many happens once in 500 runs."""
AFTER = 4


@pytest.fixture
def site_of_two(tmp_path: Path) -> Iterator[House]:
    topology = tmp_path / "topology.toml"
    topology.write_text(topology_with_second_node((HOME / "examples/fujian.toml").read_text(encoding="utf-8"), SITE))
    with running(make_plan(instance.DRILL, print, topology_file=topology)) as house:
        house.begin()
        yield house


def test_both_nodes_take_calls_and_the_second_goes_on_without_the_first(site_of_two: House) -> None:
    lab = site_of_two
    script = lab.script(CITY, "mandarin", Business.REPAIR)
    before = lab.call(CITY, script, count=CALLS)
    assert before.is_scripted, before.faults
    lab.settle(calls=CALLS)
    assert {call.node for call in lab.records()} == {"fuzhou-1", "fuzhou-2"}
    with dead(lab, "fuzhou-1"):
        after = lab.call(CITY, script, count=AFTER)
    assert after.is_scripted, after.faults
    lab.settle(calls=CALLS + AFTER)
    calls = sorted(lab.records(), key=lambda call: call.arrived_at)
    assert {call.node for call in calls[CALLS:]} == {"fuzhou-2"}
    assert {(call.outcome, call.net) for call in calls} == {(Outcome.ANSWERED, False)}
    assert sorted(lab.ticket_calls()) == sorted(call.call_id for call in calls)


@pytest.mark.parametrize("ends_with", ["complete", "back"])
def test_an_agent_whose_phone_the_other_node_holds_can_be_consulted(site_of_two: House, ends_with: str) -> None:
    lab = site_of_two
    talk = Talk(lab)
    [other] = {"fuzhou-1", "fuzhou-2"} - {talk.node}
    lab.asterisk(talk.node, "database deltree registrar")  # from here on all phones are the other node's alone
    lab.run(lab.lives[SITE].command(talk.node, bus.TakeSnapshot(at=time.time())))
    while SECOND in lab.asterisk(talk.node, "pjsip show contacts") or not unreachable_at(lab, talk.node):
        lab.wait_for_news()
    talk.consult(SECOND)
    talk.answered(SECOND)
    assert f"PJSIP/{SECOND}-" in lab.asterisk(other, "core show channels concise")
    assert f"PJSIP/{SECOND}-" not in lab.asterisk(talk.node, "core show channels concise")
    talk.ask("--step", ends_with)
    talk.left(talk.first if ends_with == "complete" else SECOND)
    talk.end(*([SECOND] if ends_with == "complete" else []))


def unreachable_at(lab: House, node: str) -> bool:
    """Tell whether the matcher knows that a node does not reach the second agent's phone."""
    seat = msgspec.json.decode(lab.run(lab.lives[SITE].call("HGET", SEATS, SECOND)), type=Seat)
    return not seat.phones[NodeId(node)].reachable

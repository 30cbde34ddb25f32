"""The safety net follows the agents: it rings who was ready, and its members are right again after a restart."""

import re
import time
from collections.abc import Callable, Iterator

import pytest

from lab.plan import matcher_parts
from lab.scripts import HangUp, Pause
from routing.wishes import Reason
from tests.live.disturbed import Background, answered, dead, send_away
from tests.live.house import House
from tests.live.special_agents import RINGS
from tests.live.test_waiting import ask_all
from tieline import bus
from tieline.model import Business, SiteId

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

FUZHOU = SiteId("fuzhou")
NODE = "fuzhou-1"
QUEUE = "net-mandarin"
ONE, OTHER = "a1007", "a1010"
AWAY_S = 230.0
_MEMBER = re.compile(r"PJSIP/(a\d+)\).*")


def members(lab: House, queue: str = QUEUE) -> dict[str, bool]:
    """Give the members of a net's queue at the node, and whether each is paused."""
    lines = _MEMBER.finditer(lab.asterisk(NODE, f"queue show {queue}"))
    return {line[1]: "(paused" in line[0] for line in lines}


def until(lab: House, fits: Callable[[dict[str, bool]], bool], queue: str = QUEUE) -> None:
    while not fits(members(lab, queue)):
        lab.wait_for_news()


def ask(lab: House, agent: str, wish: str, reason: str = "") -> None:
    asked = bus.AgentAsked(at=time.time(), agent=agent, wish=wish, reason=reason)
    lab.run(lab.lives[FUZHOU].tell(asked))


def only(*ready: str) -> Callable[[dict[str, bool]], bool]:
    """Look for members of whom these alone may be rung."""
    return lambda found: bool(found) and {agent for agent, paused in found.items() if not paused} == set(ready)


@pytest.fixture
def one_ready(lab: House) -> Iterator[None]:
    ask_all(lab, "not_ready", "meal", time.time() + AWAY_S)
    ask(lab, ONE, "ready")
    until(lab, only(ONE))
    yield
    ask_all(lab, "ready")
    until(lab, lambda found: bool(found) and not any(found.values()))


@pytest.mark.usefixtures("one_ready")
def test_while_the_matchers_are_dead_the_net_rings_who_was_ready_and_follows_again_afterwards(lab: House) -> None:
    until(lab, only(ONE), "net-min_dong")
    with dead(lab, *matcher_parts(lab.plan.topology.sites[FUZHOU])):
        ask(lab, OTHER, "ready")
        script = lab.script("fuzhou", "mandarin", Business.REPAIR, Pause(80_000), HangUp())
        during = Background(lambda: lab.call("fuzhou", script))
        answered(lab, FUZHOU)
        send_away(lab, FUZHOU)
        assert during.end().is_scripted
        assert only(ONE)(members(lab)), "nobody speaks for the matcher"
    until(lab, only(ONE, OTHER))
    lab.settle(calls=1, within_s=80)
    call = lab.one()
    assert (call.net, call.agent) == (True, ONE)


@pytest.mark.usefixtures("one_ready")
def test_after_a_restart_of_the_bridge_and_of_the_node_the_members_are_made_right(lab: House) -> None:
    with dead(lab, lab.python("fuzhou")[0]):
        lab.asterisk(NODE, f"queue unpause member PJSIP/{OTHER}")
        lab.asterisk(NODE, f"queue remove member PJSIP/{ONE} from {QUEUE}")
        assert not members(lab)[OTHER]
    until(lab, only(ONE))
    with dead(lab, NODE):
        pass
    until(lab, lambda found: bool(found) and not found[ONE] and found[OTHER])
    until(lab, only(ONE))


@pytest.fixture
def rings_already(lab: House) -> Iterator[None]:
    """The only one who is ready is a phone that rings for somebody the matcher does not know."""
    ask_all(lab, "not_ready", "meal", time.time() + AWAY_S)
    ask(lab, RINGS, "ready")
    until(lab, only(RINGS))
    lab.asterisk(NODE, "module load res_clioriginate.so")
    lab.asterisk(NODE, f"channel originate PJSIP/{RINGS} application Wait 1")
    while f"PJSIP/{RINGS}" not in lab.asterisk(NODE, "core show channels concise"):
        lab.wait_for_news()
    yield
    for channel in lab.channels():
        lab.asterisk(NODE, f"channel request hangup {channel}")
    lab.asterisk(NODE, "module unload res_clioriginate.so")
    ask_all(lab, "ready")


@pytest.mark.usefixtures("rings_already")
def test_a_phone_that_rings_already_is_not_rung_a_second_time(lab: House) -> None:
    waiting = lab.script("sanming", "hakka", Business.BILLING, Pause(9000), HangUp())
    assert lab.call("sanming", waiting).is_scripted
    lab.wait_for(FUZHOU, spared)
    told = [event for event in lab.events(FUZHOU) if isinstance(event, bus.AgentRinging)]
    assert RINGS not in [event.agent for event in told]


def spared(event: bus.Event) -> bool:
    """Tell whether the phone was busy, or a list of channels told the matcher before."""
    if isinstance(event, bus.OfferFailed):
        return (event.agent, event.status) == (RINGS, "BUSY")
    return isinstance(event, bus.AgentChanged) and (event.agent, event.reason) == (RINGS, Reason.OWN_CALL)

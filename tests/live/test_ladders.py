"""Other ladders while callers wait: the running matchers of both sites go by them at once, without a restart."""

import json
import time
from collections.abc import Iterator

import pytest

from lab.scripts import HangUp, Pause
from routing.agents import load_agents
from routing.keys import FIGURES
from routing.ladder_desk import LadderDesk, shipped
from routing.why import Offered, fetch_decisions
from tests.live.disturbed import Background, answered, send_away
from tests.live.house import House
from tests.live.test_waiting import ask_all, seats
from tieline import bus
from tieline.database import Database
from tieline.model import AgentId, AgentState, Business, CallId, DialectId, SiteId
from tieline.principal import Principal, Role
from tieline.settings import load_settings

pytestmark = pytest.mark.live

SITE = SiteId("fuzhou")
DIALECT = DialectId("min_dong")
BY = Principal(role=Role.ADMIN, city=None, site=None, name="test")


@pytest.fixture
def desk(lab: House) -> Iterator[LadderDesk]:
    """The desk of the lab's ladders; in the end those that ship are in force again."""
    settings = load_settings(lab.plan.settings_file, {})
    database = Database(settings.database_url)
    topology = lab.plan.topology
    found = LadderDesk(database, topology, load_agents(settings.agents, topology))
    yield found
    in_force(lab, lab.run(found.undo(0, why="the test is over", base=None, by=BY)).version)
    ask_all(lab, "ready")
    database.close()


def in_force(lab: House, version: int) -> None:
    """Wait until the matchers of both sites go by a version."""
    begin = time.monotonic()
    while any(acting_version(lab, site) != version for site in lab.lives):
        lab.wait_for_news()
    print(f"version {version} at both sites after {time.monotonic() - begin:.2f} s")


def acting_version(lab: House, site: SiteId) -> int:
    figures = lab.run(lab.lives[site].call("GET", FIGURES))
    return int(json.loads(figures or "{}").get("ladders_version", -1))


def changed(*, mandarin_after_s: int) -> str:
    """Give the ladders that ship, with other waits until staffed dialects are answered in Mandarin."""
    text = shipped().text.replace("after_s = 14\n", "after_s = 0\n").replace("after_s = 15\n", "after_s = MANDARIN\n")
    assert "MANDARIN" in text
    return text.replace("MANDARIN", str(mandarin_after_s))


def test_a_caller_who_waits_is_served_by_new_ladders_without_a_restart(lab: House, desk: LadderDesk) -> None:
    agents = load_agents(load_settings(lab.plan.settings_file, {}).agents, lab.plan.topology)
    ask_all(lab, "not_ready", "meal", time.time() + 600)
    long = lab.run(desk.put(changed(mandarin_after_s=900), why="test", base=None, by=BY))
    in_force(lab, long.version)
    live = lab.lives[SITE]
    stranger = next(
        agent
        for agent in sorted(seats(lab, live))
        if DIALECT not in agents[AgentId(agent)].dialects and agents[AgentId(agent)].trained_for(Business.REPAIR)
    )
    lab.run(live.tell(bus.AgentAsked(at=time.time(), agent=stranger, wish="ready")))
    while seats(lab, live)[stranger] != AgentState.READY:
        lab.wait_for_news()
    call = Background(lambda: lab.call(SITE, lab.script(SITE, DIALECT, Business.REPAIR, Pause(80_000), HangUp())))
    lab.wait_for(SITE, lambda event: isinstance(event, bus.CallWaiting))
    at_once = lab.run(desk.put(changed(mandarin_after_s=0), why="test", base=None, by=BY))
    lab.wait_for(SITE, lambda event: isinstance(event, bus.OfferMade) and event.agent == stranger)
    answered(lab, SITE)
    send_away(lab, SITE)
    call.end()
    lab.settle(calls=1)
    [decided, *_] = lab.run(fetch_decisions(live, CallId(lab.one().call_id))).decisions
    assert isinstance(decided, Offered)
    assert (decided.decision.agent, decided.decision.version) == (stranger, at_once.version)

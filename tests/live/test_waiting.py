"""Waiting callers: told how it stands between pieces of music; an offer does not wait for the end of a sentence."""

import json
import time
from collections.abc import Iterator

import pytest

from lab.scripts import HangUp, Pause
from tests.live.disturbed import Background, answered, send_away
from tests.live.house import House
from tieline import bus
from tieline.live import Live
from tieline.model import AgentState, Business, Outcome, SiteId

pytestmark = pytest.mark.live

AWAY_S = 230.0
NODE = "fuzhou-1"


def ask_all(lab: House, wish: str, reason: str = "", until: float = 0.0) -> None:
    """Ask every agent of both sites for a state, and wait until nobody is in another one who is in no call."""
    for live in lab.lives.values():
        now = time.time()
        asked = [
            bus.AgentAsked(at=now, agent=agent, wish=wish, reason=reason, until=until) for agent in seats(lab, live)
        ]
        lab.run(live.tell(*asked))
    settled = {wish, AgentState.OFFERED, AgentState.TALKING, AgentState.OFFLINE}
    while any(set(seats(lab, live).values()) - settled for live in lab.lives.values()):
        lab.wait_for_news()


def seats(lab: House, live: Live) -> dict[str, str]:
    """Give the state of each agent of a site."""
    found = lab.run(live.call("HGETALL", "tl:agents"))
    pairs = zip(found[::2], found[1::2], strict=True)
    return {agent.decode(): json.loads(seat)["state"] for agent, seat in pairs}


@pytest.fixture
def nobody_ready(lab: House) -> Iterator[None]:
    ask_all(lab, "not_ready", "meal", time.time() + AWAY_S)
    yield
    ask_all(lab, "ready")


def heard(lab: House) -> str:
    """Wait until the node tells somebody how it stands; give the files of the sentence."""
    while True:
        for line in lab.asterisk(NODE, "core show channels concise").splitlines():
            if "position" in line or "expected_wait" in line:
                return line


@pytest.mark.usefixtures("nobody_ready")
def test_a_waiting_caller_is_told_how_it_stands_and_an_offer_stops_the_sentence(lab: House) -> None:
    script = lab.script("fuzhou", "min_dong", Business.REPAIR, Pause(80_000), HangUp())
    call = Background(lambda: lab.call("fuzhou", script))
    assert "/min_dong/" in heard(lab)
    ask_all(lab, "ready")
    answered(lab, "fuzhou")
    send_away(lab, "fuzhou")
    call.end()
    lab.settle(calls=1)
    assert lab.one().outcome is Outcome.ANSWERED
    events = [event for site in lab.lives for event in lab.events(site)]  # whichever site was quicker
    made = next(event for event in events if isinstance(event, bus.OfferMade))
    taken = next(event for event in events if isinstance(event, bus.OfferTaken))
    print(f"offer taken after {taken.at - made.at:.3f} s")
    assert taken.at - made.at < 1.5  # the sentence lasts three


@pytest.mark.usefixtures("nobody_ready")
def test_the_expected_wait_is_when_somebody_is_back(lab: House) -> None:
    script = lab.script("fuzhou", "min_dong", Business.REPAIR, Pause(80_000), HangUp())
    call = Background(lambda: lab.call("fuzhou", script))
    while not (waits := lab.run(lab.lives[SiteId("fuzhou")].call("HVALS", "tl:waits"))):
        lab.wait_for_news()
    wait = json.loads(waits[0])
    assert wait["ahead"] == 0
    assert AWAY_S / 2 < wait["wait_s"] <= AWAY_S
    send_away(lab, "fuzhou")
    call.end()
    lab.settle(calls=1)
    assert lab.one().outcome is Outcome.ABANDONED_WAITING

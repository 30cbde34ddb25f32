"""A word that lies in the mailbox when its time is over is not taken: the caller waits on, no phone rings for it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.plan import matcher_parts
from lab.scripts import HangUp, Pause
from routing.keys import HEARTBEAT_KEY
from tests.live.disturbed import Background, dead
from tests.live.house import House
from tieline import bus
from tieline.model import Business, SiteId

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

SITE = SiteId("fuzhou")
AGENT = "a1001"


@contextmanager
def in_hold_without_a_matcher(lab: House) -> Iterator[None]:
    """Let callers wait for a word of the test's: the beat of a dead matcher seems fresh for a minute."""
    live = lab.lives[SITE]
    with dead(lab, *matcher_parts(lab.plan.topology.sites[SITE])):
        lab.run(live.call("SET", HEARTBEAT_KEY, f"{time.time() + 60:.3f}"))
        yield
    lab.run(live.call("SET", HEARTBEAT_KEY, f"{time.time():.3f}"))


def word(lab: House, call: bus.CallWaiting, fence: int, until: float) -> None:
    """Put an offer into the caller's mailbox, as a bridge that was slow would do it."""
    text = f"agent:{AGENT}:{fence}:{round(until * 1000)}"
    now = time.time()
    put = bus.PutInMailbox(at=now, call_id=call.call_id, channel=call.channel, word=text, expires=now + 30)
    lab.run(lab.lives[SITE].command(call.node, put))


def test_an_offer_accepted_after_its_time_is_refused_and_the_caller_waits_on(lab: House) -> None:
    with in_hold_without_a_matcher(lab):
        script = lab.script("fuzhou", "mandarin", Business.REPAIR, Pause(25_000), HangUp())
        call = Background(lambda: lab.call("fuzhou", script))
        lab.wait_for(SITE, lambda event: isinstance(event, bus.CallWaiting))
        [waiting] = [event for event in lab.events(SITE) if isinstance(event, bus.CallWaiting)]
        word(lab, waiting, fence=1, until=time.time() - 0.001)
        while f"TL_WORD=agent:{AGENT}:1:" not in lab.asterisk(waiting.node, f"core show channel {waiting.channel}"):
            lab.wait_for_news()  # until the hold loop has taken it out of the mailbox
        word(lab, waiting, fence=2, until=time.time() + 10)
        lab.wait_for(SITE, lambda event: isinstance(event, bus.AgentAnswered))
        told = lab.events(SITE)
        assert call.end().is_scripted
    assert [event.fence for event in told if isinstance(event, bus.OfferTaken)] == [2]
    assert sum(isinstance(event, bus.AgentRinging) for event in told) == 1
    lab.settle(calls=1)
    assert not lab.one().net

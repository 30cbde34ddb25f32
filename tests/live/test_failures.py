"""What breaks, and what callers and books notice of it. One failure each, at the smallest load that shows it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from lab.calls import RunResult
from lab.scripts import HangUp, Pause, Press, Talks
from tests.live.house import House
from tieline import bus
from tieline.model import Business, Outcome, Witness

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

NET_CALL = Talks((Pause(600), Press("1"), Pause(12_000), HangUp()))
"""A caller in the net's Mandarin menu: repair, then its queue."""


class Background:
    """Calls that go on while the test breaks something."""

    def __init__(self, place: Callable[[], RunResult]) -> None:
        self._place = place
        self.result: RunResult | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self.result = self._place()

    def end(self) -> RunResult:
        self._thread.join()
        assert self.result is not None
        return self.result


def talking(lab: House, city: str, talk_ms: int) -> Background:
    """Begin a call and return when caller and agent talk."""
    site = lab.plan.topology.cities[city].home  # type: ignore[index]
    script = lab.script(city, "mandarin", Business.REPAIR, Pause(talk_ms), HangUp())
    call = Background(lambda: lab.call(city, script))
    while not any(isinstance(event, bus.AgentAnswered) for event in lab.events(site)):
        lab.wait_for_news()
    return call


@contextmanager
def dead(lab: House, *parts: str) -> Iterator[None]:
    """Kill parts with SIGKILL and keep them down for a while."""
    for what in ("kill", "halt"):
        for part in parts:
            lab.drill(what, part)
    try:
        yield
    finally:
        for part in parts:
            lab.drill("start", part)


def test_with_all_python_dead_talks_go_on_and_new_callers_are_answered_by_the_net(lab: House) -> None:
    before = talking(lab, "fuzhou", 22_000)
    with dead(lab, *lab.python("fuzhou")):
        during = lab.call("fuzhou", NET_CALL)
        assert during.is_scripted, during.faults
        assert before.end().is_scripted
    lab.settle(calls=2)
    first, second = sorted(lab.records(), key=lambda call: call.arrived_at)
    assert (first.outcome, first.net, first.witness) == (Outcome.ANSWERED, False, Witness.STDIO)
    assert (second.outcome, second.net, second.witness) == (Outcome.ANSWERED, True, Witness.STDIO)
    assert second.number.startswith("+861540591")
    assert second.business == "repair"
    assert len(lab.ticket_calls()) == 2


def test_frozen_python_is_killed_and_nobody_is_lost(lab: House) -> None:
    before = talking(lab, "putian", 14_000)
    for part in lab.python("fuzhou"):
        lab.drill("freeze", part)
    during = lab.call("putian", Talks((Pause(6500), Press("1"), Pause(11_000), HangUp()), bye_any_time=True))
    assert during.is_scripted, during.faults
    assert before.end().is_scripted
    lab.settle(calls=2, within_s=80)
    first = min(lab.records(), key=lambda call: call.arrived_at)
    assert first.outcome is Outcome.ANSWERED


def test_without_redis_menus_go_on_and_the_net_answers(lab: House) -> None:
    before = talking(lab, "xiamen", 20_000)
    with dead(lab, "redis-xiamen"):
        during = lab.call("xiamen", lab.script("xiamen", "min_nan", Business.REPAIR, Pause(8000), HangUp()))
        assert during.is_scripted, during.faults
        assert before.end().is_scripted
    lab.settle(calls=2, within_s=80)
    first, second = sorted(lab.records(), key=lambda call: call.arrived_at)
    assert (first.outcome, first.net) == (Outcome.ANSWERED, False)
    assert (second.outcome, second.net, second.dialect) == (Outcome.ANSWERED, True, "min_nan")
    after = lab.call("xiamen", lab.script("xiamen", "min_nan", Business.REPAIR, Pause(40_000), HangUp()))
    assert after.is_scripted
    lab.settle(calls=3)


def test_when_a_node_dies_its_calls_become_tickets_and_new_ones_reach_the_other_site(lab: House) -> None:
    before = talking(lab, "zhangzhou", 12_000)
    with dead(lab, "xiamen-1"):
        during = lab.call("zhangzhou", lab.script("zhangzhou"))
        assert during.is_scripted, during.faults
        before.end()
    lab.settle(calls=2, within_s=80)
    first, second = sorted(lab.records(), key=lambda call: call.arrived_at)
    assert (first.site, first.estimated, second.site) == ("xiamen", True, "fuzhou")
    assert second.outcome is Outcome.ANSWERED
    assert sorted(lab.ticket_calls()) == sorted((first.call_id, second.call_id))

"""What breaks, and what callers and books notice of it. One failure each, at the smallest load that shows it."""

import pytest

from lab.scripts import HangUp, Pause, Press, Talks
from tests.live.disturbed import dead, talking
from tests.live.house import House
from tieline.model import Business, Outcome, Witness

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

NET_CALL = Talks((Pause(600), Press("1"), Pause(12_000), HangUp()))
"""A caller in the net's Mandarin menu: repair, then its queue."""


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

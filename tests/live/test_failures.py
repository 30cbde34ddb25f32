"""What breaks, and what callers and books notice of it. One failure each, at the smallest load that shows it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from crm_adapter.ledger import EdgeEvent
from crm_adapter.record import CallRecord
from ivr_prompts.catalogue import load_catalogue
from lab.scripts import HangUp, IsRefused, Pause, Press, Talks
from service.plan import net_refusals
from tests.live.disturbed import Background, dead, talking
from tests.live.house import House
from tests.live.house_files import FULL_CITY
from tests.live.test_notices import is_whole
from tieline import bus
from tieline.model import Business, Outcome, RefusalCause, SiteId, Witness
from trunk_config.quota import Allowances

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


def _is_refusal(event: bus.Event, of: CallRecord) -> bool:
    return isinstance(event, bus.CallRefused) and (event.call_id, event.cause) == (of.call_id, of.refused_cause)


@contextmanager
def lines_of_the_node(lab: House, node: str, lines: int) -> Iterator[None]:
    """Let a node have few lines for a while."""
    lab.asterisk(node, f"dialplan set global TL_LINES {lines}")
    try:
        yield
    finally:
        lab.asterisk(node, f"dialplan set global TL_LINES {lab.plan.topology.sites[SiteId('xiamen')].lines}")


def test_without_redis_a_refused_caller_hears_why_by_dialplan_alone(lab: House) -> None:
    hold = lab.script(FULL_CITY, "mandarin", Business.REPAIR, Pause(90_000), HangUp())
    with dead(lab, "redis-xiamen"):
        holding = Background(lambda: lab.call(FULL_CITY, hold))
        while not any(entry.event is EdgeEvent.FINAL for entry in lab.edge()):  # he is answered: the line is his
            lab.wait_for_news()
        refused = lab.call(FULL_CITY, IsRefused(503, 34), limit_s=60)
        assert refused.is_scripted, refused.faults
        with lines_of_the_node(lab, "xiamen-1", 1):
            full = lab.call("zhangzhou", IsRefused(503, 42), limit_s=60)
        assert full.is_scripted, full.faults
        for channel in lab.channels():
            lab.asterisk("xiamen-1", f"channel request hangup {channel}")  # Redis is dead: there is no other way
        assert holding.end().is_scripted
    lab.settle(calls=3, within_s=80)
    call, platform = sorted((one for one in lab.records() if one.refused_cause), key=lambda one: one.arrived_at)
    assert (platform.outcome, platform.refused_cause, platform.city) == (Outcome.REFUSED, 42, "zhangzhou")
    for one in (call, platform):  # kept by the bridge, and told once it has found Redis again
        lab.wait_for("xiamen", partial(_is_refusal, of=one))
    said = net_refusals(lab.plan.topology, Allowances()).prompts[FULL_CITY, RefusalCause.QUOTA]
    sounds = load_catalogue(lab.plan.sounds).sounds or {}
    message_s = sum(sounds[file].duration_ms for file in said) / 1000
    assert (call.refused_cause, call.lines_in_use, call.answered_at) == (34, 1, 0)
    assert is_whole(call, message_s)


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

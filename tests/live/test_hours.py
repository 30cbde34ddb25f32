"""A business that is not answered at this hour: the message, the end, and the ways to repair."""

import pytest

from lab.scripts import HangUp, Pause, Press, WaitForBye
from tests.live.house import House
from tests.live.special_hours import CLOSED
from tieline import bus
from tieline.model import Business, Outcome

pytestmark = pytest.mark.live


def test_who_asks_for_a_closed_business_is_told_and_ends_as_self_served(lab: House) -> None:
    assert lab.call("fuzhou", lab.script("fuzhou", "mandarin", CLOSED, WaitForBye(60_000))).is_scripted
    lab.settle(calls=1)
    call = lab.one()
    assert (call.outcome, call.business, call.waiting_since) == (Outcome.SELF_SERVED, CLOSED, 0)
    assert lab.ticket_calls() == []
    assert not any(isinstance(event, bus.CallWaiting) for event in lab.events("fuzhou"))


def test_repair_is_reachable_from_there(lab: House) -> None:
    steps = (Pause(1500), Press("1"), Pause(4000), HangUp())
    assert lab.call("fuzhou", lab.script("fuzhou", "mandarin", CLOSED, *steps)).is_scripted
    lab.settle(calls=1)
    call = lab.one()
    assert (call.outcome, call.business) == (Outcome.ANSWERED, Business.REPAIR)

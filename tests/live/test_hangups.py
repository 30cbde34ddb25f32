"""The caller leaves, at each step: right end state, nothing leaked (the fixture looks after each test)."""

import time

import pytest

from lab.scripts import CallerScript, GivesUp, HangUp, Pause, Press, Talks
from tests.live.house import House
from tests.live.special_agents import BUSY
from tests.live.test_waiting import ask_all
from tieline import bus
from tieline.model import Outcome

pytestmark = pytest.mark.live


def leave(*steps: Pause | Press) -> CallerScript:
    return Talks((*steps, HangUp()))


def test_before_the_answer_by_cancel(lab: House) -> None:
    # Answer and CANCEL race; whichever comes first, the books must know the end of each call.
    lab.call("putian", GivesUp(0), count=5)
    lab.settle()
    assert {call.outcome for call in lab.records()} <= {Outcome.ABANDONED_MENU}
    assert lab.ticket_calls() == []


@pytest.mark.parametrize("after_ms", [1, 40, 1000])
def test_during_the_greeting(lab: House, after_ms: int) -> None:
    assert lab.call("putian", leave(Pause(after_ms))).is_scripted
    lab.settle(calls=1)
    assert lab.one().outcome is Outcome.ABANDONED_MENU


def test_in_the_second_menu(lab: House) -> None:
    assert lab.call("putian", leave(Pause(600), Press("1"), Pause(2500))).is_scripted
    lab.settle(calls=1)
    assert lab.one().outcome is Outcome.ABANDONED_MENU
    assert lab.ticket_calls() == []


def test_while_waiting(lab: House) -> None:
    ask_all(lab, "not_ready", "meal", time.time() + 60)
    steps = (Pause(600), Press("21"), Pause(5000))
    assert lab.call("sanming", leave(*steps)).is_scripted
    ask_all(lab, "ready")
    lab.settle(calls=1)
    call = lab.one()
    assert (call.dialect, call.outcome) == ("hakka", Outcome.ABANDONED_WAITING)
    assert lab.ticket_calls() == [call.call_id]


def test_while_the_phone_rings(lab: House) -> None:
    # The phones ring 0.3 s; at 5 calls a second and with a spread of ends some callers leave within it.
    spread = Talks((Pause(600), Press("11"), Pause(1150, 1850), HangUp()), bye_any_time=True)
    assert lab.call("ningde", spread, count=12, rate_per_s=6).is_scripted
    lab.settle(calls=12)
    calls = lab.records()
    assert {call.outcome for call in calls} <= {Outcome.ANSWERED, Outcome.ABANDONED_WAITING, Outcome.ABANDONED_MENU}
    events = lab.events("fuzhou")
    talking = {event.agent for event in events if isinstance(event, bus.AgentChanged) and event.state == "talking"}
    ended = {event.agent for event in events if isinstance(event, bus.AgentChanged) and event.state == "wrap_up"}
    assert talking == ended


def test_during_the_rating(lab: House) -> None:
    steps = (Pause(600), Press("21"), Pause(5600))
    assert lab.call("nanping", leave(*steps)).is_scripted
    lab.settle(calls=1)
    assert (lab.one().outcome, lab.one().rating) == (Outcome.ANSWERED, 0)


def test_no_agent_is_left_with_a_call_that_is_over(lab: House) -> None:
    assert lab.call("quanzhou", lab.script("quanzhou"), count=6, rate_per_s=10).is_scripted
    lab.settle(calls=6)
    states = {}
    for event in lab.events("xiamen"):
        if isinstance(event, bus.AgentChanged):
            states[event.agent] = event.state
    assert set(states.values()) <= {"ready", "wrap_up"}
    assert BUSY not in states

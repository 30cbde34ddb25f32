"""All nine steps on real parts: what the caller does, what each part tells, what remains."""

import wave
from array import array

import pytest

from crm_adapter.ledger import EdgeEvent
from lab.scripts import HangUp, Pause, Press, WaitForBye
from lab.tones import AGENT_HZ, CALLER_HZ, seconds_with
from tests.live.house import House
from tests.live.listening import closed
from tests.live.special_agents import BUSY, HANGS_UP
from tieline import bus
from tieline.model import Business, NumberState, Outcome, Witness

pytestmark = pytest.mark.live


def test_an_answered_repair_call_goes_through_all_steps_and_makes_one_ticket(lab: House) -> None:
    result = lab.call("fuzhou", lab.script("fuzhou", "min_dong"))
    assert result.is_scripted, result.faults
    lab.settle(calls=1)
    lab.wait_for("fuzhou", lambda event: isinstance(event, bus.TicketMade))  # after SQL has it
    told = [type(event) for event in lab.events("fuzhou") if getattr(event, "call_id", "")]
    steps = [
        bus.CallArrived,
        bus.MenuChosen,
        bus.CallWaiting,
        bus.OfferMade,
        bus.OfferTaken,
        bus.AgentRinging,
        bus.AgentAnswered,
        bus.CallJournalled,
        bus.TicketMade,
    ]
    assert [step for step in told if step in steps] == steps
    call = lab.one()
    assert (call.city, call.trunk, call.site, call.node) == ("fuzhou", "tg-fuzhou", "fuzhou", "fuzhou-1")
    assert (call.dialect, call.business, call.outcome) == ("min_dong", "repair", Outcome.ANSWERED)
    assert (call.witness, call.number_state, call.net) == (Witness.AGI, NumberState.SHOWN, False)
    assert call.number.startswith("+861540591")
    times = (call.arrived_at, call.answered_at, call.menu_done_at, call.waiting_since, call.agent_answered_at)
    assert list(times) == sorted(times)
    assert times[-1] < call.hangup_at
    assert lab.ticket_calls() == [call.call_id]
    assert [entry.event for entry in lab.edge()] == [EdgeEvent.OFFERED, EdgeEvent.ROUTED, EdgeEvent.FINAL]


def test_the_recording_holds_both_voices(lab: House) -> None:
    assert lab.call("fuzhou", lab.script("fuzhou"), sends_tone=True).is_scripted
    lab.settle(calls=1)
    with wave.open(str(closed(lab, lab.one().recording))) as recorded:
        assert recorded.getframerate() == 8000
        samples = list(array("h", recorded.readframes(recorded.getnframes())))
    assert seconds_with(samples, CALLER_HZ, at_least=1000) > 1.0
    assert seconds_with(samples, AGENT_HZ, at_least=1000) > 1.0


@pytest.mark.parametrize(
    ("city", "site"),
    [
        ("fuzhou", "fuzhou"),
        ("putian", "fuzhou"),
        ("nanping", "fuzhou"),
        ("sanming", "fuzhou"),
        ("ningde", "fuzhou"),
        ("xiamen", "xiamen"),
        ("quanzhou", "xiamen"),
        ("zhangzhou", "xiamen"),
        ("longyan", "xiamen"),
    ],
)
def test_each_city_reaches_its_home_site(lab: House, city: str, site: str) -> None:
    dialect = lab.plan.topology.cities[city].dialects[-1]  # type: ignore[index]
    assert lab.call(city, lab.script(city, dialect)).is_scripted
    lab.settle(calls=1)
    call = lab.one()
    assert (call.city, call.site, call.dialect, call.outcome) == (city, site, dialect, Outcome.ANSWERED)


def test_a_billing_question_is_answered_without_a_ticket(lab: House) -> None:
    assert lab.call("xiamen", lab.script("xiamen", "min_nan", Business.BILLING)).is_scripted
    lab.settle(calls=1)
    assert lab.one().outcome is Outcome.ANSWERED
    assert lab.ticket_calls() == []


def test_when_the_agent_hangs_up_first_the_caller_is_asked_for_a_rating(lab: House) -> None:
    again = (Pause(5000), Press("2"))  # who was not asked yet when he pressed is then
    steps = (Pause(5500), Press("2"), *again, *again, WaitForBye(20_000))
    assert lab.call("nanping", lab.script("nanping", "min_bei", Business.REPAIR, *steps)).is_scripted
    lab.settle(calls=1)
    call = lab.one()
    assert call.agent in HANGS_UP
    assert (call.outcome, call.rating) == (Outcome.ANSWERED, 2)


def test_a_caller_who_says_nothing_to_the_rating_is_unrated(lab: House) -> None:
    steps = (WaitForBye(40_000),)
    assert lab.call("nanping", lab.script("nanping", "min_bei", Business.REPAIR, *steps)).is_scripted
    lab.settle(calls=1)
    assert lab.one().rating == 0


def test_a_busy_phone_sends_the_call_back_to_the_pool_with_its_arrival_time(lab: House) -> None:
    steps = (Pause(20_000), HangUp())
    assert lab.call("sanming", lab.script("sanming", "hakka", Business.REPAIR, *steps)).is_scripted
    lab.settle(calls=1)
    events = lab.events("fuzhou")
    failed = [event for event in events if isinstance(event, bus.OfferFailed)]
    waiting = [event for event in events if isinstance(event, bus.CallWaiting)]
    assert [(event.agent, event.status) for event in failed] == [(BUSY, "BUSY")]
    assert len(waiting) == 2
    assert waiting[0].since == pytest.approx(waiting[1].since, abs=0.001)
    call = lab.one()
    assert call.outcome is Outcome.ANSWERED
    offers = [event for event in lab.events("xiamen") if isinstance(event, bus.OfferMade)]
    assert [(offer.call_id, offer.agent) for offer in offers] == [(call.call_id, call.agent)], "the other speakers"


def test_several_calls_at_once_each_get_an_agent_of_their_own(lab: House) -> None:
    assert lab.call("quanzhou", lab.script("quanzhou", "min_nan"), count=8, rate_per_s=20).is_scripted
    lab.settle(calls=8)
    calls = lab.records()
    assert {call.outcome for call in calls} == {Outcome.ANSWERED}
    assert len({call.agent for call in calls}) == 8
    assert sorted(lab.ticket_calls()) == sorted(call.call_id for call in calls)

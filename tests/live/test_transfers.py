"""Callers who go on with another agent, at once or after a consultation: one record, one ticket, nobody lost."""

from collections.abc import Iterator

import pytest

from tests.live.house import House
from tests.live.special_agents import REFUSES, RINGS, SLOW
from tests.live.talk import FAR, FUZHOU, NODE, SECOND, XIAMEN, Talk, bridges
from tests.live.test_waiting import ask_all
from tieline import bus
from tieline.model import AgentState, Business

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]


@pytest.fixture(autouse=True)
def _all_ready(lab: House) -> Iterator[None]:
    """Nobody rests or pauses, before and after."""
    ask_all(lab, "ready")
    yield
    ask_all(lab, "ready")


def test_a_caller_who_is_sent_on_to_another_business_keeps_his_place_and_his_ticket(lab: House) -> None:
    talk = Talk(lab)
    talk.ask("--to", "business:billing")
    second = talk.answered_next()
    record = talk.end(second)
    assert [leg.business for leg in record.legs] == [Business.REPAIR, Business.BILLING]
    assert record.business == Business.BILLING
    assert lab.ticket_calls() == [talk.call_id], "of the fault, not of the bill"
    came, moved = talk.told(bus.CallWaiting)
    assert moved.since == pytest.approx(came.since, abs=0.001)
    assert moved.business == Business.BILLING
    assert came.moved_at == 0 < moved.moved_at
    assert talk.queue_log(ends_with="COMPLETECALLER") == [
        ("ENTERQUEUE", "NONE"),
        ("CONNECT", talk.first),
        ("BLINDTRANSFER", talk.first),
        ("ENTERQUEUE", "NONE"),
        ("CONNECT", second),
        ("COMPLETECALLER", second),
    ]


def test_a_caller_who_is_sent_on_to_an_agent_of_the_other_site_stays_the_same_call(lab: House) -> None:
    talk = Talk(lab)
    talk.ask("--to", f"agent:{FAR}")
    talk.answered(FAR)
    [offer] = talk.told(bus.OfferMade, XIAMEN)
    assert (offer.call_id, offer.agent, offer.call_site) == (talk.call_id, FAR, FUZHOU)
    record = talk.end(FAR)
    assert (record.site, record.node) == (FUZHOU, NODE)


def test_after_a_consultation_the_second_agent_takes_the_caller_on(lab: House) -> None:
    talk = Talk(lab)
    talk.consult(SECOND)
    talk.answered(SECOND)
    talk.ask("--step", "complete")
    talk.left(talk.first)
    record = talk.end(SECOND)
    first, second = record.legs
    assert first.end == second.begin
    assert talk.queue_log(ends_with="ATTENDEDTRANSFER") == [
        ("ENTERQUEUE", "NONE"),
        ("CONNECT", talk.first),
        ("ATTENDEDTRANSFER", talk.first),
    ]


def test_three_talk_and_when_the_first_agent_leaves_the_second_has_the_caller(lab: House) -> None:
    talk = Talk(lab)
    talk.consult(SECOND)
    talk.answered(SECOND)
    talk.join(SECOND)
    talk.hang_up(talk.first)
    talk.left(talk.first)
    assert "2" in bridges(lab)
    talk.ends_part(talk.first)
    first, second = talk.end(SECOND, three=True).legs
    [joined] = talk.told(bus.CallTransferred)
    assert second.begin == pytest.approx(joined.at, abs=0.001), "not his answer, nor the other one's leaving"
    assert first.begin < second.begin < first.end < second.end


def test_an_agent_who_goes_back_has_his_caller_again(lab: House) -> None:
    talk = Talk(lab)
    talk.consult(SECOND)
    talk.answered(SECOND)
    talk.ask("--step", "back")
    talk.left(SECOND)
    talk.becomes(SECOND, AgentState.WRAP_UP)
    assert talk.state(talk.first) == AgentState.TALKING
    talk.end()
    assert talk.queue_log(ends_with="COMPLETECALLER")[-1] == ("COMPLETECALLER", talk.first)


def test_when_the_second_agent_declines_the_first_has_his_caller_again(lab: House) -> None:
    talk = Talk(lab, Business.EXPANSION)
    talk.consult(REFUSES[1])
    talk.left(REFUSES[1])
    talk.becomes(REFUSES[1], AgentState.NOT_READY)
    assert talk.state(talk.first) == AgentState.TALKING
    talk.consult(SECOND)
    talk.answered(SECOND)
    talk.ask("--step", "complete")
    talk.left(talk.first)
    talk.end(SECOND)


@pytest.mark.parametrize("hangs_up", [True, False])
def test_a_caller_handed_over_to_a_phone_that_rings_is_answered_there(lab: House, hangs_up: bool) -> None:
    talk = Talk(lab, Business.BILLING)
    talk.consult(SLOW)
    if hangs_up:
        talk.hang_up(talk.first)
    else:
        talk.ask("--step", "complete")
    talk.wait(bus.CallTransferred, lambda event: event.kind == "attended")
    assert not [event for event in talk.told(bus.AgentAnswered) if event.agent == SLOW], "it still rings"
    talk.answered(SLOW)
    talk.becomes(SLOW, AgentState.TALKING)
    first, second = talk.end(SLOW).legs
    assert first.end < second.begin


def test_a_caller_handed_over_to_a_phone_that_nobody_answers_is_back_in_the_pool_with_his_first_arrival(
    lab: House,
) -> None:
    talk = Talk(lab, Business.BILLING)
    talk.consult(RINGS)
    talk.hang_up(talk.first)
    talk.wait(bus.CallTransferred, lambda event: event.kind == "attended")
    third = talk.answered_next()
    talk.becomes(RINGS, AgentState.NOT_READY)
    came, back = talk.told(bus.CallWaiting)
    assert back.since == pytest.approx(came.since, abs=0.001)
    assert back.business == came.business
    first, last = talk.end(third).legs
    assert last.begin - first.end > 5, "the phone rang to its end"
    assert talk.queue_log(ends_with="COMPLETECALLER") == [
        ("ENTERQUEUE", "NONE"),
        ("CONNECT", talk.first),
        ("ATTENDEDTRANSFER", talk.first),
        ("ENTERQUEUE", "NONE"),
        ("CONNECT", third),
        ("COMPLETECALLER", third),
    ]

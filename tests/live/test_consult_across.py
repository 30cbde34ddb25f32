"""Consultations over the tie line: the second agent is of the other site, whose matcher lends him."""

from collections.abc import Iterator

import pytest

from tests.live.house import House
from tests.live.special_agents import FAR_REFUSES, FAR_SLOW
from tests.live.test_transfers import FAR, FUZHOU, NODE, XIAMEN, Talk
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


def test_the_other_sites_agent_takes_the_caller_on_after_a_consultation(lab: House) -> None:
    talk = Talk(lab)
    talk.consult(FAR)
    talk.answered(FAR)
    talk.answered(FAR, XIAMEN)
    talk.ask("--step", "complete")
    talk.left(talk.first)
    record = talk.end(FAR)
    first, second = record.legs
    assert first.end == second.begin
    assert (record.site, record.node) == (FUZHOU, NODE)
    [offer] = talk.told(bus.OfferMade, XIAMEN)
    assert (offer.call_id, offer.agent, offer.call_site) == (talk.call_id, FAR, FUZHOU)
    assert [event.agent for event in talk.told(bus.AgentLegGone, XIAMEN)] == [FAR], "one talk of his, till its end"
    assert talk.queue_log(ends_with="ATTENDEDTRANSFER")[-1] == ("ATTENDEDTRANSFER", talk.first)


def test_an_agent_who_goes_back_from_the_other_site_has_his_caller_again(lab: House) -> None:
    talk = Talk(lab)
    talk.consult(FAR)
    talk.answered(FAR, XIAMEN)
    talk.ask("--step", "back")
    talk.left(FAR)
    talk.becomes(FAR, AgentState.WRAP_UP)
    assert talk.state(talk.first) == AgentState.TALKING
    talk.end()


def test_who_declines_over_there_pauses_and_the_first_agent_has_his_caller_again(lab: House) -> None:
    talk = Talk(lab, Business.OTHER)
    talk.consult(FAR_REFUSES)
    talk.left(FAR_REFUSES)
    talk.becomes(FAR_REFUSES, AgentState.NOT_READY)
    assert talk.state(talk.first) == AgentState.TALKING
    assert f"{FAR_REFUSES} is not ready" in talk.consult_in_vain(FAR_REFUSES)
    talk.consult(FAR)
    talk.answered(FAR, XIAMEN)
    talk.ask("--step", "complete")
    talk.left(talk.first)
    talk.end(FAR)


def test_a_phone_over_there_that_is_called_off_costs_its_agent_nothing(lab: House) -> None:
    talk = Talk(lab, Business.OTHER)
    talk.consult(FAR_SLOW)
    talk.wait(bus.AgentRinging, lambda event: event.agent == FAR_SLOW, XIAMEN)
    talk.ask("--step", "back")
    talk.left(FAR_SLOW)
    talk.becomes(FAR_SLOW, AgentState.READY)
    talk.end()
    states = [event.state for event in talk.told(bus.AgentChanged, XIAMEN) if event.agent == FAR_SLOW]
    assert AgentState.NOT_READY not in states


def test_a_caller_handed_over_to_a_phone_that_rings_at_the_other_site_is_answered_there(lab: House) -> None:
    talk = Talk(lab, Business.OTHER)
    talk.consult(FAR_SLOW)
    talk.hang_up(talk.first)
    talk.wait(bus.CallTransferred, lambda event: event.kind == "attended")
    assert not [event for event in talk.told(bus.AgentAnswered) if event.agent == FAR_SLOW], "it still rings"
    talk.answered(FAR_SLOW)
    first, second = talk.end(FAR_SLOW).legs
    assert first.end < second.begin


def test_a_caller_who_leaves_a_consultation_leaves_both_agents_free(lab: House) -> None:
    talk = Talk(lab)
    talk.consult(FAR)
    talk.answered(FAR, XIAMEN)
    talk.end()
    talk.becomes(FAR, AgentState.WRAP_UP)

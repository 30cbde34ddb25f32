"""Consultations over the tie line: the second agent is of the other site, whose matcher lends him."""

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from lab.plan import matcher_parts
from lab.supervisor import Request
from routing.keys import LEASE
from tests.live.house import House
from tests.live.listening import Ear, both_agents, first_agent, music, recorded_s, second_agent
from tests.live.special_agents import FAR_REFUSES, FAR_SLOW, FAR_VOICE
from tests.live.talk import FAR, FUZHOU, NODE, PASSING, SECOND, XIAMEN, Talk
from tests.live.test_waiting import ask_all
from tieline import bus
from tieline.database import Database
from tieline.model import AgentState, Business, SiteId
from tieline.principal import Principal, Role
from tieline.settings import load_settings
from tieline.tokens import Tokens
from tieline.topology import Site

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]


@pytest.fixture(autouse=True)
def _all_ready(lab: House) -> Iterator[None]:
    """Nobody rests or pauses, before and after."""
    ask_all(lab, "ready")
    yield
    ask_all(lab, "ready")


@pytest.fixture
def ear(lab: House) -> Iterator[Ear]:
    """Of a caller from Fuzhou."""
    opened = Ear(lab, "fuzhou")
    yield opened
    opened.close()


def test_the_other_sites_agent_takes_the_caller_on_after_a_consultation(lab: House, ear: Ear) -> None:
    """The caller hears his first agent, then music, then the second one; what is talked is recorded."""
    talk = Talk(lab, Business.OTHER, ear=ear)
    ear.wait_for(first_agent)
    talk.consult(FAR_VOICE)
    talk.answered(FAR_VOICE)
    ear.wait_for(music)
    talk.ask("--step", "complete")
    talk.left(talk.first)
    ear.wait_for(second_agent)
    record = talk.end(FAR_VOICE)
    for agent in (first_agent, second_agent):
        assert recorded_s(lab, record.recording, agent) >= 0.8
    first, second = record.legs
    assert first.end == second.begin
    assert (record.site, record.node) == (FUZHOU, NODE)
    [offer] = talk.told(bus.OfferMade, XIAMEN)
    assert (offer.call_id, offer.agent, offer.call_site) == (talk.call_id, FAR_VOICE, FUZHOU)
    assert [event.agent for event in talk.told(bus.AgentLegGone, XIAMEN)] == [FAR_VOICE], "one talk, till its end"
    assert talk.queue_log(ends_with="ATTENDEDTRANSFER")[-1] == ("ATTENDEDTRANSFER", talk.first)


def test_three_talk_over_the_tie_line_and_the_caller_hears_both_until_one_leaves(lab: House, ear: Ear) -> None:
    talk = Talk(lab, Business.OTHER, ear=ear)
    talk.consult(FAR_VOICE)
    talk.answered(FAR_VOICE)
    talk.join(FAR_VOICE)
    ear.wait_for(both_agents)
    talk.ask("--step", "back")
    talk.left(FAR_VOICE)
    ear.wait_for(first_agent, 0.5)
    talk.becomes(FAR_VOICE, AgentState.WRAP_UP)
    assert talk.state(talk.first) == AgentState.TALKING
    talk.ends_part(FAR_VOICE)
    record = talk.end(FAR_VOICE, three=True)
    first, second = record.legs
    assert first.begin < second.begin < second.end < first.end
    assert recorded_s(lab, record.recording, both_agents) >= 0.8
    assert talk.queue_log(ends_with="COMPLETECALLER")[-1] == ("COMPLETECALLER", talk.first)


def test_matchers_killed_in_the_middle_of_a_consultation_lose_nobody_and_ring_nobody_twice(lab: House) -> None:
    talk = Talk(lab)
    talk.consult(FAR)
    for site in lab.plan.topology.sites.values():
        lab.drill("kill", acting_matcher(lab, site))
    talk.ask("--step", "complete")
    talk.left(talk.first)
    talk.end(FAR)
    kinds = (bus.OfferMade, bus.AgentRinging, bus.AgentAnswered, bus.AgentLegGone)
    told = [event for event in lab.events(XIAMEN) if isinstance(event, kinds)]
    assert [(type(event), event.agent) for event in told] == [(kind, FAR) for kind in kinds]


def acting_matcher(lab: House, site: Site) -> str:
    """Name the part that holds a site's lease; on a busy machine it changes hands."""
    while True:
        holder = lab.run(lab.lives[site.id].call("GET", LEASE)) or b""
        status = {part.name: part.pid for part in lab.client.ask(Request(do="status")).parts}
        if acting := [part for part in matcher_parts(site) if f":{status[part]}:".encode() in holder]:
            return acting[0]
        lab.wait_for_news()


def test_who_has_another_sites_caller_consults_his_own_colleague(lab: House, ear: Ear) -> None:
    talk = Talk(lab, Business.OTHER, ear=ear)
    talk.ask("--to", f"agent:{FAR}")
    talk.answered(FAR)
    talk.consult(FAR_VOICE)
    talk.answered(FAR_VOICE)
    talk.ask("--step", "complete")
    talk.left(FAR)
    ear.wait_for(second_agent)
    record = talk.end(FAR, FAR_VOICE)
    assert recorded_s(lab, record.recording, second_agent) >= 0.8


def test_an_agent_who_goes_back_from_the_other_site_has_his_caller_again(lab: House) -> None:
    talk = Talk(lab)
    talk.consult(FAR)
    talk.answered(FAR)
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
    talk.answered(FAR)
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
    talk.answered(FAR)
    talk.end()
    talk.becomes(FAR, AgentState.WRAP_UP)


def test_who_has_another_sites_caller_consults_from_the_desk_of_his_own_site(lab: House) -> None:
    talk = Talk(lab)
    talk.ask("--to", f"agent:{FAR}")
    talk.answered(FAR)
    rests = bus.AgentAsked(at=time.time(), agent=talk.first, wish="not_ready", reason="meal", until=time.time() + 200)
    lab.run(lab.lives[FUZHOU].tell(rests))
    talk.becomes(talk.first, AgentState.NOT_READY)
    assert at_desk(talk, XIAMEN, FAR, step="consult", to=f"agent:{talk.first}") == (409, f"{talk.first} is not ready")
    assert at_desk(talk, XIAMEN, FAR, step="consult", to=f"agent:{SECOND}")[0] == 200
    talk.answered(SECOND)
    assert at_desk(talk, XIAMEN, FAR, step="complete")[0] == 200
    talk.left(FAR)
    talk.end(FAR, SECOND)


def at_desk(talk: Talk, site: SiteId, agent: str, **wanted: str) -> tuple[int, str]:
    """Ask for a step over HTTP at a site, as an agent, again while the reason is one that passes."""
    me = Principal(role=Role.AGENT, city=None, site=site, name=agent)
    database = Database(load_settings(talk.lab.plan.settings_file, {}).database_url)
    token = Tokens(database).new(me, by=me).text
    database.close()
    address = talk.lab.plan.topology.sites[site].console
    head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    while True:
        http = HTTPConnection(address.host, address.port, timeout=15)
        http.request("POST", f"/api/v1/calls/{talk.call_id}/transfer", json.dumps(wanted), head)
        answer = http.getresponse()
        said = json.loads(answer.read()).get("message", "")
        http.close()
        if not any(reason in said for reason in PASSING):
            return answer.status, said

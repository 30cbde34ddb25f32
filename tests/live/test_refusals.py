"""Who is let in: quota, trunk groups, spoofed and injected headers."""

import threading

import pytest

from lab.scripts import HangUp, IsRefused, Pause, Press, Talks
from tests.live.disturbed import Background, dead
from tests.live.house import House
from tests.live.house_files import FULL_CITY
from tieline import bus
from tieline.model import Business, Outcome

pytestmark = pytest.mark.live


def test_a_full_city_is_refused_with_cause_34_and_reaches_one_site_only(lab: House) -> None:
    holding = threading.Thread(
        target=lab.call, args=(FULL_CITY, lab.script(FULL_CITY, "mandarin", Business.REPAIR, Pause(24_000), HangUp()))
    )
    holding.start()
    while not any(isinstance(event, bus.CallArrived) for event in lab.events("xiamen")):
        lab.wait_for_news()
    refused = lab.call(FULL_CITY, IsRefused(503, 34), limit_s=60)
    holding.join()
    assert refused.is_scripted, refused.faults
    lab.settle(calls=2)
    first, second = sorted(lab.records(), key=lambda call: call.arrived_at)
    assert (first.outcome, second.outcome) == (Outcome.ANSWERED, Outcome.REFUSED)
    assert (second.refused_cause, second.answered_at) == (34, 0)
    assert {call.site for call in (first, second)} == {"xiamen"}
    assert lab.ticket_calls() == [first.call_id]


def test_who_hears_a_refusal_as_its_node_dies_is_refused_and_not_forgotten(lab: House) -> None:
    script = lab.script(FULL_CITY, "mandarin", Business.REPAIR, Pause(24_000), HangUp())
    holding = Background(lambda: lab.call(FULL_CITY, script))
    lab.wait_for("xiamen", lambda event: isinstance(event, bus.CallArrived))
    hearing = Background(lambda: lab.call(FULL_CITY, IsRefused(503, 34), limit_s=60))
    lab.wait_for("xiamen", lambda event: isinstance(event, bus.CallArrived) and event.verdict == "message")
    with dead(lab, "xiamen-1"):
        refused = hearing.end()
        assert refused.is_scripted, refused.faults  # the edge ends it: nobody waits for the rest of the sentence
    holding.end()
    lab.settle(calls=2)
    outcomes = {record.outcome: record for record in lab.records()}
    assert outcomes[Outcome.REFUSED].estimated
    assert outcomes[Outcome.REFUSED].site == "xiamen"


def test_an_address_that_is_no_trunk_group_is_refused_at_the_edge(lab: House) -> None:
    stranger = f"127.{lab.plan.instance}.24.99"
    result = lab.call("fuzhou", IsRefused(403, 0), source=stranger)
    assert result.is_scripted, result.faults
    assert lab.edge() == []


def test_another_number_than_the_hotline_is_not_ours(lab: House) -> None:
    result = lab.call("fuzhou", IsRefused(404, 0), dialled="10086")
    assert result.is_scripted, result.faults


def test_headers_of_ours_from_outside_are_gone_after_the_edge(lab: House) -> None:
    forged = (
        "X-Tieline-City: xiamen",
        "X-Tieline-Call: a,,touch /tmp/owned ;:",
        "x-tieline-trunk: tg-xiamen",
        "X-TIELINE-At: 1",
    )
    assert lab.call("fuzhou", lab.script("fuzhou"), extra_headers=forged).is_scripted
    lab.settle(calls=1)
    call = lab.one()
    assert (call.city, call.trunk) == ("fuzhou", "tg-fuzhou")
    assert call.call_id != "a"


HOSTILE = (
    r'"a\",\"b" <sip:0591%22x@evil>',
    '"${SHELL(touch /tmp/owned)}" <sip:05910001234@host>',
    '"x" <sip:123%0aagi_network_script%3a%20admit%0a@host>',
    '"x" <sip:0591%000001234@host>',
    f'"{"n" * 300}" <sip:{"9" * 300}@host>',
    '"停电了😀" <sip:05910001234@host>',
    "<sip:anonymous@anonymous.invalid>",
    '"Anonymous" <sip:host>',
    "<sip:$%7bCALLERID(name)%7d@host>",
    "<sip:../../etc/passwd@host>",
)


@pytest.mark.parametrize("header", HOSTILE)
def test_a_hostile_caller_is_served_and_reaches_nothing(lab: House, header: str) -> None:
    result = lab.call("fuzhou", lab.script("fuzhou"), callers=lab.caller(header))
    assert result.is_scripted, result.faults
    lab.settle(calls=1)
    call = lab.one()
    assert call.outcome is Outcome.ANSWERED
    assert call.number_state in ("shown", "withheld", "unusable")
    assert call.number == "" or call.number.removeprefix("+").isdigit()
    assert not (lab.plan.root / "tmp/owned").exists()


def test_a_privacy_header_withholds_the_number(lab: House) -> None:
    assert lab.call("fuzhou", lab.script("fuzhou"), extra_headers=("Privacy: id;critical",)).is_scripted
    lab.settle(calls=1)
    assert (lab.one().number_state, lab.one().number) == ("withheld", "")


def test_keys_nobody_offers_lead_to_an_agent_after_three_tries(lab: House) -> None:
    keys = Talks((Pause(600), Press("7"), Pause(6000), Press("7"), Pause(6000), Press("7"), Pause(14_000), HangUp()))
    assert lab.call("xiamen", keys).is_scripted
    lab.settle(calls=1)
    call = lab.one()
    assert (call.business, call.outcome) == ("other", Outcome.ANSWERED)

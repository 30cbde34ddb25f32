"""Steps of a consultation as AMI actions, and the note of who has the caller."""

import pytest
from msgspec.structs import replace

from ami_bridge.consulting import actions_of, legs_after
from tieline import bus
from tieline.errors import LocalProtocolError

pytestmark = pytest.mark.unit

LEG = "PJSIP/a1001-00000001"


def consult(step: str, agent: str = "a1002") -> bus.Consult:
    return bus.Consult(at=1, call_id="fuzhou-1:1.1", agent="a1001", step=step, to_agent=agent, expires=3)


def note(agent: str = "a1002", *, beside: bool = False) -> bus.NoteLeg:
    channel = "PJSIP/edge-1-1"
    return bus.NoteLeg(at=9, call_id="fuzhou-1:1.1", channel=channel, agent=agent, begun_at=7.25, beside=beside)


def test_a_consultation_begins_with_whom_and_where_then_the_key() -> None:
    assert [dict(action.headers()) for action in actions_of(consult("consult"), LEG)] == [
        {"Channel": LEG, "Variable": "_TL_CONSULT", "Value": ""},
        {"Channel": LEG, "Variable": "TRANSFER_EXTEN", "Value": "a1002"},
        {"Channel": LEG, "Variable": "TRANSFER_CONTEXT", "Value": "consult"},
        {"Channel": LEG, "Digit": "A", "Receive": "true"},
    ]


def test_a_phone_that_another_node_reaches_is_named_with_its_way_and_the_offer() -> None:
    command = replace(consult("consult"), by_way_of="xiamen-1", fence=71)
    way = next(actions_of(command, LEG))
    assert dict(way.headers()) == {"Channel": LEG, "Variable": "_TL_CONSULT", "Value": "xiamen-1:71"}
    with pytest.raises(LocalProtocolError):
        list(actions_of(replace(command, by_way_of="x&PJSIP/edge-1"), LEG))


@pytest.mark.parametrize(("step", "key"), [("complete", "B"), ("join", "C"), ("back", "D")])
def test_each_further_step_is_a_key(step: str, key: str) -> None:
    [action] = actions_of(consult(step), LEG)
    assert dict(action.headers()) == {"Channel": LEG, "Digit": key, "Receive": "true"}


@pytest.mark.parametrize(
    ("step", "agent"), [("blind", "a1002"), ("consult", ""), ("consult", "a1002@edge-1"), ("back", "x")]
)
def test_nothing_else_reaches_asterisk(step: str, agent: str) -> None:
    with pytest.raises(LocalProtocolError):
        list(actions_of(consult(step, agent), LEG))


@pytest.mark.parametrize(
    ("before", "then"),
    [
        ("", "a1002:repair@7.250"),
        ("a1001:repair@1.000", "a1001:repair@1.000-7.250&a1002:repair@7.250"),
        ("a1001:repair@1.000-5.000", "a1001:repair@1.000-5.000&a1002:repair@7.250"),
    ],
)
def test_the_last_part_ends_where_the_next_begins(before: str, then: str) -> None:
    assert legs_after(before, "repair", note()) == then


@pytest.mark.parametrize(("before", "then"), [("", ""), ("a1001:repair@1.000", "a1001:repair@1.000-7.250")])
def test_while_the_next_phone_rings_nobody_has_a_part(before: str, then: str) -> None:
    assert legs_after(before, "repair", note("")) == then


THREE = "a1001:repair@1.000&a1002:repair@7.250"


def test_while_three_talk_both_agents_have_a_part() -> None:
    assert legs_after("a1001:repair@1.000", "repair", note(beside=True)) == THREE
    assert legs_after(THREE, "repair", note(beside=True)) == THREE, "told twice"


@pytest.mark.parametrize(
    ("stays", "then"),
    [
        ("a1002", "a1001:repair@1.000-7.250&a1002:billing@3.000"),
        ("a1001", "a1002:billing@3.000-7.250&a1001:repair@1.000"),
    ],
)
def test_who_stays_after_three_talked_goes_on_and_stands_last(stays: str, then: str) -> None:
    assert legs_after("a1001:repair@1.000&a1002:billing@3.000", "repair", note(stays)) == then


def test_late_news_of_a_part_that_the_dialplan_has_ended_begins_no_second_one() -> None:
    legs = "a1001:repair@1.000-7.250&a1002:repair@3.000-9.000"
    assert legs_after(legs, "repair", note()) == legs


def test_only_agents_have_parts() -> None:
    with pytest.raises(LocalProtocolError):
        legs_after("", "repair", note("a1&b"))

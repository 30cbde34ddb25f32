"""The facts of a call: read leniently, ended in exactly one way, merged in any order."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_adapter.facts import VARIABLES, from_variables
from crm_adapter.merging import merge
from crm_adapter.record import CallRecord, TalkLeg, encode, maybe_decode, outcome_of
from tests.unit.crm_adapter.records import CALL, claims, record
from tieline.model import Outcome, Witness, is_call_id

pytestmark = pytest.mark.unit

FULL = {
    "TL_CALL": CALL,
    "TL_CITY": "fuzhou",
    "TL_TRUNK": "fz-1",
    "TL_NUMSTATE": "shown",
    "TL_NUMBER": "+8659100001234",
    "TL_DIALECT": "min_dong",
    "TL_BUSINESS": "repair",
    "TL_AGENT": "a1001",
    "TL_ARRIVED": "1000",
    "TL_ANSWERED": "1001.000",
    "TL_MENU_AT": "1010",
    "TL_SINCE": "1010.5",
    "TL_AGENT_AT": "1015",
    "TL_RATING": "1",
}


def read(variables: dict[str, str], *, uniqueid: str = "fuzhou-1-1763.1", hangup_at: float = 1100.25) -> CallRecord:
    """Read variables as the hang-up script of Fuzhou's node would."""
    return from_variables(
        variables,
        node="fuzhou-1",
        site="fuzhou",
        uniqueid=uniqueid,
        linkedid="fuzhou-1-1763.1",
        channel="PJSIP/edge-00000001",
        hangup_at=hangup_at,
        hangup_cause=16,
        hangup_source="PJSIP/edge-00000001",
        witness=Witness.AGI,
    )


def test_each_fact_comes_from_its_variable() -> None:
    assert read(FULL) == record()
    refused = read({"TL_CALL": CALL, "TL_ARRIVED": "1000", "TL_REFUSED": "34", "TL_NET": "1"})
    assert (refused.refused_cause, refused.net, refused.outcome) == (34, True, Outcome.REFUSED)
    assert read({"TL_RECORDING": f"{CALL}.wav"}).recording == f"{CALL}.wav"


def test_each_agent_has_his_part_of_the_talk() -> None:
    legs = "a1001:repair@1015-1030.5&a1002:billing@1032"
    assert read({"TL_LEGS": legs}).legs == (
        TalkLeg("a1001", "repair", 1015.0, 1030.5),
        TalkLeg("a1002", "billing", 1032.0, 1100.25),
    ), "the last one lasted until the hang-up"
    assert [leg.agent for leg in read({"TL_LEGS": "a1002:repair@1020-1030&a1001:repair@1015"}).legs] == [
        "a1001",
        "a1002",
    ], "in the order of their beginnings"
    assert read({"TL_LEGS": "a1:x@1&a1001:dance@7-8&a1002@9&a1003:repair@-"}).legs == (
        TalkLeg("a1001", "", 7.0, 8.0),
    )


def test_equally_good_witnesses_may_differ_about_parts() -> None:
    one, other = read({"TL_LEGS": "a1001:repair@1-2"}), read({"TL_LEGS": "a1001:repair@1-3"})
    assert merge(one, other).legs == merge(other, one).legs == other.legs


def test_a_part_that_no_database_takes_is_no_record() -> None:
    line = encode(read({"TL_LEGS": "a1001:repair@1-2"}))
    assert maybe_decode(line) is not None
    assert maybe_decode(line.replace(b'"end":2.0', b'"end":2e300')) is None


def test_nothing_known_still_makes_a_record() -> None:
    empty = read({})
    assert empty.call_id == "fuzhou-1:fuzhou-1-1763.1"
    assert empty.outcome is Outcome.LOST


@pytest.mark.parametrize(
    ("variable", "value", "fact", "wanted"),
    [
        ("TL_NUMBER", "anonymous", "number", ""),
        ("TL_NUMBER", "+86'; DROP TABLE call", "number", ""),
        ("TL_NUMBER", "+86１３８", "number", ""),
        ("TL_NUMSTATE", "withheld", "number", ""),
        ("TL_NUMSTATE", "SHOWN", "number_state", ""),
        ("TL_CITY", "${SHELL(reboot)}", "city", ""),
        ("TL_CITY", "fuzhou\n", "city", ""),
        ("TL_BUSINESS", "pizza", "business", ""),
        ("TL_RECORDING", "../../etc/passwd", "recording", ""),
        ("TL_RECORDING", ".hidden", "recording", ""),
        ("TL_RATING", "5", "rating", 0),
        ("TL_RATING", "-1", "rating", 0),
        ("TL_RATING", "٣", "rating", 0),
        ("TL_REFUSED", "999", "refused_cause", 0),
        ("TL_ARRIVED", "nan", "arrived_at", 0.0),
        ("TL_ARRIVED", "1e9", "arrived_at", 0.0),
        ("TL_ARRIVED", "999999999999", "arrived_at", 0.0),
        ("TL_NET", "yes", "net", False),
        ("TL_CALL", "not a call", "call_id", "fuzhou-1:fuzhou-1-1763.1"),
    ],
)
def test_a_hostile_value_becomes_empty(variable: str, value: str, fact: str, wanted: object) -> None:
    assert getattr(read(FULL | {variable: value}), fact) == wanted


@given(
    st.dictionaries(st.sampled_from(sorted(VARIABLES.values())), st.text(max_size=300)),
    st.text(max_size=300),
    st.floats(),
)
def test_whatever_the_channel_carries_the_record_is_written_and_read_back(
    variables: dict[str, str], uniqueid: str, hangup_at: float
) -> None:
    made = read(variables, uniqueid=uniqueid, hangup_at=hangup_at)
    assert is_call_id(made.call_id)
    assert maybe_decode(encode(made)) == made


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({}, Outcome.ANSWERED),
        ({"called_back": True}, Outcome.CALLED_BACK),
        ({"called_back": True, "agent_answered_at": 0.0}, Outcome.ABANDONED_WAITING),
        ({"agent_answered_at": 0.0}, Outcome.ABANDONED_WAITING),
        ({"agent_answered_at": 0.0, "refused_cause": 42}, Outcome.REFUSED),
        ({"agent_answered_at": 0.0, "waiting_since": 0.0}, Outcome.ABANDONED_MENU),
        ({"agent_answered_at": 0.0, "waiting_since": 0.0, "business": "outage"}, Outcome.SELF_SERVED),
        ({"agent_answered_at": 0.0, "waiting_since": 0.0, "hangup_source": "dialplan/builtin"}, Outcome.SELF_SERVED),
        ({"agent_answered_at": 0.0, "waiting_since": 0.0, "hangup_source": ""}, Outcome.ABANDONED_MENU),
        ({"agent_answered_at": 0.0, "waiting_since": 0.0, "menu_done_at": 0.0}, Outcome.ABANDONED_MENU),
        (
            {
                "agent_answered_at": 0.0,
                "waiting_since": 0.0,
                "menu_done_at": 0.0,
                "answered_at": 0.0,
                "arrived_at": 0.0,
            },
            Outcome.LOST,
        ),
    ],
)
def test_outcome_follows_from_the_times(facts: dict[str, object], outcome: Outcome) -> None:
    assert outcome_of(record(**facts)) is outcome


def test_the_better_witness_wins_fact_by_fact() -> None:
    snapshot = record(witness=Witness.SNAPSHOT, hangup_at=1090.0, estimated=True, agent="a1002", rating=0)
    agi = record(agent="", rating=2)
    both = merge(snapshot, agi)
    assert (both.witness, both.hangup_at, both.estimated) == (Witness.AGI, 1100.25, False)
    assert (both.agent, both.rating) == ("a1002", 2)
    assert both.borrowed == (("agent", Witness.SNAPSHOT),)


def test_a_fact_lent_by_a_bad_witness_gives_way_to_a_middling_one() -> None:
    agi, ami, snapshot = (
        record(agent=""),
        record(agent="a1002", witness=Witness.AMI),
        record(agent="a1003", witness=Witness.SNAPSHOT),
    )
    assert merge(merge(agi, snapshot), ami).agent == merge(agi, merge(snapshot, ami)).agent == "a1002"


def test_a_call_back_makes_one_record_with_the_call_that_was_given_up() -> None:
    gave_up = record(agent_answered_at=0.0, agent="", rating=0, outcome=Outcome.ABANDONED_WAITING)
    back = record(called_back=True, arrived_at=0.0, answered_at=0.0, menu_done_at=0.0, agent_answered_at=1400.0)
    both = merge(gave_up, msgspec.structs.replace(back, hangup_at=1500.0))
    assert (both.outcome, both.waiting_since, both.hangup_at) == (Outcome.CALLED_BACK, 1010.5, 1500.0)
    assert (both.arrived_at, both.agent_answered_at) == (1000.0, 1400.0)


def test_merging_can_change_the_outcome() -> None:
    stdio = record(agent_answered_at=0.0, outcome=Outcome.ABANDONED_WAITING, witness=Witness.STDIO)
    ami = record(witness=Witness.AMI)
    assert merge(stdio, ami).outcome is Outcome.ANSWERED


@given(claims, claims)
def test_merge_commutes(a: CallRecord, b: CallRecord) -> None:
    assert merge(a, b) == merge(b, a)


@given(claims, claims, claims)
def test_merge_is_associative(a: CallRecord, b: CallRecord, c: CallRecord) -> None:
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


@given(claims, claims)
def test_merge_is_idempotent(a: CallRecord, b: CallRecord) -> None:
    once = merge(a, b)
    assert merge(once, a) == merge(once, b) == merge(once, once) == once


def test_records_of_two_calls_do_not_merge() -> None:
    with pytest.raises(ValueError, match="two calls"):
        merge(record(), record(call_id="fuzhou-1:fuzhou-1-1763.9"))


def test_a_line_is_one_line_and_begins_with_its_version() -> None:
    line = encode(record())
    assert line.startswith(b'{"v":1,')
    assert line.count(b"\n") == 1


def test_a_torn_line_is_none_and_the_record_behind_it_is_saved() -> None:
    line = encode(record())
    assert maybe_decode(line[:-20]) is None
    assert maybe_decode(line[:300] + line) == record()


@pytest.mark.parametrize(
    "facts",
    [
        {"agent": "a\0"},
        {"agent": "x" * 129},
        {"call_id": "no"},
        {"hangup_at": -1.0},
        {"rating": 1 << 31},
        {"refused_cause": -1},
    ],
)
def test_a_record_that_a_database_would_refuse_is_none(facts: dict[str, object]) -> None:
    assert maybe_decode(encode(record(**facts))) is None


def test_a_newer_line_with_more_facts_is_still_read() -> None:
    newer = msgspec.json.decode(encode(record())) | {"v": 2, "mood": "fine"}
    read_back = maybe_decode(msgspec.json.encode(newer))
    assert read_back is not None
    assert read_back.call_id == CALL

"""The stdio script imports nothing of ours; it must write just what our own reader of variables would."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agi import stdio_hangup
from crm_adapter import facts, record
from tests.unit.crm_adapter.test_record import FULL
from tieline.model import Business, NumberState, Witness

pytestmark = pytest.mark.unit


def ours(variables: dict[str, str], hangup_at: float) -> dict[str, Any]:
    """Read the variables the way the AGI server does."""
    cause = variables.get("HANGUPCAUSE", "")
    made = facts.from_variables(
        variables,
        node=variables.get("SYSTEMNAME", ""),
        site=variables.get("TL_SITE", ""),
        uniqueid=variables.get("UNIQUEID", ""),
        linkedid=variables.get("CHANNEL(linkedid)", ""),
        channel=variables.get("CHANNEL", ""),
        hangup_at=hangup_at,
        hangup_cause=int(cause) if cause.isascii() and cause.isdigit() and len(cause) < 4 else 0,
        hangup_source=variables.get("CHANNEL(hangupsource)", ""),
        witness=Witness.STDIO,
    )
    return dict(msgspec.json.decode(record.encode(made)))


def test_its_field_names_are_those_of_the_record() -> None:
    assert list(stdio_hangup.record_of({}, hangup_at=1.0)) == list(record.CallRecord.__struct_fields__)
    assert stdio_hangup.VARIABLES == facts.VARIABLES


def test_its_closed_sets_are_those_of_the_model() -> None:
    assert tuple(Business) == stdio_hangup.BUSINESSES
    assert tuple(NumberState) == stdio_hangup.NUMBER_STATES


_NAMES = [*stdio_hangup.VARIABLES.values(), *stdio_hangup.ABOUT]
_values = st.one_of(
    st.text(max_size=150),
    st.sampled_from([*FULL.values(), "outage", "withheld", "34", "200", "0", "1", "dialplan/builtin", "a.wav"]),
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(_NAMES, _values)), st.floats())
def test_it_writes_what_our_reader_of_variables_makes(variables: dict[str, str], hangup_at: float) -> None:
    assert stdio_hangup.record_of(variables, hangup_at=hangup_at) == ours(variables, hangup_at)


@given(st.sets(st.sampled_from(sorted(FULL))), st.sampled_from(["", "PJSIP/edge-1", "dialplan/builtin"]))
def test_it_judges_the_outcome_alike_whatever_is_known(known: set[str], source: str) -> None:
    variables = {name: FULL[name] for name in known} | {"CHANNEL": "PJSIP/edge-1", "CHANNEL(hangupsource)": source}
    assert stdio_hangup.record_of(variables, hangup_at=5.0) == ours(variables, 5.0)

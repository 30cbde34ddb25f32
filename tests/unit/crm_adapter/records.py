"""Records for tests."""

from typing import Any

from hypothesis import strategies as st

from crm_adapter.record import CallRecord
from tieline.model import Outcome, Witness

CALL = "0193f0aa-0000-7000-8000-000000000001"


def record(**facts: Any) -> CallRecord:
    """Make an answered repair call of Fuzhou, with some facts replaced."""
    base: dict[str, Any] = {
        "call_id": CALL,
        "node": "fuzhou-1",
        "site": "fuzhou",
        "uniqueid": "fuzhou-1-1763.1",
        "linkedid": "fuzhou-1-1763.1",
        "channel": "PJSIP/edge-00000001",
        "city": "fuzhou",
        "trunk": "fz-1",
        "number_state": "shown",
        "number": "+8659100001234",
        "dialect": "min_dong",
        "business": "repair",
        "outcome": Outcome.ANSWERED,
        "agent": "a1001",
        "arrived_at": 1000.0,
        "answered_at": 1001.0,
        "menu_done_at": 1010.0,
        "waiting_since": 1010.5,
        "agent_answered_at": 1015.0,
        "hangup_at": 1100.25,
        "hangup_cause": 16,
        "hangup_source": "PJSIP/edge-00000001",
        "rating": 1,
        "witness": Witness.AGI,
    }
    return CallRecord(**base | facts)


_word = st.sampled_from(["", "a", "b"])
_time = st.sampled_from([0.0, 1.0, 2.0])
_count = st.sampled_from([0, 1, 2])

claims = st.builds(
    CallRecord,
    call_id=st.just(CALL),
    node=_word,
    site=_word,
    uniqueid=_word,
    linkedid=_word,
    channel=_word,
    city=_word,
    trunk=_word,
    number_state=_word,
    number=_word,
    dialect=_word,
    business=_word,
    refused_cause=_count,
    agent=_word,
    arrived_at=_time,
    answered_at=_time,
    menu_done_at=_time,
    waiting_since=_time,
    agent_answered_at=_time,
    hangup_at=_time,
    hangup_cause=_count,
    hangup_source=_word,
    estimated=st.booleans(),
    rating=_count,
    recording=_word,
    witness=st.sampled_from(list(Witness)),
    net=st.booleans(),
    called_back=st.booleans(),
)
"""What one witness may say: any fact known or not, few values, so that claims meet and differ."""

"""Which calls were answered in place of the site that their business belongs to."""

import pytest

from crm_adapter.record import CallRecord
from crm_adapter.stand_in import StandIns
from tieline.model import AgentId, Business, Outcome, SiteId, Witness

pytestmark = pytest.mark.unit

FUZHOU, XIAMEN = SiteId("fuzhou"), SiteId("xiamen")
RULE = StandIns({Business.COMPLAINT: FUZHOU}, {AgentId("a1001"): FUZHOU, AgentId("a2001"): XIAMEN})


@pytest.mark.parametrize(
    ("site", "agent", "business", "outcome", "in_place_of"),
    [
        ("xiamen", "a2001", "complaint", Outcome.ANSWERED, FUZHOU),
        ("xiamen", "a1001", "complaint", Outcome.ANSWERED, ""),  # over the tie line, as it should be
        ("fuzhou", "a2001", "complaint", Outcome.ANSWERED, FUZHOU),
        ("xiamen", "a2001", "repair", Outcome.ANSWERED, ""),
        ("xiamen", "a2001", "", Outcome.ANSWERED, ""),
        ("xiamen", "a2001", "of_a_newer_tieline", Outcome.ANSWERED, ""),
        ("xiamen", "a9999", "complaint", Outcome.ANSWERED, ""),
        ("xiamen", "a2001", "complaint", Outcome.ABANDONED_WAITING, ""),
    ],
)
def test_a_stand_in_is_an_agent_of_another_site_than_the_business(
    site: str, agent: str, business: str, outcome: Outcome, in_place_of: str
) -> None:
    call = CallRecord(call_id="c", site=site, agent=agent, business=business, outcome=outcome, witness=Witness.AGI)
    assert RULE.stands_in_for(call) == in_place_of


def test_without_rules_nobody_stands_in() -> None:
    call = CallRecord(call_id="c", agent="a2001", business="complaint", outcome=Outcome.ANSWERED, witness=Witness.AGI)
    assert StandIns().stands_in_for(call) == ""

"""Which calls need a ticket, and what is said about faulty rules."""

from pathlib import Path

import pytest
from hypothesis import given

from crm_adapter.policy import load_policy
from crm_adapter.record import CallRecord, TalkLeg
from tests.unit.crm_adapter.records import claims, record
from tieline.errors import ConfigError
from tieline.model import Outcome

pytestmark = pytest.mark.unit

POLICY = load_policy()


@pytest.mark.parametrize(
    ("outcome", "business", "kind"),
    [
        (Outcome.ANSWERED, "repair", "fault_report"),
        (Outcome.ANSWERED, "", "fault_report"),
        (Outcome.ANSWERED, "complaint", "complaint"),
        (Outcome.ANSWERED, "expansion", "service_request"),
        (Outcome.ANSWERED, "billing", None),
        (Outcome.ANSWERED, "outage", None),
        (Outcome.ANSWERED, "other", None),
        (Outcome.ABANDONED_WAITING, "repair", "callback"),
        (Outcome.ABANDONED_WAITING, "billing", "callback"),
        (Outcome.ABANDONED_WAITING, "", "callback"),
        (Outcome.ABANDONED_MENU, "repair", None),
        (Outcome.REFUSED, "", None),
        (Outcome.SELF_SERVED, "outage", None),
        (Outcome.LOST, "", "callback"),
    ],
)
def test_the_default_rules(outcome: Outcome, business: str, kind: str | None) -> None:
    assert POLICY.kind_for(record(outcome=outcome, business=business)) == kind


def test_a_transferred_caller_has_a_ticket_for_the_most_urgent_that_he_wanted() -> None:
    parts = (TalkLeg("a1001", "repair", 1015.0, 1030.0), TalkLeg("a1002", "billing", 1032.0, 1100.0))
    assert POLICY.kind_for(record(business="billing", legs=parts)) == "fault_report"
    assert POLICY.kind_for(record(business="billing", legs=parts[1:])) is None
    assert POLICY.kind_for(record(business="billing", legs=(TalkLeg("a1001", "", 1.0, 2.0),))) is None


def test_a_call_cut_off_by_a_dead_node_is_called_back_unless_its_talk_needs_more() -> None:
    cut = {"estimated": True, "outcome": Outcome.ABANDONED_MENU, "business": ""}
    assert POLICY.kind_for(record(**cut)) == "callback"
    assert POLICY.kind_for(record(estimated=True, business="billing")) == "callback"
    assert POLICY.kind_for(record(estimated=True, business="repair")) == "fault_report"
    assert POLICY.kind_for(record(estimated=True, outcome=Outcome.REFUSED)) is None


@given(claims)
def test_every_kind_that_is_given_is_known(call: CallRecord) -> None:
    assert POLICY.kind_for(call) in {None, *POLICY.kinds}


KIND = '[[kind]]\nid = "a"\nname = "甲"\nenglish = "A"\n'
REST = f'[[rule]]\noutcome = [{", ".join(repr(str(outcome)) for outcome in Outcome)}]\nticket = "none"\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (KIND + '[[rule]]\noutcome = ["answred"]\nticket = "a"\n' + REST, "`answred` is not known here"),
        (KIND + '[[rule]]\noutcome = ["answered"]\nticket = "b"\n' + REST, "'b' is not known here"),
        (
            KIND + '[[rule]]\noutcome = ["lost"]\nbuisness = ["repair"]\nticket = "a"\n' + REST,
            "did you mean `business`?",
        ),
        (
            KIND + '[[rule]]\noutcome = ["lost"]\nbusiness = ["pizza"]\nticket = "a"\n' + REST,
            "`pizza` is not known here",
        ),
        (KIND + '[[rule]]\noutcome = ["lost"]\nticket = "a"\n', "no rule for answered, repair"),
        (KIND + REST + '[[rule]]\noutcome = ["lost"]\nticket = "a"\n', "no call ever meets this rule"),
        (KIND + KIND + REST, "`a` is taken"),
        (
            KIND + '[[rule]]\noutcome = ["lost"]\nestimated = "yes"\nticket = "a"\n' + REST,
            "'yes' is not true or false",
        ),
    ],
)
def test_a_faulty_file_is_refused_with_the_reason(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "tickets.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_policy(path)
    assert complaint in str(caught.value)
    assert "tickets.toml:" in str(caught.value)


def test_all_faults_of_a_file_come_together(tmp_path: Path) -> None:
    path = tmp_path / "tickets.toml"
    path.write_text(KIND + '[[rule]]\noutcome = ["answred"]\nticket = "b"\ncolour = 1\n')
    with pytest.raises(ConfigError) as caught:
        load_policy(path)
    assert len(caught.value.problems) == 3

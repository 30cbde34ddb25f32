"""Ticket numbers: the same each time, readable aloud, without a counter."""

import re

import pytest

from crm_adapter.ticket import ticket_number, ticket_of
from tests.unit.crm_adapter.records import CALL, record

pytestmark = pytest.mark.unit


def test_a_number_is_the_day_in_china_and_the_call() -> None:
    # 2026-11-21 15:59:59 and 16:00:00 UTC: midnight in China lies between.
    assert ticket_number(CALL, 1795276799.0).startswith("20261121-")
    assert ticket_number(CALL, 1795276800.0).startswith("20261122-")
    assert re.fullmatch(r"\d{8}(-[0-9A-HJKMNP-TV-Z]{4}){3}", ticket_number(CALL, 1795276799.0))


def test_different_calls_have_different_numbers() -> None:
    numbers = {ticket_number(f"fuzhou-1:fuzhou-1-1763.{call}", 0.0) for call in range(5000)}
    assert len(numbers) == 5000


def test_a_ticket_without_a_known_hang_up_is_estimated_now() -> None:
    known, unknown = (
        ticket_of(record(), "callback", now=2000.0),
        ticket_of(record(hangup_at=0.0), "callback", now=2000.0),
    )
    assert (known.hangup_at, known.estimated) == (1100.25, False)
    assert (unknown.hangup_at, unknown.estimated) == (2000.0, True)

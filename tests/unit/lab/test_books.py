"""The books of a drill: balanced when all witnesses agree, and every difference named when one does not."""

from dataclasses import replace

import msgspec
import pytest

from crm_adapter.ledger import Accounting, EdgeEntry, EdgeEvent
from crm_adapter.policy import load_policy
from crm_adapter.record import CallRecord
from lab.books import Books, Evidence, Leftover, Made, compare
from lab.mix import Ends, Planned
from tieline.model import MANDARIN, Business, CallId, CityId, Witness, new_call_id

pytestmark = pytest.mark.unit

CITY = CityId("fuzhou")
TALKED = Planned("15405910001", CITY, Ends.RATED, MANDARIN, Business.REPAIR, 2)
LEFT = Planned("15405910002", CITY, Ends.MENU)
REFUSED = Planned("15405910003", CITY, Ends.REFUSED)
CANCELLED = Planned("15405910004", CITY, Ends.CANCELLED)
IDS = {planned.number: new_call_id(1_795_000_000_000 + at) for at, planned in enumerate((TALKED, LEFT, REFUSED))}
CANCELLED_ID = new_call_id(1_795_000_000_999)
NOTHING = Leftover(
    site="fuzhou",
    channels=0,
    lines=0,
    counted=0,
    messages=0,
    offers=0,
    waiting=0,
    open=0,
    busy=0,
    connections=0,
    tasks=0,
)


def _record(planned: Planned) -> CallRecord:
    record = CallRecord(
        call_id=IDS[planned.number],
        site="fuzhou",
        city=CITY,
        number=f"+86{planned.number}",
        number_state="shown",
        outcome=planned.outcome,
        arrived_at=100.0,
        answered_at=100.1,
        hangup_at=106.0,
        witness=Witness.AGI,
    )
    if planned is TALKED:
        facts = {"dialect": "mandarin", "business": "repair", "agent_answered_at": 103.0, "rating": 2}
        record = msgspec.structs.replace(record, **facts, recording="x.wav")
    return record


def _journey(call_id: CallId, code: int, cause: int = 0) -> list[EdgeEntry]:
    return [
        EdgeEntry(100.0, call_id, CITY, "-", EdgeEvent.OFFERED, 0, 0),
        EdgeEntry(100.0, call_id, CITY, "fuzhou", EdgeEvent.FINAL, code, cause),
    ]


def _evidence() -> Evidence:
    planned = (TALKED, LEFT, REFUSED, CANCELLED)
    records = tuple(_record(one) for one in planned if one is not CANCELLED)
    entries = [
        *_journey(IDS[TALKED.number], 200),
        *_journey(IDS[LEFT.number], 200),
        *_journey(IDS[REFUSED.number], 503, 34),
        *_journey(CANCELLED_ID, 487),
    ]
    return Evidence(
        made=tuple(Made(one, is_scripted=True) for one in planned),
        accounting=Accounting(tuple(entries), 0),
        records=records,
        journal=records,
        ticket_calls=(IDS[TALKED.number],),
        leftovers=(NOTHING,),
    )


def _books(evidence: Evidence) -> Books:
    return compare(evidence, load_policy())


def _what(evidence: Evidence) -> list[tuple[str, str]]:
    return [(one.call, one.what) for one in _books(evidence).differences]


def test_books_that_balance_count_every_call_once() -> None:
    books = _books(_evidence())
    assert books.differences == ()
    assert (books.placed, books.scripted, books.offered) == (4, 4, 4)
    assert (books.answered, books.abandoned, books.refused) == (1, 2, 1)
    assert (books.tickets, books.tickets_needed, books.rated, books.recorded) == (1, 1, 1, 1)
    assert books.unknown == 1
    assert books.mean_s == 6.0
    assert books.witnesses == {"agi": 3}


def test_a_caller_who_met_something_else_is_named_by_his_call() -> None:
    evidence = _evidence()
    made = tuple(replace(one, is_scripted=one.planned is not LEFT) for one in evidence.made)
    assert _what(replace(evidence, made=made)) == [(IDS[LEFT.number], "menu from fuzhou: not as scripted")]


def test_a_call_that_no_site_recorded_is_lost() -> None:
    evidence = _evidence()
    records = tuple(record for record in evidence.records if record.call_id != IDS[LEFT.number])
    found = _what(replace(evidence, records=records, journal=records))
    assert (IDS[LEFT.number], "lost at fuzhou") in found
    assert (LEFT.number, "menu from fuzhou: no record") in found


def test_a_wrong_outcome_and_a_wrong_key_are_told_apart() -> None:
    evidence = _evidence()
    talked = msgspec.structs.replace(evidence.records[0], business="billing", rating=0)
    records = (talked, *evidence.records[1:])
    found = _what(replace(evidence, records=records, journal=records, ticket_calls=()))
    assert found == [
        (talked.call_id, "rated: business billing, expected repair"),
        (talked.call_id, "rated: rating 0, expected 2"),
    ]


@pytest.mark.parametrize(
    ("tickets", "fault"),
    [((), "no_ticket"), ((IDS[TALKED.number],) * 2, "two_tickets")],
)
def test_tickets_must_be_exactly_those_needed(tickets: tuple[str, ...], fault: str) -> None:
    assert _what(replace(_evidence(), ticket_calls=tickets)) == [(IDS[TALKED.number], f"{fault} at fuzhou")]


def test_sql_and_journal_must_know_the_same_calls() -> None:
    evidence = _evidence()
    assert _what(replace(evidence, journal=evidence.journal[1:])) == [
        (IDS[TALKED.number], "in SQL, not in the journal")
    ]


def test_what_is_left_over_is_named_by_site() -> None:
    left = msgspec.structs.replace(NOTHING, channels=2, offers=1, tasks=3)
    assert _what(replace(_evidence(), leftovers=(left,))) == [
        ("fuzhou", "channels left: 2"),
        ("fuzhou", "offers left: 1"),
        ("fuzhou", "tasks left: 3"),
    ]


def test_a_call_that_the_edge_never_counted_is_named() -> None:
    evidence = _evidence()
    entries = tuple(entry for entry in evidence.accounting.entries if entry.call_id != IDS[TALKED.number])
    found = _what(replace(evidence, accounting=Accounting(entries, 0)))
    assert (IDS[TALKED.number], "not_offered at fuzhou") in found
    assert ("edge", "offered 3, callers made 4") in found


def test_a_call_that_nobody_made_is_named() -> None:
    evidence = _evidence()
    assert (IDS[LEFT.number], "a call that nobody made") in _what(
        replace(evidence, made=tuple(one for one in evidence.made if one.planned is not LEFT))
    )


def test_a_cancelled_call_without_a_trace_at_the_edge_is_missed() -> None:
    evidence = _evidence()
    entries = tuple(entry for entry in evidence.accounting.entries if entry.call_id != CANCELLED_ID)
    assert ("fuzhou", "1 cancelled callers, 0 cancelled calls without a number") in _what(
        replace(evidence, accounting=Accounting(entries, 0))
    )


def test_garbled_accounting_is_no_balance() -> None:
    evidence = _evidence()
    assert _what(replace(evidence, accounting=replace(evidence.accounting, garbled=3))) == [
        ("edge", "3 garbled lines of accounting")
    ]

"""The ledger: every call accounted for, whatever does not balance named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_adapter.ledger import EdgeEntry, EdgeEvent, Fault, balance, parse_accounting
from crm_adapter.policy import load_policy
from crm_adapter.record import CallRecord
from tests.unit.crm_adapter.records import record
from tieline.model import Outcome

pytestmark = pytest.mark.unit

POLICY = load_policy()


def call_number(number: int) -> str:
    """Give one of many call ids as the edge makes them."""
    return f"0193f0aa-0000-7000-8000-{number:012d}"


def journey(number: int, *, site: str = "fuzhou", code: int = 200, cause: int = 0) -> list[EdgeEntry]:
    """Give the edge's entries of one call."""
    call = call_number(number)
    return [
        EdgeEntry(1.0, call, "fuzhou", "-", EdgeEvent.OFFERED, 0, 0),
        EdgeEntry(1.1, call, "fuzhou", site, EdgeEvent.ROUTED, 0, 0),
        EdgeEntry(2.0, call, "fuzhou", site, EdgeEvent.FINAL, code, cause),
    ]


def test_a_line_is_read_with_and_without_a_log_prefix() -> None:
    lines = [
        f"ACC 1795276799.125 {call_number(1)} fuzhou - offered - -",
        f"Nov 21 08:00:00 edge kamailio[7]: ACC 1795276799.130 {call_number(1)} fuzhou fuzhou-1 final 503 34\n",
        "an ordinary line of the log",
        "",
    ]
    read = parse_accounting(lines)
    assert read.garbled == 0
    assert read.entries[0] == EdgeEntry(1795276799.125, call_number(1), "fuzhou", "-", EdgeEvent.OFFERED, 0, 0)
    assert (read.entries[1].site, read.entries[1].sip_code, read.entries[1].cause) == ("fuzhou-1", 503, 34)


@pytest.mark.parametrize(
    "line",
    [
        "ACC ",
        f"ACC 1795276799.125 {call_number(1)} fuzhou fuzhou fin",
        f"ACC 1795276799.125 {call_number(1)} fuzhou fuzhou final 200",
        f"ACC then {call_number(1)} fuzhou fuzhou final 200 -",
        "ACC 1795276799.125 no-call-id-at-all!! fuzhou fuzhou final 200 -",
        f"ACC 1 {call_number(1)} fuzhou fuzhou final 200 ACC 2",
    ],
)
def test_a_garbled_line_is_counted(line: str) -> None:
    assert parse_accounting([line]) == parse_accounting([line, ""])
    assert parse_accounting([line]).garbled == 1
    assert parse_accounting([line]).entries == ()


@given(st.lists(st.text()))
def test_garbage_never_raises(lines: list[str]) -> None:
    parse_accounting(lines)


def test_books_of_one_call_of_each_outcome() -> None:
    outcomes = [outcome for outcome in Outcome if outcome is not Outcome.LOST]
    calls = [
        record(call_id=call_number(number), outcome=outcome, business="repair")
        for number, outcome in enumerate(outcomes)
    ]
    entries = [entry for number in range(6) for entry in journey(number)]
    tickets = [call.call_id for call in calls if POLICY.kind_for(call)]
    books = balance(entries, calls, tickets, POLICY)
    site = books.sites["fuzhou"]
    assert books.balanced
    assert (site.offered, [site.count(outcome) for outcome in outcomes]) == (6, [1] * 6)
    assert site.tickets_needed == site.tickets_made == 3


def test_a_call_that_nobody_knows_is_lost_and_named() -> None:
    books = balance(journey(1), [], [], POLICY)
    assert [(found.call_id, found.fault) for found in books.imbalances] == [(call_number(1), Fault.LOST)]
    assert books.sites["fuzhou"].count(Outcome.LOST) == 1


def test_a_call_in_progress_is_not_lost() -> None:
    books = balance(journey(1)[:2], [], [], POLICY, open_calls=[call_number(1)])
    assert books.balanced
    assert (books.sites["fuzhou"].offered, books.sites["fuzhou"].open) == (1, 1)


def test_what_the_edge_itself_ended_is_not_lost() -> None:
    entries = journey(1, site="-", code=503, cause=42) + journey(2, site="-", code=487)
    books = balance(entries, [], [], POLICY)
    assert books.balanced
    assert books.sites["-"].count(Outcome.REFUSED) == 1
    assert books.sites["-"].count(Outcome.ABANDONED_MENU) == 1


@pytest.mark.parametrize(
    ("calls", "tickets", "fault"),
    [
        ([record(call_id=call_number(1))], [], Fault.NO_TICKET),
        ([record(call_id=call_number(1))], [call_number(1)] * 2, Fault.TWO_TICKETS),
        ([record(call_id=call_number(1), business="billing")], [call_number(1)], Fault.NEEDLESS_TICKET),
    ],
)
def test_tickets_that_do_not_balance_are_named(calls: list[CallRecord], tickets: list[str], fault: Fault) -> None:
    books = balance(journey(1), calls, tickets, POLICY)
    assert [(found.call_id, found.site, found.fault) for found in books.imbalances] == [
        (call_number(1), "fuzhou", fault)
    ]


def test_a_record_that_the_edge_does_not_know_is_named_but_not_a_call_without_an_edge() -> None:
    strange = record(call_id=call_number(9), business="billing")
    direct = record(call_id="xiamen-1:xiamen-1-1763.4", site="xiamen", business="billing")
    books = balance([], [strange, direct], [], POLICY)
    assert [(found.call_id, found.fault) for found in books.imbalances] == [(call_number(9), Fault.NOT_OFFERED)]
    assert books.sites["xiamen"].offered == 1


def test_a_ticket_without_any_call_is_named() -> None:
    books = balance([], [], [call_number(1)], POLICY)
    assert {found.fault for found in books.imbalances} == {Fault.NOT_OFFERED, Fault.NEEDLESS_TICKET}


_states = st.sampled_from(["answered", "abandoned_waiting", "refused", "gone", "open", "no_ticket"])


@given(st.lists(_states, max_size=30))
def test_offered_is_always_the_sum_and_exactly_the_faulty_calls_are_named(states: list[str]) -> None:
    entries: list[EdgeEntry] = []
    calls, tickets, open_calls, faulty = [], [], [], set()
    for number, state in enumerate(states):
        entries += journey(number, site="fuzhou" if number % 2 else "xiamen")
        if state == "open":
            open_calls.append(call_number(number))
        elif state in {"gone", "no_ticket"}:
            faulty.add(call_number(number))
        if state in {"gone", "open"}:
            continue
        outcome = Outcome.ANSWERED if state == "no_ticket" else Outcome(state)
        calls.append(record(call_id=call_number(number), outcome=outcome, site="fuzhou" if number % 2 else "xiamen"))
        if POLICY.kind_for(calls[-1]) and state != "no_ticket":
            tickets.append(call_number(number))
    books = balance(entries, calls, tickets, POLICY, open_calls=open_calls)
    assert sum(site.offered for site in books.sites.values()) == len(states)
    for site in books.sites.values():
        assert site.offered == site.outcomes.total() + site.open
    assert {found.call_id for found in books.imbalances} == faulty

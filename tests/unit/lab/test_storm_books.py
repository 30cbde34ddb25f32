"""The books of a storm: balanced when all witnesses agree, and every difference named when one does not."""

from dataclasses import replace

import msgspec
import pytest

from crm_adapter.ledger import Accounting, EdgeEntry, EdgeEvent
from crm_adapter.policy import load_policy
from crm_adapter.record import CallRecord
from lab.books import Leftover
from lab.calls import Caller, CallResult
from lab.storm_books import Disturbed, MadeCall, StormBooks, keep_books, most_messages
from lab.storm_plan import StormCall
from lab.witnesses import Witnessed
from tieline import bus
from tieline.model import CityId, Outcome, Witness, new_call_id

pytestmark = pytest.mark.unit

CALM, TOLD, SILENT = "15405940001", "15405910002", "15405910003"
IDS = {number: new_call_id(1_795_000_000_000 + at) for at, number in enumerate((CALM, TOLD, SILENT))}
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
ANSWERED = (("answered", 100), ("presses", 1600), ("bye-sent", 7000))
HEARD = (("message", 100), ("refused", 9000))
UNHEARD = (("refused", 100),)


def _made(number: str, moments: tuple[tuple[str, int], ...], *, scripted: bool = True) -> MadeCall:
    city = CityId("putian" if number == CALM else "fuzhou")
    return MadeCall(
        StormCall(number, city, number == CALM), CallResult(Caller(f"<sip:{number}@h>"), moments, scripted)
    )


MADE = (_made(CALM, ANSWERED), _made(TOLD, HEARD), _made(SILENT, UNHEARD))


def _record(number: str) -> CallRecord:
    refused = number != CALM
    return CallRecord(
        call_id=IDS[number],
        node="fuzhou-1",
        site="fuzhou",
        city="fuzhou" if refused else "putian",
        number=f"+86{number}",
        number_state="shown",
        outcome=Outcome.REFUSED if refused else Outcome.ANSWERED,
        refused_cause=34 if refused else 0,
        arrived_at=100.0,
        answered_at=0.0 if refused else 100.1,
        agent_answered_at=0.0 if refused else 103.0,
        hangup_at=107.0,
        witness=Witness.AGI,
    )


def _journey(number: str) -> list[EdgeEntry]:
    city, end = ("putian", (200, 0)) if number == CALM else ("fuzhou", (503, 34))
    return [
        EdgeEntry(100.0, IDS[number], city, "-", EdgeEvent.OFFERED, 0, 0),
        EdgeEntry(100.0, IDS[number], city, "fuzhou", EdgeEvent.ROUTED, 0, 0),
        EdgeEntry(100.1, IDS[number], city, "fuzhou", EdgeEvent.FINAL, *end),
    ]


RECORDS = tuple(_record(number) for number in IDS)
WITNESSED = Witnessed(
    accounting=Accounting(tuple(entry for number in IDS for entry in _journey(number)), 0),
    records=RECORDS,
    journal=RECORDS,
    ticket_calls=(IDS[CALM],),
    leftovers=(NOTHING,),
)
ARRIVALS = tuple(
    bus.CallArrived(
        at=100.0,
        call_id=IDS[number],
        node="fuzhou-1",
        channel="c",
        uniqueid="u",
        city="fuzhou",
        number_state="shown",
        verdict=verdict,
    )
    for number, verdict in ((CALM, "admit"), (TOLD, "message"), (SILENT, "silent"))
)


def _books(
    made: tuple[MadeCall, ...] = MADE,
    witnessed: Witnessed = WITNESSED,
    disturbed: Disturbed = Disturbed(),  # noqa: B008 - frozen
    arrivals: tuple[bus.CallArrived, ...] = ARRIVALS,
    allowed: int = 8,
) -> StormBooks:
    return keep_books(made, witnessed, arrivals, load_policy(), disturbed, allowed)


def _differences(**parts: object) -> list[str]:
    return [one.what for one in _books(**parts).differences]  # type: ignore[arg-type]


def _with_record(number: str, **facts: object) -> Witnessed:
    records = tuple(
        msgspec.structs.replace(record, **facts) if record.call_id == IDS[number] else record for record in RECORDS
    )
    return replace(WITNESSED, records=records)


def test_when_all_witnesses_agree_nothing_differs() -> None:
    books = _books()
    assert books.balance, books.differences
    assert (books.placed, books.admitted, books.refused, books.with_message, books.calm) == (3, 1, 2, 1, 1)
    assert (books.most_messages, books.calm_refused, books.dropped, books.longest_s) == (1, 0, 0, 7.0)


def test_a_refused_calm_call_differs_unless_something_was_broken() -> None:
    made = (_made(CALM, UNHEARD), *MADE[1:])
    assert "a calm city's call was not admitted" in _differences(made=made)
    assert "a calm city's call was not admitted" not in _differences(made=made, disturbed=Disturbed(anything=True))


@pytest.mark.parametrize(
    ("made", "what"),
    [
        (_made(CALM, ANSWERED, scripted=False), "not as scripted"),
        (_made(CALM, (("answered", 1), ("bye-received", 2))), "the platform ended the call"),
        (_made(TOLD, UNHEARD), "decided message"),
        (_made(SILENT, HEARD), "decided silent"),
    ],
    ids=["not scripted", "dropped", "message not heard", "message not decided"],
)
def test_what_a_caller_went_through_is_held_against_the_rest(made: MadeCall, what: str) -> None:
    calls = tuple(made if call.planned == made.planned else call for call in MADE)
    assert [found[: len(what)] for found in _differences(made=calls)] == [what]


def test_a_refused_call_may_reach_one_site_only_and_ends_there() -> None:
    tried = EdgeEntry(100.05, IDS[TOLD], "fuzhou", "xiamen", EdgeEvent.ROUTED, 0, 0)
    again = replace(tried, site="fuzhou")
    entries = list(WITNESSED.accounting.entries)

    def with_entry(place: int, entry: EdgeEntry) -> Witnessed:
        return replace(WITNESSED, accounting=Accounting((*entries[:place], entry, *entries[place:]), 0))

    assert _differences(witnessed=with_entry(4, tried)) == [
        "refused by fuzhou, the edge sent it to ['fuzhou', 'xiamen']"
    ]
    assert _differences(witnessed=with_entry(4, again)) == []  # another node of the site
    assert _differences(witnessed=with_entry(6, again)) == ["refused, at the edge [(503, 34)], last routed"]


def test_a_refusal_recorded_otherwise_differs() -> None:
    found = _differences(witnessed=_with_record(TOLD, refused_cause=42))
    assert found == ["refused, at the edge [(503, 34)], last final", "refused, recorded as refused with cause 42"]


def test_the_platform_may_refuse_when_something_was_broken() -> None:
    at_edge = tuple(
        replace(entry, cause=42) if (entry.call_id, entry.event) == (IDS[TOLD], EdgeEvent.FINAL) else entry
        for entry in WITNESSED.accounting.entries
    )
    full = replace(_with_record(TOLD, refused_cause=42), accounting=Accounting(at_edge, 0))
    assert _differences(witnessed=full) == ["refused, recorded as refused with cause 42"]
    books = _books(witnessed=full, disturbed=Disturbed(anything=True))
    assert (books.differences, books.by_platform) == ((), 1)


def test_ledger_journal_and_leftovers_are_part_of_the_books() -> None:
    assert "no_ticket at fuzhou" in _differences(witnessed=replace(WITNESSED, ticket_calls=()))
    assert "in SQL, not in the journal" in _differences(witnessed=replace(WITNESSED, journal=RECORDS[1:]))
    left = replace(WITNESSED, leftovers=(msgspec.structs.replace(NOTHING, lines=2),))
    assert _differences(witnessed=left) == ["lines left: 2"]
    garbled = replace(WITNESSED, accounting=replace(WITNESSED.accounting, garbled=1))
    assert _differences(witnessed=garbled) == ["1 garbled lines of accounting"]
    assert "offered 3, callers made 2" in _differences(made=MADE[1:])
    nobody = replace(WITNESSED, records=RECORDS[1:], journal=RECORDS[1:])
    assert "no record" in _differences(witnessed=nobody)


def test_a_decision_that_died_with_redis_excuses_nothing_but_itself() -> None:
    silent = "decided silent, the caller went through (('message', 100), ('refused', 9000))"
    assert _differences(arrivals=()) == [silent]
    assert _differences(arrivals=(), disturbed=Disturbed(anything=True)) == []


def test_who_was_on_a_dead_node_is_excused_and_nobody_else() -> None:
    made = (_made(CALM, ANSWERED[:2], scripted=False), *MADE[1:])
    there = Disturbed("fuzhou-1", 103.0, anything=True)
    assert _differences(made=made, disturbed=there) == []
    assert _books(made=made, disturbed=there).cut == 3
    for elsewhere in (replace(there, node="fuzhou-2"), replace(there, at=108.0)):
        assert [what[:15] for what in _differences(made=made, disturbed=elsewhere)] == ["not as scripted"]
    lost_sight = _with_record(CALM, estimated=True)
    assert _differences(made=made, witnessed=lost_sight, disturbed=replace(there, at=108.0)) == []


def test_more_messages_at_once_than_allowed_differ() -> None:
    both = (MADE[0], _made(TOLD, HEARD), _made(SILENT, (("message", 8999), ("refused", 9500))))
    assert most_messages(both) == 2
    one_after_the_other = (_made(TOLD, HEARD), _made(SILENT, (("message", 9000), ("refused", 9500))))
    assert most_messages(one_after_the_other) == 1
    assert most_messages(()) == 0
    told = tuple(msgspec.structs.replace(event, verdict="message") for event in ARRIVALS)
    assert _differences(made=both, arrivals=told, allowed=1) == ["2 heard a refusal at once, allowed are 1"]

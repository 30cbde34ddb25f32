"""The books of a storm: what became of each call by every witness, and everything that is not as it must be. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import msgspec

from crm_adapter.ledger import Balance, EdgeEntry, EdgeEvent, balance
from crm_adapter.policy import TicketPolicy
from crm_adapter.record import CallRecord
from lab.books import NATIONAL, Difference, Leftover
from lab.calls import CallResult
from lab.storm_plan import StormCall
from lab.witnesses import Witnessed
from tieline import bus
from tieline.model import Outcome, RefusalCause
from trunk_config.admission import Verdict

REFUSED_WITH: Final = 503
"""SIP status of a refusal for want of a line."""


@dataclass(frozen=True, slots=True)
class MadeCall:
    """One call as planned, and as its caller saw it."""

    planned: StormCall
    result: CallResult

    @property
    def moments(self) -> Mapping[str, int]:
        """What happened, and how many milliseconds after its SIPp began."""
        return dict(self.result.moments)

    @property
    def is_admitted(self) -> bool:
        """Whether it was answered."""
        return "answered" in self.moments

    @property
    def is_refused(self) -> bool:
        """Whether it got 503 with a cause of ours."""
        return "refused" in self.moments

    @property
    def is_dropped(self) -> bool:
        """Whether the platform ended it; these callers hang up themselves."""
        return "bye-received" in self.moments


@dataclass(frozen=True, slots=True)
class Disturbed:
    """What was broken in a storm, as far as it excuses calls.

    Attributes:
        node: That was killed, empty for none: who was on it then may have lost the call.
        at: When, Unix seconds.
        anything: Whether anything was killed: a calm call may then be refused, and for want of lines of the platform.
    """

    node: str = ""
    at: float = 0.0
    anything: bool = False


class StormBooks(msgspec.Struct, frozen=True, kw_only=True):
    """The result: counts, and every difference.

    Attributes:
        admitted: Answered calls.
        by_platform: Refused ones with cause 42; without anything broken each is a difference.
        with_message: Refused ones who heard why.
        most_messages: Who heard it at the same time, at most.
        calm: Calls of the calm cities, placed.
        calm_refused: Of these; without anything broken each is a difference.
        cut: Calls that ended with the node that was killed.
        dropped: Calls that the platform ended.
        longest_s: Longest admitted call, from its arrival to its hang-up.
        outcomes: Of the ledger, both sites together.
    """

    placed: int
    admitted: int
    refused: int
    by_platform: int
    with_message: int
    most_messages: int
    calm: int
    calm_refused: int
    cut: int
    dropped: int
    longest_s: float
    outcomes: dict[str, int]
    tickets_needed: int
    tickets: int
    leftovers: tuple[Leftover, ...]
    differences: tuple[Difference, ...]

    @property
    def balance(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def keep_books(
    made: Sequence[MadeCall],
    witnessed: Witnessed,
    arrivals: Iterable[bus.CallArrived],
    policy: TicketPolicy,
    disturbed: Disturbed,
    messages_allowed: int,
) -> StormBooks:
    """Compare all witnesses.

    Args:
        made: Every call.
        witnessed: What sites, edge and SQL say.
        arrivals: Decisions of all sites; some may be missing when Redis was killed.
        policy: Says which calls need a ticket.
        disturbed: What was broken.
        messages_allowed: Callers who may hear a refusal at once.
    """
    records = {record.number.removeprefix(NATIONAL) or record.raw_number: record for record in witnessed.records}
    books = balance(witnessed.accounting.entries, witnessed.records, witnessed.ticket_calls, policy)
    decided = {event.call_id: event.verdict for event in arrivals}
    cut = {call.planned.number for call in made if _was_cut(records.get(call.planned.number), disturbed)}
    found = [
        *_of_calls(made, records, cut, disturbed),
        *_of_refusals(made, records, witnessed.accounting.entries, disturbed),
        *_of_messages(made, records, decided, disturbed),
        *of_ledger(books, witnessed, len(made)),
    ]
    if (most := most_messages(made)) > messages_allowed:
        found.append(Difference("messages", f"{most} heard a refusal at once, allowed are {messages_allowed}"))
    return _counted(made, witnessed, books, cut, found)


def _counted(
    made: Sequence[MadeCall], witnessed: Witnessed, books: Balance, cut: set[str], found: Iterable[Difference]
) -> StormBooks:
    refused = [call for call in made if call.is_refused]
    lengths = [
        record.hangup_at - record.arrived_at
        for record in witnessed.records
        if record.answered_at and record.arrived_at
    ]
    outcomes = sum((site.outcomes for site in books.sites.values()), Counter[Outcome]())
    return StormBooks(
        placed=len(made),
        admitted=sum(call.is_admitted for call in made),
        refused=len(refused),
        by_platform=sum(record.refused_cause == RefusalCause.PLATFORM for record in witnessed.records),
        with_message=sum("message" in call.moments for call in refused),
        most_messages=most_messages(made),
        calm=sum(call.planned.is_calm for call in made),
        calm_refused=sum(call.planned.is_calm and call.is_refused for call in made),
        cut=len(cut),
        dropped=sum(call.is_dropped for call in made if call.planned.number not in cut),
        longest_s=round(max(lengths, default=0.0), 2),
        outcomes={str(outcome): count for outcome, count in outcomes.items()},
        tickets_needed=sum(site.tickets_needed for site in books.sites.values()),
        tickets=len(witnessed.ticket_calls),
        leftovers=witnessed.leftovers,
        differences=tuple(sorted(found)),
    )


def _was_cut(record: CallRecord | None, disturbed: Disturbed) -> bool:
    """Tell whether a call was on the killed node when it died; its hang-up is then known no better than roughly."""
    if record is None or not disturbed.node or record.node != disturbed.node:
        return False
    return record.estimated or record.arrived_at <= disturbed.at <= record.hangup_at


def _of_calls(
    made: Iterable[MadeCall], records: Mapping[str, CallRecord], cut: set[str], disturbed: Disturbed
) -> Iterator[Difference]:
    for call in made:
        name = f"{call.planned.city} {call.planned.number}"
        if call.planned.number in cut:
            continue
        if not call.result.is_scripted:
            yield Difference(name, f"not as scripted: {call.result.moments}")
        if call.planned.is_calm and not call.is_admitted and not disturbed.anything:
            yield Difference(name, "a calm city's call was not admitted")
        if call.is_dropped:
            yield Difference(name, "the platform ended the call")
        if call.planned.number not in records:
            yield Difference(name, "no record")


def _of_refusals(
    made: Iterable[MadeCall],
    records: Mapping[str, CallRecord],
    entries: Iterable[EdgeEntry],
    disturbed: Disturbed,
) -> Iterator[Difference]:
    causes = tuple(RefusalCause) if disturbed.anything else (RefusalCause.QUOTA,)
    journeys: dict[str, list[EdgeEntry]] = {}
    for entry in entries:
        journeys.setdefault(entry.call_id, []).append(entry)
    for call in made:
        record = records.get(call.planned.number)
        if not call.is_refused or record is None:
            continue
        name = record.call_id
        journey = journeys.get(name, [])
        sites = {entry.site for entry in journey if entry.event is EdgeEvent.ROUTED}
        if sites != {record.site}:  # it may have gone to another node there, when the first one was dead
            yield Difference(name, f"refused by {record.site}, the edge sent it to {sorted(sites)}")
        ends = [(entry.sip_code, entry.cause) for entry in journey if entry.event is EdgeEvent.FINAL]
        if ends != [(REFUSED_WITH, record.refused_cause)] or journey[-1].event is not EdgeEvent.FINAL:
            yield Difference(name, f"refused, at the edge {ends}, last {journey[-1].event}")
        if record.outcome is not Outcome.REFUSED or record.refused_cause not in causes:
            yield Difference(name, f"refused, recorded as {record.outcome} with cause {record.refused_cause}")


def _of_messages(
    made: Iterable[MadeCall], records: Mapping[str, CallRecord], decided: Mapping[str, str], disturbed: Disturbed
) -> Iterator[Difference]:
    """Hold what refused callers heard against what was decided; without a decision a node refuses in silence."""
    for call in made:
        record = records.get(call.planned.number)
        if not call.is_refused or record is None or (disturbed.anything and record.call_id not in decided):
            continue
        told = decided.get(record.call_id, Verdict.SILENT)
        if (told == Verdict.MESSAGE) is not ("message" in call.moments):
            yield Difference(record.call_id, f"decided {told}, the caller went through {call.result.moments}")


def of_ledger(books: Balance, witnessed: Witnessed, made: int) -> Iterator[Difference]:
    """Name what ledger, journals, SQL and Redis do not agree upon, and what is left over."""
    for fault in books.imbalances:
        yield Difference(fault.call_id, f"{fault.fault} at {fault.site}")
    told = {record.call_id for record in witnessed.journal}
    known = {record.call_id for record in witnessed.records}
    for call_id in told ^ known:
        yield Difference(call_id, "in the journal, not in SQL" if call_id in told else "in SQL, not in the journal")
    offered = sum(site.offered for site in books.sites.values())
    if offered != made:
        yield Difference("edge", f"offered {offered}, callers made {made}")
    if witnessed.accounting.garbled:
        yield Difference("edge", f"{witnessed.accounting.garbled} garbled lines of accounting")
    for site in witnessed.leftovers:
        counts = msgspec.structs.asdict(site)
        yield from (
            Difference(site.site, f"{name} left: {count}")
            for name, count in counts.items()
            if name != "site" and count
        )


def most_messages(made: Iterable[MadeCall]) -> int:
    """Give how many callers of a city heard a refusal at once, at most; each city's SIPp has a clock of its own."""
    ends: dict[str, list[tuple[int, int]]] = {}
    for call in made:
        moments = call.moments
        if "message" in moments and "refused" in moments:
            ends.setdefault(call.planned.city, []).extend(((moments["message"], 1), (moments["refused"], -1)))
    return max(chain((0,), *(_running(times) for times in ends.values())))


def _running(times: list[tuple[int, int]]) -> Iterator[int]:
    there = 0
    for _, change in sorted(times):
        there += change
        yield there

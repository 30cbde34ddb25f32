"""The books of a drill: what was planned, what every witness says, and each difference by call id.

Pure; `lab.book_reader` fetches what the witnesses say.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from crm_adapter.ledger import Accounting, EdgeEntry, EdgeEvent, balance
from crm_adapter.policy import TicketPolicy
from crm_adapter.record import CallRecord
from lab.mix import TALKS, Ends, Planned
from tieline.model import Outcome, Witness

NATIONAL: Final = "+86"


class Difference(msgspec.Struct, frozen=True, order=True):
    """One thing that is not as it must be; `call` is a call id, a caller's number, or a site."""

    call: str
    what: str


class Leftover(msgspec.Struct, frozen=True, kw_only=True):
    """What a site still holds after all calls ended; each must be 0.

    Attributes:
        channels: What Asterisk has.
        lines: Leases on lines.
        counted: Lines in use as counted by city; always the number of leases.
        messages: Callers who hear a refusal.
        offers: Offers of calls to agents.
        waiting: Calls in the pool.
        open: Calls that the keeper takes for going on.
        busy: Agents neither ready nor paused nor away.
        connections: AGI connections that are open.
        tasks: Tasks of the site's processes beyond those that they had before the calls.
    """

    site: str
    channels: int
    lines: int
    counted: int
    messages: int
    offers: int
    waiting: int
    open: int
    busy: int
    connections: int
    tasks: int


@dataclass(frozen=True, slots=True)
class Made:
    """One call as its caller saw it."""

    planned: Planned
    is_scripted: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """What all witnesses say about the same span of time.

    Attributes:
        made: By the callers (SIPp).
        accounting: By the edge.
        records: By SQL.
        journal: By the nodes' journals, several records of a call possible.
        ticket_calls: Call id of each ticket.
        leftovers: By the sites' Redis and Asterisk.
    """

    made: tuple[Made, ...]
    accounting: Accounting
    records: tuple[CallRecord, ...]
    journal: tuple[CallRecord, ...]
    ticket_calls: tuple[str, ...]
    leftovers: tuple[Leftover, ...]


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """The result: counts, and every difference.

    Attributes:
        placed: Calls that the callers made.
        offered: Calls that the edge counted.
        abandoned: In the menu, waiting, ringing, or before the answer.
        tickets_needed: By the rules.
        mean_s: Mean length of a call from its arrival to its hang-up, seconds.
        unknown: Calls that never reached a site's dialplan (cancelled at once).
        witnesses: Records by their best witness; all of them `agi` when nobody had to stand in.
    """

    placed: int
    scripted: int
    offered: int
    answered: int
    abandoned: int
    refused: int
    unknown: int
    rated: int
    recorded: int
    tickets_needed: int
    tickets: int
    mean_s: float
    longest_s: float
    witnesses: dict[str, int]
    leftovers: tuple[Leftover, ...]
    differences: tuple[Difference, ...]

    @property
    def balance(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def compare(evidence: Evidence, policy: TicketPolicy) -> Books:
    """Compare all witnesses. Pure; every difference is named."""
    records = {record.call_id: record for record in evidence.records}
    entries = evidence.accounting.entries
    books = balance(entries, evidence.records, evidence.ticket_calls, policy)
    found = [Difference(fault.call_id, f"{fault.fault} at {fault.site}") for fault in books.imbalances]
    found += _calls_that_differ(evidence.made, entries, records)
    found += _journal_that_differs(evidence.journal, records)
    found += (
        Difference(site.site, f"{name} left: {left}") for site in evidence.leftovers for name, left in _left(site)
    )
    if evidence.accounting.garbled:
        found.append(Difference("edge", f"{evidence.accounting.garbled} garbled lines of accounting"))
    outcomes = sum((site.outcomes for site in books.sites.values()), Counter[Outcome]())
    offered = sum(site.offered for site in books.sites.values())
    if offered != len(evidence.made):
        found.append(Difference("edge", f"offered {offered}, callers made {len(evidence.made)}"))
    if offered != sum(outcomes[outcome] for outcome in (*_ABANDONED, Outcome.ANSWERED, Outcome.REFUSED)):
        found.append(Difference("edge", f"offered {offered}, but outcomes are {dict(outcomes)}"))
    lengths = [record.hangup_at - record.arrived_at for record in evidence.records if record.arrived_at]
    return Books(
        placed=len(evidence.made),
        scripted=sum(made.is_scripted for made in evidence.made),
        offered=offered,
        answered=outcomes[Outcome.ANSWERED],
        abandoned=sum(outcomes[outcome] for outcome in _ABANDONED),
        refused=outcomes[Outcome.REFUSED],
        unknown=len({entry.call_id for entry in entries} - records.keys()),
        rated=sum(record.rating > 0 for record in evidence.records),
        recorded=sum(bool(record.recording) for record in evidence.records),
        tickets_needed=sum(site.tickets_needed for site in books.sites.values()),
        tickets=len(evidence.ticket_calls),
        mean_s=round(sum(lengths) / len(lengths), 2) if lengths else 0.0,
        longest_s=round(max(lengths, default=0.0), 2),
        witnesses=dict(Counter(str(record.witness) for record in evidence.records)),
        leftovers=evidence.leftovers,
        differences=tuple(sorted(found)),
    )


_ABANDONED: Final = (Outcome.ABANDONED_MENU, Outcome.ABANDONED_WAITING)


def _left(site: Leftover) -> list[tuple[str, int]]:
    counts = msgspec.structs.asdict(site)
    return [(name, count) for name, count in counts.items() if name != "site" and count != 0]


def _calls_that_differ(
    made: Sequence[Made], entries: Iterable[EdgeEntry], records: Mapping[str, CallRecord]
) -> list[Difference]:
    """Hold each call as planned against its record, found by the caller's number."""
    by_number: dict[str, list[CallRecord]] = {}
    for record in records.values():
        by_number.setdefault(record.number.removeprefix(NATIONAL) or record.raw_number, []).append(record)
    found: list[Difference] = []
    unrecorded: Counter[str] = Counter()
    for one in made:
        planned = one.planned
        own = by_number.pop(planned.number, [])
        name = own[0].call_id if own else planned.number
        if not one.is_scripted:
            found.append(Difference(name, f"{planned.ends} from {planned.city}: not as scripted"))
        if len(own) > 1:
            found += (Difference(record.call_id, f"second record of {planned.number}") for record in own[1:])
        if own:
            found += (Difference(name, what) for what in _faults(planned, own[0]))
        elif planned.ends is Ends.CANCELLED:
            unrecorded[planned.city] += 1  # ended at the edge, or in the node before it had a number
        else:
            found.append(Difference(planned.number, f"{planned.ends} from {planned.city}: no record"))
    nameless = by_number.pop("", [])
    known = records.keys()
    cut = Counter(
        e.city for e in entries if e.event is EdgeEvent.FINAL and e.call_id not in known and e.sip_code == 487
    )
    cut.update(record.city for record in nameless if record.outcome is Outcome.ABANDONED_MENU)
    found += (
        Difference(city, f"{unrecorded[city]} cancelled callers, {cut[city]} cancelled calls without a number")
        for city in unrecorded.keys() | cut.keys()
        if unrecorded[city] != cut[city]
    )
    found += (Difference(record.call_id, "a call that nobody made") for rest in by_number.values() for record in rest)
    return found


def _faults(planned: Planned, record: CallRecord) -> list[str]:
    pairs: list[tuple[str, object, object]] = [
        ("outcome", planned.outcome, record.outcome),
        ("city", planned.city, record.city),
    ]
    if planned.ends in TALKS | {Ends.WAITING, Ends.RINGING}:
        pairs += [("dialect", planned.dialect, record.dialect), ("business", planned.business, record.business)]
    if planned.ends in TALKS:
        pairs += [("rating", planned.rating, record.rating), ("net", False, record.net)]
        pairs += [("recorded", True, bool(record.recording)), ("witness", Witness.AGI, record.witness)]
    return [f"{planned.ends}: {what} {got}, expected {wanted}" for what, wanted, got in pairs if wanted != got]


def _journal_that_differs(journal: Iterable[CallRecord], records: Mapping[str, CallRecord]) -> list[Difference]:
    told = {record.call_id for record in journal}
    return [
        *(Difference(call_id, "in the journal, not in SQL") for call_id in told - records.keys()),
        *(Difference(call_id, "in SQL, not in the journal") for call_id in records.keys() - told),
    ]

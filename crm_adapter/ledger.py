"""The ledger: proof that no call and no ticket was lost. Pure.

What is offered is counted outside our Python, by the edge: one line for each event of each call attempt,
`ACC <unix seconds> <call id> <city> <site> <event> <SIP code> <Q.850 cause or ->`. Beside it stand the records and
the tickets in SQL; whatever does not balance is named.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from crm_adapter.merging import by_call
from crm_adapter.policy import TicketPolicy
from crm_adapter.record import CallRecord
from tieline.model import Outcome, is_call_id

_LINE: Final = re.compile(
    r"(?:^|.*\s)ACC ([0-9]{1,11}(?:\.[0-9]{1,6})?) (\S+) ([a-z0-9_-]+) ([a-z0-9_-]+) (offered|routed|final)"
    r" ([0-9]{1,3}|-) ([0-9]{1,3}|-)\s*",
    re.ASCII,
)
_NOWHERE: Final = "-"
_CANCELLED: Final = 487
_REFUSALS: Final = frozenset((34, 42))


class EdgeEvent(StrEnum):
    """What happened to a call attempt at the edge."""

    OFFERED = "offered"
    ROUTED = "routed"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class EdgeEntry:
    """One line of the edge's accounting.

    Attributes:
        at: Unix seconds.
        site: Site it was sent to, `-` for none yet.
        sip_code: SIP status, 0 when none applies.
        cause: Q.850 cause, 0 when none was given.
    """

    at: float
    call_id: str
    city: str
    site: str
    event: EdgeEvent
    sip_code: int
    cause: int


@dataclass(frozen=True, slots=True)
class Accounting:
    """What an accounting file says.

    Attributes:
        garbled: Lines that look like accounting but are not of its form.
    """

    entries: tuple[EdgeEntry, ...]
    garbled: int


def parse_accounting(lines: Iterable[str]) -> Accounting:
    """Read accounting lines, with or without a log prefix; other lines of the log are passed over.

    A line that holds `ACC` but is not of the form (torn, overwritten) is counted, never an error.
    """
    entries: list[EdgeEntry] = []
    garbled = 0
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None or not is_call_id(found[2]):
            garbled += "ACC " in line
            continue
        at, call_id, city, site, event, code, cause = found.groups()
        entries.append(
            EdgeEntry(float(at), call_id, city, site, EdgeEvent(event), _number(code), _number(cause)),
        )
    return Accounting(tuple(entries), garbled)


def _number(text: str) -> int:
    return 0 if text == _NOWHERE else int(text)


class Fault(StrEnum):
    """Why a call does not balance."""

    LOST = "lost"
    """Offered at the edge, ended, and nobody knows how."""
    NOT_OFFERED = "not_offered"
    """Recorded at a site but unknown to the edge."""
    NO_TICKET = "no_ticket"
    NEEDLESS_TICKET = "needless_ticket"
    TWO_TICKETS = "two_tickets"


@dataclass(frozen=True, slots=True, order=True)
class Imbalance:
    """One call that does not balance."""

    call_id: str
    site: str
    fault: Fault


@dataclass(slots=True)
class SiteBalance:
    """The counts of one site; `offered` is the sum of the outcomes and of the calls still open.

    Attributes:
        tickets_needed: Calls that need a ticket by the rules.
        tickets_made: Tickets there are.
    """

    offered: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    open: int = 0
    tickets_needed: int = 0
    tickets_made: int = 0

    def count(self, outcome: Outcome) -> int:
        """Give the calls that ended so."""
        return self.outcomes[outcome]


@dataclass(frozen=True, slots=True)
class Balance:
    """The books of all sites."""

    sites: Mapping[str, SiteBalance]
    imbalances: tuple[Imbalance, ...]

    @property
    def balanced(self) -> bool:
        """Tell whether every call has its one outcome and its ticket if it needs one."""
        return not self.imbalances


def balance(
    entries: Iterable[EdgeEntry],
    records: Iterable[CallRecord],
    ticket_calls: Iterable[str],
    policy: TicketPolicy,
    *,
    open_calls: Collection[str] = (),
) -> Balance:
    """Balance the edge's accounting with records and tickets.

    Args:
        entries: Of the edge, for the whole time that is balanced.
        records: Of the calls; several of one call are merged.
        ticket_calls: The call id of each ticket, once for each ticket.
        policy: Says which calls need a ticket.
        open_calls: Calls that are in progress; they need no record yet.
    """
    journeys: dict[str, list[EdgeEntry]] = {}
    for entry in entries:
        journeys.setdefault(entry.call_id, []).append(entry)
    known = by_call(records)
    tickets = Counter(ticket_calls)
    sites: dict[str, SiteBalance] = {}
    faults: list[Imbalance] = []
    for call_id in sorted(journeys.keys() | known.keys() | tickets.keys()):
        call = known.get(call_id)
        journey = journeys.get(call_id, [])
        site = _site(call, journey)
        books = sites.setdefault(site, SiteBalance())
        found = _count_call(books, call, journey, is_open=call_id in open_calls)
        found += _count_tickets(books, policy.kind_for(call) if call else None, tickets[call_id])
        faults += (Imbalance(call_id, site, fault) for fault in found)
    return Balance(sites, tuple(faults))


def _count_call(
    books: SiteBalance, call: CallRecord | None, journey: list[EdgeEntry], *, is_open: bool
) -> list[Fault]:
    if not journey:
        if call is not None and ":" in call.call_id:  # it never met an edge
            books.offered += 1
            books.outcomes[call.outcome] += 1
            return [Fault.LOST] if call.outcome is Outcome.LOST else []
        if call is not None:
            books.outcomes[call.outcome] += 1
        return [Fault.NOT_OFFERED]
    books.offered += 1
    if call is None and is_open:
        books.open += 1
        return []
    outcome = call.outcome if call is not None else _edge_outcome(journey)
    books.outcomes[outcome] += 1
    return [Fault.LOST] if outcome is Outcome.LOST else []


def _edge_outcome(journey: list[EdgeEntry]) -> Outcome:
    """Judge a call that no site knows: the edge itself may have ended it."""
    finals = [entry for entry in journey if entry.event is EdgeEvent.FINAL]
    if any(entry.cause in _REFUSALS for entry in finals):
        return Outcome.REFUSED
    if any(entry.sip_code == _CANCELLED for entry in finals):
        return Outcome.ABANDONED_MENU
    return Outcome.LOST


def _count_tickets(books: SiteBalance, kind: str | None, made: int) -> list[Fault]:
    books.tickets_needed += kind is not None
    books.tickets_made += made
    if made > 1:
        return [Fault.TWO_TICKETS]
    if kind is not None and not made:
        return [Fault.NO_TICKET]
    if kind is None and made:
        return [Fault.NEEDLESS_TICKET]
    return []


def _site(call: CallRecord | None, journey: list[EdgeEntry]) -> str:
    if call is not None and call.site:
        return call.site
    named = [entry.site for entry in journey if entry.site != _NOWHERE]
    return named[-1] if named else _NOWHERE

"""The books of a drill: what was planned, what every witness says, and each difference by call id.

Comparing is pure. The reader (`read_sites`, `read_accounting`, `read_sql`, `read_journals`) is thin: it fetches, it
does not judge.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from crm_adapter.ledger import Accounting, EdgeEntry, EdgeEvent, balance, parse_accounting
from crm_adapter.open_calls import OPEN
from crm_adapter.policy import TicketPolicy
from crm_adapter.record import CallRecord, maybe_decode
from crm_adapter.store import Store
from lab.client import LabClient
from lab.mix import TALKS, Ends, Planned
from lab.parts import Exits, Part
from lab.plan import LabPlan
from routing.keys import OFFERS, POOL, SEATS
from tieline.clock import system_clock
from tieline.database import Database
from tieline.live import Live
from tieline.model import AgentState, Outcome, Witness
from tieline.topology import Node, Site
from tieline.work import read_work
from trunk_config.admission import LINES, MESSAGES, in_use

_ASK_S: Final = 10.0
_NO_TALK: Final = frozenset((AgentState.READY, AgentState.OFFLINE, AgentState.NOT_READY))
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


# Reading -----------------------------------------------------------------------------------------------------


def read_accounting(plan: LabPlan, since: float) -> Accounting:
    """Read what the edges counted since a Unix time."""
    lines: list[str] = []
    for edge in plan.topology.edges:
        for path in sorted((plan.state / "conf" / edge.id / "accounting").glob("*.acc")):
            lines += path.read_text(errors="replace").splitlines()
    all_of_it = parse_accounting(lines)
    return Accounting(tuple(entry for entry in all_of_it.entries if entry.at >= since), all_of_it.garbled)


def read_journals(plan: LabPlan, since: float) -> tuple[CallRecord, ...]:
    """Read the records of hang-ups since a Unix time from all sites' journals."""
    lines = (
        line for path in sorted((plan.state / "journal").glob("*/*.jsonl")) for line in path.read_bytes().splitlines()
    )
    records = (maybe_decode(line) for line in lines)
    return tuple(record for record in records if record is not None and record.hangup_at >= since)


async def read_sql(database: Database, since: float, until: float) -> tuple[list[CallRecord], list[str]]:
    """Fetch calls that ended in a span of Unix time, and the call id of each of their tickets."""
    return await Store(database).books(since, until)


async def tasks_of(live: Live) -> int:
    """Count the tasks of a site's processes, as many as there ever are without a call.

    Raises:
        ConnectionLost: The site's Redis is gone.
    """
    return sum(work.tasks_most for work in await read_work(live, system_clock()))


async def read_leftover(client: LabClient, plan: LabPlan, site: Site, live: Live, *, tasks_at_rest: int) -> Leftover:
    """Count what a site still holds.

    Args:
        client: Of the lab.
        plan: Of the lab.
        site: Whose.
        live: The site's Redis.
        tasks_at_rest: What `tasks_of` gave before the calls.

    Raises:
        ConnectionLost: The site's Redis is gone.
        LabError: A node does not answer.
    """
    lines, messages, offers, waiting, still_open = await asyncio.gather(
        *(live.call("HLEN", key) for key in (LINES, MESSAGES, OFFERS, POOL, OPEN))
    )
    seats = [msgspec.json.decode(raw) for raw in await live.call("HVALS", SEATS)]
    working = await read_work(live, system_clock())
    channels = [await asyncio.to_thread(_channels, client, plan, node) for node in site.nodes]
    return Leftover(
        site=site.id,
        channels=sum(channels),
        lines=int(lines),
        counted=sum((await in_use(live)).values()),
        messages=int(messages),
        offers=int(offers),
        waiting=int(waiting),
        open=int(still_open),
        busy=sum(AgentState(seat["state"]) not in _NO_TALK for seat in seats),
        connections=sum(work.connections for work in working),
        tasks=max(0, sum(work.tasks for work in working) - tasks_at_rest),
    )


def _channels(client: LabClient, plan: LabPlan, node: Node) -> int:
    conf = plan.state / "conf" / node.id / "etc" / "asterisk" / "asterisk.conf"
    log = plan.state / "calls" / f"channels-{node.id}.txt"
    argv = ("asterisk", "-C", str(conf), "-rx", "core show channels concise")
    log.unlink(missing_ok=True)
    client.run(Part(name="channels", argv=argv, ready=Exits(), log=str(log), ready_s=_ASK_S, stop_s=1))
    return sum("!" in line for line in log.read_text(errors="replace").splitlines())

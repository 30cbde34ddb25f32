"""What the routing drill showed. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import median
from typing import Final

import msgspec

from crm_adapter.ledger import balance
from crm_adapter.policy import TicketPolicy
from crm_adapter.record import CallRecord
from lab.books import NATIONAL, Difference
from lab.burden import Burden
from lab.calls import CallResult, RunResult
from lab.routing_faults import MatcherFault
from lab.routing_judge import (
    RINGS_FOR_NOBODY_S,
    Ring,
    Told,
    offered_twice,
    out_of_order,
    ringing_for_nobody,
    rings_of,
    rung_twice,
    unjustified,
)
from lab.routing_plan import RoutedCall
from lab.storm_books import of_ledger
from lab.witnesses import Witnessed
from routing.agents import Agent
from routing.why import CallDecisions, Ended, Offered
from tieline.model import MANDARIN, AgentId, CallId, DialectId, Outcome

TAKEN_OVER_S: Final = 2.0
_DIGITS: Final = 11
_WAITED_S: Final = 1.0


class BothDead(msgspec.Struct, frozen=True, kw_only=True):
    """What became of callers while both matchers of a site were dead.

    Attributes:
        calls: Made meanwhile; they stay until they are answered.
        by_net: Answered by the static queue.
        longest_wait_s: From the pool to the agent.
        after: Made when the matchers were back; `after_by_net` of them were answered by the static queue.
    """

    site: str
    calls: int
    by_net: int
    longest_wait_s: float
    after: int
    after_by_net: int


class RoutingReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the drill showed.

    Attributes:
        answered: Talks.
        left: Callers who left while they waited or while it rang.
        crossed: Talks with an agent of the other site.
        own_dialect: Talks of dialect callers with an agent who speaks it, of `dialect_talks`.
        waited: Calls that waited for more than a second until a phone rang.
        decisions: Offers explained.
        withdrawn: Offers that ended without a talk, by why.
        rang_for_nobody_s: Longest ringing for a caller who had left, of `rang_for_nobody` calls.
        take_overs_s: Of each fault, None for a take-over that did not come.
        faults: Of the matchers.
        apart: Callers who found no matcher at all.
        differences: What must not be, however busy the machine is.
        missed: Goals in seconds that were not met.
        sipp: What SIPp met unexpectedly, shortened.
    """

    count: int
    rate_per_s: float
    seed: int
    answered: int
    left: int
    crossed: int
    dialect_talks: int
    own_dialect: int
    waited: int
    longest_wait_s: float
    decisions: int
    withdrawn: dict[str, int]
    rang_for_nobody: int
    rang_for_nobody_s: float
    longest_take_over_s: float
    median_take_over_s: float
    faults: tuple[MatcherFault, ...]
    apart: BothDead
    burden: Burden
    differences: tuple[Difference, ...]
    missed: tuple[Difference, ...]
    sipp: tuple[str, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether nothing differs and every goal was met."""
        return not self.differences and not self.missed


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known of a drill.

    Attributes:
        made: Runs of SIPp with the calls that each was to make.
        told: What the sites' buses were told.
        decisions: Of every call that has any.
        faults: Of the matchers.
        apart: Numbers of the callers whose site had no matcher.
    """

    made: Sequence[tuple[Sequence[RoutedCall], RunResult]]
    told: Told
    witnessed: Witnessed
    decisions: Mapping[CallId, CallDecisions]
    agents: Mapping[AgentId, Agent]
    faults: Sequence[MatcherFault]
    apart: frozenset[str]


def number_of(record: CallRecord) -> str:
    """Give the national number of a record's caller."""
    return (record.number.removeprefix(NATIONAL) or record.raw_number)[-_DIGITS:]


def judge(evidence: Evidence, policy: TicketPolicy) -> tuple[list[Difference], list[Ring], dict[str, float]]:
    """Find all that is not as it must be; gives the agents' legs and the rings for nobody, too."""
    witnessed, rings = evidence.witnessed, rings_of(evidence.told, evidence.agents)
    nobody = ringing_for_nobody(rings, left_at(evidence))
    books = balance(witnessed.accounting.entries, witnessed.records, witnessed.ticket_calls, policy)
    made = sum(len(calls) for calls, _ in evidence.made)
    pooled = {record.call_id for record in witnessed.records if not record.net}
    return (
        [
            *of_ledger(books, witnessed, made),
            *rung_twice(rings),
            *offered_twice(evidence.told),
            *out_of_order(evidence.told),
            *unjustified((ring for ring in rings if ring.call_id in pooled), evidence.decisions, evidence.agents),
            *_of_calls(evidence),
        ],
        rings,
        nobody,
    )


def left_at(evidence: Evidence) -> dict[str, float]:
    """Give by call id when its caller hung up, Unix seconds, as SIPp saw it.

    SIPp counts from its own beginning. When that was is told by the answers: SIPp and Asterisk both note them.
    """
    by_number = {number_of(record): record for record in evidence.witnessed.records}
    found: dict[str, float] = {}
    for calls, run in evidence.made:
        moments = [(by_number.get(call.number), dict(result.moments)) for call, result in _pairs(calls, run)]
        begins = [
            record.answered_at - seen["answered"] / 1000
            for record, seen in moments
            if record and record.answered_at and "answered" in seen
        ]
        if begins:
            began = median(begins)
            found |= {
                record.call_id: began + seen["bye-sent"] / 1000
                for record, seen in moments
                if record and "bye-sent" in seen
            }
    return found


def _pairs(calls: Sequence[RoutedCall], run: RunResult) -> list[tuple[RoutedCall, CallResult]]:
    return list(zip(calls, run.calls, strict=True))


def _of_calls(evidence: Evidence) -> list[Difference]:
    records = {number_of(record): record for record in evidence.witnessed.records}
    found: list[Difference] = []
    for call, result in chain.from_iterable(_pairs(calls, run) for calls, run in evidence.made):
        record = records.get(call.number)
        if record is None:
            found.append(Difference(call.number, "no record"))
        elif record.outcome not in (Outcome.ANSWERED, Outcome.ABANDONED_WAITING):
            found.append(Difference(record.call_id, f"outcome {record.outcome}"))
        elif record.net and call.number not in evidence.apart:
            found.append(Difference(record.call_id, "went to the static queue"))
        elif "bye-received" in dict(result.moments):
            found.append(Difference(record.call_id, "the platform hung up"))
    return found


def _missed(nobody: Mapping[str, float], faults: Sequence[MatcherFault]) -> Iterator[Difference]:
    for call_id, seconds in nobody.items():
        if seconds > RINGS_FOR_NOBODY_S:
            yield Difference(call_id, f"rang for {seconds:.3f} s after the caller had left")
    for fault in faults:
        if fault.acts_after_s is None or fault.acts_after_s > TAKEN_OVER_S:
            yield Difference(fault.part, f"{fault.how}: the other one acted after {fault.acts_after_s} s")


@dataclass(frozen=True, slots=True)
class Drill:
    """What was to happen."""

    count: int
    rate_per_s: float
    seed: int
    faults: int


def report(drill: Drill, evidence: Evidence, policy: TicketPolicy, apart: BothDead, cost: Burden) -> RoutingReport:
    """Judge and count."""
    differences, rings, nobody = judge(evidence, policy)
    records = {record.call_id: record for record in evidence.witnessed.records}
    talks = [(records[ring.call_id], ring) for ring in rings if ring.answered_at and ring.call_id in records]
    dialect = [pair for pair in talks if pair[0].dialect != MANDARIN and not pair[0].net]
    waits = [ring.since - record.waiting_since for record, ring in talks if not record.net]
    kept = list(chain.from_iterable(one.decisions for one in evidence.decisions.values()))
    after_s = [fault.acts_after_s for fault in evidence.faults if fault.acts_after_s is not None]
    return RoutingReport(
        count=sum(len(calls) for calls, _ in evidence.made),
        rate_per_s=drill.rate_per_s,
        seed=drill.seed,
        answered=len(talks),
        left=sum(record.outcome is Outcome.ABANDONED_WAITING for record in records.values()),
        crossed=sum(evidence.agents[AgentId(ring.agent)].site != record.site for record, ring in talks),
        dialect_talks=len(dialect),
        own_dialect=sum(
            evidence.agents[AgentId(ring.agent)].speaks(DialectId(record.dialect)) for record, ring in dialect
        ),
        waited=sum(wait > _WAITED_S for wait in waits),
        longest_wait_s=round(max(waits, default=0.0), 2),
        decisions=sum(isinstance(one, Offered) for one in kept),
        withdrawn=dict(Counter(one.why for one in kept if isinstance(one, Ended))),
        rang_for_nobody=len(nobody),
        rang_for_nobody_s=round(max(nobody.values(), default=0.0), 3),
        longest_take_over_s=max(after_s, default=0.0),
        median_take_over_s=median(after_s) if after_s else 0.0,
        faults=tuple(evidence.faults),
        apart=apart,
        burden=cost,
        differences=tuple(sorted(differences)),
        missed=tuple(sorted(_missed(nobody, evidence.faults))),
        sipp=tuple(run.faults[:600] for _, run in evidence.made if run.faults),
    )


def both_dead(site: str, during: Sequence[CallRecord], after: Sequence[CallRecord]) -> BothDead:
    """Count what became of the callers of a site without a matcher, and of those who called when it was back."""
    answered = [record for record in during if record.agent_answered_at]
    return BothDead(
        site=site,
        calls=len(during),
        by_net=sum(record.net for record in answered),
        longest_wait_s=round(max((one.agent_answered_at - one.waiting_since for one in answered), default=0.0), 2),
        after=len(after),
        after_by_net=sum(record.net for record in after),
    )

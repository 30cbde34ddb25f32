"""The second witness: calls in progress as the bus tells them, and the record of one whose own record is missing.

The hang-up script writes the journal itself. When it could not (killed, frozen, the node died) the AMI `Hangup`, or
a snapshot without the channel, is the witness. Pure: events in, records out; takes `now`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from crm_adapter.facts import from_variables
from crm_adapter.record import CallRecord
from tieline import bus
from tieline.model import CallId, NodeId, SiteId, Witness
from tieline.variables import LEGS

OPEN: Final = "tl:open"
"""Redis hash in which the keeper keeps the open calls: call id -> `OpenCall` as JSON."""

GRACE_S: Final = 5.0
"""How long the hang-up script may take to report before the second witness writes."""
_CAUSE_OF_MESSAGE: Final = "34"
"""Of a refusal that only its node knows; the quota is by far the usual one."""


@dataclass(frozen=True, slots=True)
class OpenCall:
    """One call in progress.

    Attributes:
        facts: As channel variables, so that one function makes a record of either.
        seen_at: Last sign of life, Unix seconds.
        gone_at: When its channel ended, 0 while it lives.
        estimated: The end was only inferred.
    """

    node: NodeId
    channel: str
    uniqueid: str
    facts: Mapping[str, str]
    seen_at: float
    gone_at: float = 0.0
    cause: int = 0
    estimated: bool = False


@dataclass(slots=True)
class OpenCalls:
    """All calls in progress of a site. `changed` collects the ids whose entry changed since it was last cleared."""

    site: SiteId
    calls: dict[CallId, OpenCall] = field(default_factory=dict)
    changed: set[CallId] = field(default_factory=set)

    def apply(self, event: bus.Event) -> None:
        """Take in one event; what does not concern a known call changes nothing."""
        match event:
            case bus.CallArrived():
                self._arrived(event)
            case bus.MenuChosen(call_id=call_id, dialect=dialect, business=business) if business:
                facts = {"TL_DIALECT": dialect, "TL_BUSINESS": business, "TL_MENU_AT": _stamp(event.at)}
                self._learn(call_id, event.at, facts)
            case bus.CallWaiting(call_id=call_id, since=since):
                moved = {"TL_BUSINESS": event.business, "TL_DIALECT": event.dialect} if event.moved_at else {}
                self._learn(call_id, event.at, {"TL_SINCE": _stamp(since), **moved})
            case bus.AgentAnswered(call_id=call_id, agent=agent):
                self._answered(call_id, agent, event.at)
            case bus.AgentLegGone(call_id=call_id, agent=agent):
                self._leg_gone(call_id, agent, event.at)
            case bus.CallRated(call_id=call_id, rating=rating):
                self._learn(call_id, event.at, {"TL_RATING": str(rating)})
            case bus.LineHeld(call_id=call_id, city=city, raw_number=raw):
                call = OpenCall(
                    NodeId(event.node), "", event.uniqueid, _found(call_id, city, raw, event.at), event.at
                )
                self._find(CallId(call_id), call)
            case bus.CallGone(call_id=call_id):
                self._gone(CallId(call_id), event.at, event.cause, estimated=event.estimated)
            case bus.CallJournalled(call_id=call_id):
                self._forget(CallId(call_id))
            case bus.NodeSnapshot():
                self._compare(event)
            case _:
                pass

    def due(self, now: float) -> Iterator[CallRecord]:
        """Yield a record for each call whose end nobody else has reported in time."""
        for call_id, call in self.calls.items():
            if call.gone_at and call.gone_at + GRACE_S <= now:
                yield self._record(call_id, call)

    def written(self, record: CallRecord) -> None:
        """The record of a call is on disk.

        The call is found by its channel: an id that is no call id stands in no record, and the call would be due, and
        written, again and again.
        """
        for call_id in [call_id for call_id, call in self.calls.items() if call.uniqueid == record.uniqueid]:
            self._forget(call_id)

    def next_deadline(self) -> float | None:
        """Give the Unix time of the next due record, or None."""
        return min((call.gone_at + GRACE_S for call in self.calls.values() if call.gone_at), default=None)

    def _arrived(self, event: bus.CallArrived) -> None:
        facts = {
            "TL_CALL": event.call_id,
            "TL_CITY": event.city,
            "TL_TRUNK": event.trunk,
            "TL_NUMSTATE": event.number_state,
            "TL_NUMBER": event.number,
            "TL_REFUSED": str(event.refused_cause),
            "TL_QUOTA": str(event.quota_version),
            "TL_USED": str(event.lines_in_use),
            "TL_ARRIVED": _stamp(event.at),
        }
        self._put(
            CallId(event.call_id),
            OpenCall(NodeId(event.node), event.channel, event.uniqueid, facts, seen_at=event.at),
        )

    def _find(self, call_id: CallId, call: OpenCall) -> None:
        """Take in a call that nobody told of: its node let it in, or Redis forgot it. Its node may still die."""
        if call_id and call_id not in self.calls:
            self._put(call_id, call)

    def _learn(self, call_id: str, at: float, facts: Mapping[str, str]) -> None:
        call = self.calls.get(CallId(call_id))
        if call is not None:
            self._put(CallId(call_id), replace(call, facts={**call.facts, **facts}, seen_at=max(at, call.seen_at)))

    def _answered(self, call_id: str, agent: str, at: float) -> None:
        known = self.calls.get(CallId(call_id))
        if known is not None:
            parts = [part for part in known.facts.get(LEGS, "").split("&") if part]
            leg = f"{agent}:{known.facts.get('TL_BUSINESS', '')}@{_stamp(at)}"
            if not any(part.startswith(leg) for part in parts):  # else it is told again
                parts.append(leg)
            since = known.facts.get("TL_AGENT_AT") or _stamp(at)
            self._learn(call_id, at, {"TL_AGENT": agent, "TL_AGENT_AT": since, LEGS: "&".join(parts)})

    def _leg_gone(self, call_id: str, agent: str, at: float) -> None:
        """End the agent's open part; two are open while one agent consults another."""
        known = self.calls.get(CallId(call_id))
        parts = known.facts.get(LEGS, "").split("&") if known is not None else []
        closed = [
            f"{part}-{_stamp(at)}" if part.startswith(f"{agent}:") and "-" not in part else part for part in parts
        ]
        if closed != parts:
            self._learn(call_id, at, {LEGS: "&".join(closed)})

    def _gone(self, call_id: CallId, at: float, cause: int, *, estimated: bool) -> None:
        call = self.calls.get(call_id)
        if call is not None and not call.gone_at:
            self._put(call_id, replace(call, gone_at=at, cause=cause, estimated=estimated))

    def _compare(self, snapshot: bus.NodeSnapshot) -> None:
        """Calls that a node should have and has not ended unseen: their last sign of life is the best estimate."""
        present = {channel.call_id for channel in snapshot.channels}
        for seen in snapshot.channels:
            if seen.caller_leg and (seen.answered or seen.hears_refusal):
                facts = _found(seen.call_id, seen.city, seen.raw_number, snapshot.at)
                if seen.hears_refusal:
                    facts = {**facts, "TL_REFUSED": _CAUSE_OF_MESSAGE}
                call = OpenCall(NodeId(snapshot.node), seen.channel, seen.uniqueid, facts, snapshot.at)
                self._find(CallId(seen.call_id), call)
        for call_id, call in list(self.calls.items()):
            missing = call.node == snapshot.node and call_id not in present and call.seen_at < snapshot.at - 1
            if missing and not call.gone_at:
                self._gone(call_id, call.seen_at, 0, estimated=True)

    def _put(self, call_id: CallId, call: OpenCall) -> None:
        self.calls[call_id] = call
        self.changed.add(call_id)

    def _forget(self, call_id: CallId) -> None:
        if self.calls.pop(call_id, None) is not None:
            self.changed.add(call_id)

    def _record(self, call_id: CallId, call: OpenCall) -> CallRecord:
        return from_variables(
            {**call.facts, "TL_CALL": call_id},
            node=call.node,
            site=self.site,
            uniqueid=call.uniqueid,
            linkedid=call.uniqueid,
            channel=call.channel,
            hangup_at=call.gone_at,
            witness=Witness.SNAPSHOT if call.estimated else Witness.AMI,
            hangup_cause=call.cause,
            estimated=call.estimated,
        )


def _found(call_id: str, city: str, raw_number: str, at: float) -> Mapping[str, str]:
    """Give the facts of a call as its node alone knows them; the number is read when the record is delivered."""
    return {"TL_CALL": call_id, "TL_CITY": city, "TL_RAW": raw_number, "TL_ARRIVED": _stamp(at)}


def _stamp(at: float) -> str:
    return f"{at:.3f}"

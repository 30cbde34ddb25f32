"""An agent's seat: one state out of what is known of him, his phone, his legs and his wishes. Pure; takes `now`.

```
offline ── login, phone ──> not ready (reason) <── ready ──> ready ── offer ──> offered ── answer ──> talking
   ^                            ^      no answer, wish,        ^                   │                     │
   └── logout, phone gone ──────┘      phone gone, own call    └── withdrawn ──────┘     wrap-up <───────┘
```
The state is not moved along these arrows by hand. Each fact says when it happened and is merged with what is known
(`after`); the state follows from all of it (`_state`, the first rule that holds). So facts that come late, twice or
in another order lead to the same seat, and a missed one is made good by the next that says as much.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec.structs import replace

from routing.legs import Leg, Legs
from routing.seat_facts import (
    Answered,
    CallOver,
    Fact,
    LegGone,
    Offered,
    OfferOver,
    OwnCall,
    PhoneAt,
    PhoneIdle,
    Rung,
)
from routing.wishes import Asked, Reason, Wishes
from tieline.model import AgentState, CallId, NodeId

_NO_CALL: Final = CallId("")
_NO_NODE: Final = NodeId("")


@dataclass(frozen=True, slots=True)
class SeatRules:
    """What differs between installations.

    Attributes:
        wrap_up_s: Pause after a talk, seconds.
        pause_s: Pause of an agent who did not answer, seconds.
        log_in: Whether an agent must log in; else a registered phone is enough, until somebody logs him in or out.
    """

    wrap_up_s: float = 10.0
    pause_s: float = 30.0
    log_in: bool = False


class Sighting(msgspec.Struct, frozen=True):
    """One node's news of a phone, Unix seconds, negative for never.

    Attributes:
        seen_at: Last time it was reached.
        lost_at: Last time it was not.
        back_at: First time it was reached since.
    """

    seen_at: float = -1.0
    lost_at: float = -1.0
    back_at: float = -1.0

    @property
    def reachable(self) -> bool:
        """Whether the node reaches the phone."""
        return self.seen_at > self.lost_at

    def after(self, fact: PhoneAt) -> "Sighting":
        """Merge one more piece of news."""
        if fact.reachable:
            is_first = fact.at > self.lost_at and (self.back_at < 0 or fact.at < self.back_at)
            return replace(self, seen_at=max(self.seen_at, fact.at), back_at=fact.at if is_first else self.back_at)
        lost_at = max(self.lost_at, fact.at)
        back_at = next((at for at in (self.back_at, self.seen_at) if at > lost_at), -1.0)
        return Sighting(self.seen_at, lost_at, back_at)


class Reserved(msgspec.Struct, frozen=True):
    """The last offer to the agent."""

    call_id: CallId = _NO_CALL
    fence: int = 0
    over: bool = True


class Seat(msgspec.Struct, frozen=True):
    """What an agent is doing, and all it follows from.

    Attributes:
        until: When the state ends by itself, Unix seconds, 0 for never.
        idle_since: Of a ready agent, when he became ready; offers that came to nothing do not count.
        reason: The call's id when offered or talking, a `Reason` when not ready.
        node: A node that holds the phone, the one where it registered last; empty when none does.
        missed_at: When he last did not answer; he pauses until `missed_until`.
        own_began_at: When he last dialled himself; `own_over_at`, when that ended.
    """

    state: AgentState = AgentState.OFFLINE
    until: float = 0.0
    idle_since: float = 0.0
    reason: str = ""
    node: NodeId = _NO_NODE
    wishes: Wishes = msgspec.field(default_factory=Wishes)
    phones: Mapping[NodeId, Sighting] = msgspec.field(default_factory=dict)
    legs: Legs = msgspec.field(default_factory=Legs)
    offer: Reserved = msgspec.field(default_factory=Reserved)
    missed_at: float = 0.0
    missed_until: float = 0.0
    own_began_at: float = 0.0
    own_over_at: float = 0.0

    @property
    def session(self) -> str:
        """The desk's log-in that counts, or empty; a desk with another one is over."""
        return self.wishes.standing.session

    @property
    def shown(self) -> tuple[object, ...]:
        """What others are told of a seat."""
        return (self.state, self.reason, self.until, self.session, self.node)


EMPTY: Final = Seat()


def after(seat: Seat, now: float, rules: SeatRules, *facts: Fact) -> Seat:
    """Merge facts into a seat and give the seat as it is now; without a fact nothing but time went on."""
    for fact in facts:
        seat = _merged(seat, fact, now, rules)
    state, reason, until = _state(seat, now, rules)
    idle_since = _idle_since(seat) if state is AgentState.READY else 0.0
    return replace(seat, state=state, until=until, idle_since=idle_since, reason=reason, node=_node(seat))


def _merged(seat: Seat, fact: Fact, now: float, rules: SeatRules) -> Seat:
    match fact:
        case Asked():
            return replace(seat, wishes=seat.wishes.after(fact))
        case PhoneAt(node):
            return replace(seat, phones={**seat.phones, node: seat.phones.get(node, Sighting()).after(fact)})
        case OwnCall(busy, at):
            began_at, over_at = (at, 0.0) if busy else (0.0, at)
            return _own_call(seat, began_at, over_at)
        case PhoneIdle(at):
            return _own_call(replace(seat, legs=seat.legs.seen_idle(at)), 0.0, at if seat.own_began_at < at else 0.0)
        case Offered(call_id, fence):
            return replace(seat, offer=Reserved(call_id, fence, over=False)) if fence > seat.offer.fence else seat
        case OfferOver():
            return _offer_over(seat, fact, rules)
        case _:
            return replace(seat, legs=seat.legs.with_leg(_with_news(seat, fact, rules), now))


def _own_call(seat: Seat, began_at: float, over_at: float) -> Seat:
    return replace(seat, own_began_at=max(seat.own_began_at, began_at), own_over_at=max(seat.own_over_at, over_at))


def _offer_over(seat: Seat, fact: OfferOver, rules: SeatRules) -> Seat:
    if fact.fence >= seat.offer.fence:
        seat = replace(seat, offer=Reserved(fact.call_id, fact.fence, over=True))
    if fact.missed_at > seat.missed_at:
        seat = replace(seat, missed_at=fact.missed_at, missed_until=fact.missed_at + rules.pause_s)
    return seat


def _with_news(seat: Seat, fact: Rung | Answered | LegGone | CallOver, rules: SeatRules) -> Leg:
    leg = seat.legs.of(fact.call_id, rules.wrap_up_s)
    match fact:
        case Rung(_, at):
            return replace(leg, rung_at=max(leg.rung_at, at))
        case Answered(_, at):
            return replace(leg, answered_at=max(leg.answered_at, at))
        case LegGone(_, at):
            return replace(leg, gone_at=max(leg.gone_at, at))
        case CallOver(_, at):
            return replace(leg, call_over_at=max(leg.call_over_at, at))


def _state(seat: Seat, now: float, rules: SeatRules) -> tuple[AgentState, str, float]:
    """Give state, reason and end of the state: the first rule that holds.

    A talk and its wrap-up go before wishes and before a phone that vanishes: those take effect afterwards.
    """
    if talk := seat.legs.maybe_talking():
        return AgentState.TALKING, talk.call_id, 0.0
    if not seat.offer.over:
        return AgentState.OFFERED, seat.offer.call_id, 0.0
    if ringing := seat.legs.maybe_ringing(seat.missed_at):  # news of a ring that came to nothing may be late
        return AgentState.OFFERED, ringing.call_id, 0.0
    standing, worked = seat.wishes.standing, seat.legs.worked
    if now < worked.until and standing.ready_at <= worked.over_at:
        return AgentState.WRAP_UP, "", worked.until
    if standing.logged_in is False or (standing.logged_in is None and rules.log_in):
        return AgentState.OFFLINE, "", 0.0
    if not any(sighting.reachable for sighting in seat.phones.values()):
        state = AgentState.NOT_READY if standing.logged_in else AgentState.OFFLINE
        return state, Reason.PHONE_GONE if seat.phones or standing.logged_in else "", 0.0
    if seat.own_began_at > seat.own_over_at:
        return AgentState.NOT_READY, Reason.OWN_CALL, 0.0
    if standing.withheld(now):
        return AgentState.NOT_READY, standing.reason, standing.until
    if now < seat.missed_until and standing.ready_at <= seat.missed_at:
        return AgentState.NOT_READY, Reason.NO_ANSWER, seat.missed_until
    return AgentState.READY, "", 0.0


def _idle_since(seat: Seat) -> float:
    """Give when the last thing ended that kept a ready agent from being ready."""
    return max(_ends(seat))


def _ends(seat: Seat) -> Iterator[float]:
    standing, worked = seat.wishes.standing, seat.legs.worked
    yield min(sighting.back_at for sighting in seat.phones.values() if sighting.reachable)
    yield standing.until if standing.reason else standing.free_at
    yield seat.own_over_at
    for since, until in ((worked.over_at, worked.until), (seat.missed_at, seat.missed_until)):
        yield min(until, standing.ready_at) if standing.ready_at > since else until


def _node(seat: Seat) -> NodeId:
    reached = [(sighting.back_at, node) for node, sighting in seat.phones.items() if sighting.reachable]
    return max(reached)[1] if reached else _NO_NODE

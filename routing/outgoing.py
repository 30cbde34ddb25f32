"""What follows from the matcher's decisions, as commands of Redis: events told, words for mailboxes. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Final, assert_never

from routing.intake import Rescue
from routing.offers import (
    AloneLeg,
    DeclineOffer,
    Effect,
    EndLeg,
    JoinLeg,
    LendAgent,
    MakeOffer,
    MoveCall,
    NextLeg,
    Offer,
    Onward,
    RefuseConsult,
    SeatChanged,
    StepConsult,
    TakeUpOffer,
    Waiting,
    WantAgent,
    WithdrawOffer,
)
from routing.seats import Seat
from routing.why import keeping
from tieline import bus
from tieline.lease import Command
from tieline.model import AgentId, CallId, NodeId, SiteId
from tieline.streams import commanding, telling

GRACE_S: Final = 1.0
"""A word is void so long before the lease ends: who takes it at the last moment is heard of before the offer counts
as not taken. Else its agent would get another call while his phone begins to ring for this one."""

STATIC: Final = "static"
"""The word that sends a caller to the safety net's queue."""
RESCUE_S: Final = 5.0
"""The next snapshot repeats it."""

MOVE_S: Final = 2.0
"""A transfer that the node has not begun by then is void: the caller may be in another talk."""

_OfferKey = tuple[CallId, AgentId, int]


def lasting(effects: Sequence[Effect | Rescue], offers: Mapping[CallId, Offer]) -> list[Effect | Rescue]:
    """Leave out the offers that came to nothing within one turn, and their ends.

    Who takes over reads the past event by event: a call is offered, and some events later it is over or was answered
    by the safety net. Nobody is to hear of that.

    Args:
        effects: Of one turn, in their order.
        offers: As they are at its end.
    """
    stands = {_offer_key(offer) for offer in offers.values() if not offer.taken}
    lent = (offer for offer in offers.values() if offer.second and not offer.second_talks)
    stands |= {(offer.call.call_id, offer.second, offer.second_fence) for offer in lent}
    made = {_offer_key(effect.offer) for effect in effects if isinstance(effect, MakeOffer | LendAgent)}
    return [effect for effect in effects if _is_lasting(effect, stands, made)]


def _is_lasting(effect: Effect | Rescue, stands: Set[_OfferKey], made: Set[_OfferKey]) -> bool:
    match effect:
        case MakeOffer(offer) | TakeUpOffer(offer) | LendAgent(offer):
            return _offer_key(offer) in stands
        case WithdrawOffer(offer):  # the end of one that the other site made is told: that site knows of it
            return _offer_key(offer) not in made
        case _:
            return True


def _offer_key(offer: Offer) -> _OfferKey:
    return offer.call.call_id, offer.agent, offer.fence


def commands_of(
    site: SiteId, effects: Iterable[Effect | Rescue], now: float, way_to: Callable[[AgentId, NodeId], NodeId]
) -> Iterator[Command]:
    """Yield the commands that carry effects out, in their order.

    Args:
        site: Ours.
        effects: Of the matcher.
        now: Unix seconds.
        way_to: Names the node by which another one reaches an agent's phone, see `routing.peer_intake`.
    """
    for effect in effects:
        match effect:
            case MakeOffer(offer):
                yield from keeping(effect, now)
                yield telling(_made(offer, now))
                if offer.call.site == site and offer.call.channel:
                    yield _word(offer, now, way_to(offer.agent, offer.call.node))
            case TakeUpOffer(offer):
                yield _word(offer, now, way_to(offer.agent, offer.call.node))
            case DeclineOffer(call_id, agent, fence, why):
                yield telling(bus.OfferDeclined(at=now, call_id=call_id, agent=agent, fence=fence, why=why))
            case WithdrawOffer(offer, why):
                yield from keeping(effect, now)
                yield telling(_withdrawn(offer, why, now))
            case MoveCall(call, onward):
                yield commanding(call.node, _sent_on(call, onward, now))
            case StepConsult(call, _, _, second):
                yield commanding(call.node, _consulting(effect, now, way_to(second, call.node)))
            case WantAgent(call, agent):
                yield telling(_wanted(call, agent, now))
            case LendAgent(offer):
                yield telling(_made(offer, now))
            case RefuseConsult(call, agent, second, why):
                yield telling(bus.ConsultRefused(at=now, call_id=call.call_id, agent=agent, to_agent=second, why=why))
            case NextLeg(call, agent, at) | AloneLeg(call, agent, at):
                yield commanding(call.node, _leg(call, agent, at, now))
            case JoinLeg(call, agent, at):
                yield commanding(call.node, _leg(call, agent, at, now, beside=True))
            case EndLeg(call, agent):
                yield commanding(call.node, bus.EndLeg(at=now, call_id=call.call_id, agent=agent))
            case SeatChanged(agent, seat):
                if effect.is_news:
                    yield telling(_changed(agent, seat, now))
            case Rescue(call_id, node, channel):
                until = now + RESCUE_S
                word = bus.PutInMailbox(at=now, call_id=call_id, channel=channel, word=STATIC, expires=until)
                yield commanding(node, word)
            case _:
                assert_never(effect)


def _changed(agent: AgentId, seat: Seat, now: float) -> bus.AgentChanged:
    return bus.AgentChanged(
        at=now,
        agent=agent,
        state=seat.state,
        reason=seat.reason,
        until=seat.until,
        session=seat.session,
        node=seat.node,
    )


def _wanted(call: Waiting, agent: AgentId, now: float) -> bus.AgentWanted:
    need = call.need
    return bus.AgentWanted(
        at=now,
        call_id=call.call_id,
        call_site=call.site,
        agent=agent,
        node=call.node,
        channel=call.channel,
        city=need.city,
        dialect=need.dialect,
        business=need.business,
        since=call.since,
        lane=need.lane,
        county=need.county,
        only_dialect=need.only_dialect,
    )


def _made(offer: Offer, now: float) -> bus.OfferMade:
    return bus.OfferMade(
        at=now,
        call_id=offer.call.call_id,
        agent=offer.agent,
        fence=offer.fence,
        lease_until=offer.lease_until,
        call_site=offer.call.site,
    )


def _withdrawn(offer: Offer, why: str, now: float) -> bus.OfferWithdrawn:
    call_id = offer.call.call_id
    return bus.OfferWithdrawn(at=now, call_id=call_id, agent=offer.agent, fence=offer.fence, why=why)


def _sent_on(call: Waiting, onward: Onward, now: float) -> bus.SendOn:
    to = f"{onward.business}:{onward.dialect}:{onward.agent}"
    return bus.SendOn(at=now, call_id=call.call_id, channel=call.channel, to=to, expires=now + MOVE_S)


def _consulting(asked: StepConsult, now: float, by_way_of: NodeId) -> bus.Consult:
    return bus.Consult(
        at=now,
        call_id=asked.call.call_id,
        agent=asked.agent,
        step=asked.step,
        to_agent=asked.second,
        fence=asked.fence,
        by_way_of=by_way_of,
        expires=now + MOVE_S,
    )


def _leg(call: Waiting, agent: AgentId, at: float, now: float, *, beside: bool = False) -> bus.NoteLeg:
    call_id, channel = call.call_id, call.channel
    return bus.NoteLeg(at=now, call_id=call_id, channel=channel, agent=agent, begun_at=at, beside=beside)


def _word(offer: Offer, now: float, by_way_of: NodeId) -> Command:
    """Give the command that puts an offer into the mailbox."""
    call, until = offer.call, offer.lease_until - GRACE_S
    word = f"agent:{offer.agent}:{offer.fence}:{round(until * 1000)}" + (f":{by_way_of}" if by_way_of else "")
    return commanding(
        call.node, bus.PutInMailbox(at=now, call_id=call.call_id, channel=call.channel, word=word, expires=until)
    )

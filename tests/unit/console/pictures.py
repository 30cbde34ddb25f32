"""The picture of a site after the events of a talk."""

from console.picture import apply
from console.views import Picture
from tieline import bus

CALL = "0193f0aa-0000-7000-8000-000000000001"
NUMBER = "+8659100001234"


def arrived(at: float = 1.0, *, call_id: str = CALL, city: str = "fuzhou", refused: int = 0) -> bus.CallArrived:
    """A call that arrives at Fuzhou's node."""
    return bus.CallArrived(
        at=at,
        call_id=call_id,
        node="fuzhou-1",
        channel="PJSIP/edge-1",
        uniqueid="fuzhou-1-1.1",
        city=city,
        number_state="shown",
        number=NUMBER,
        refused_cause=refused,
    )


def waiting(at: float, since: float, *, call_id: str = CALL) -> bus.CallWaiting:
    """The call enters the pool."""
    return bus.CallWaiting(
        at=at,
        call_id=call_id,
        node="fuzhou-1",
        channel="PJSIP/edge-1",
        city="fuzhou",
        dialect="min_dong",
        business="repair",
        since=since,
    )


def gone(at: float, *, call_id: str = CALL) -> bus.CallGone:
    """Its channel ends."""
    return bus.CallGone(
        at=at, call_id=call_id, node="fuzhou-1", channel="PJSIP/edge-1", uniqueid="fuzhou-1-1.1", cause=16
    )


def after(*events: bus.Event) -> Picture:
    """Apply events to an empty picture."""
    picture = Picture()
    for event in events:
        picture = apply(picture, event)
    return picture


TALK: list[bus.Event] = [
    arrived(1.0),
    bus.MenuChosen(at=2.0, call_id=CALL, dialect="min_dong"),
    bus.MenuChosen(at=3.0, call_id=CALL, dialect="min_dong", business="repair"),
    waiting(4.0, 4.0),
    bus.OfferMade(at=5.0, call_id=CALL, agent="a1001", fence=7, lease_until=10.0),
    bus.AgentRinging(at=6.0, call_id=CALL, agent="a1001"),
    bus.AgentAnswered(at=8.0, call_id=CALL, agent="a1001"),
    bus.AgentLegGone(at=20.0, call_id=CALL, agent="a1001"),
]


def ticket(which: int, *, city: str = "fuzhou") -> bus.TicketMade:
    """One of many tickets."""
    return bus.TicketMade(at=float(which), call_id=CALL, ticket=f"t{which}", kind="callback", city=city)

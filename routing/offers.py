"""What the matcher is told and what it gives back: waiting calls, offers, seats, effects. Pure values."""

from dataclasses import dataclass

from routing.decision import Decision
from routing.seats import Seat
from tieline.model import AgentId, CallId, Need, NodeId, SiteId


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call in the pool.

    Attributes:
        since: Its first arrival in the pool, Unix seconds; never changes.
        site: Whose call it is: the site that answered it and hears its caller's key presses and hang-up.
    """

    call_id: CallId
    node: NodeId
    channel: str
    need: Need
    since: float
    site: SiteId


@dataclass(frozen=True, slots=True)
class Offer:
    """One call reserved for one agent.

    Attributes:
        fence: Grows with every offer of the agent's site; an answer that names an older one is void.
        lease_until: Unix seconds; withdrawn then unless taken. 0 while the two talk.
        taken: The hold loop took it: the phone rings or the two talk.
    """

    call: Waiting
    agent: AgentId
    fence: int
    lease_until: float
    taken: bool = False


@dataclass(frozen=True, slots=True)
class MakeOffer:
    """Reserve an agent of ours: tell it, and put it into the channel's mailbox when the call is ours, too.

    A call of the other site is offered by telling alone: that site takes the offer up, or declines it.
    """

    offer: Offer
    decision: Decision


@dataclass(frozen=True, slots=True)
class TakeUpOffer:
    """Put the other site's offer into our channel's mailbox, so that the node dials over the tie line."""

    offer: Offer


@dataclass(frozen=True, slots=True)
class DeclineOffer:
    """Tell the other site that its offer is not wanted; `why` is `gone`, `offered` or `late`."""

    call_id: CallId
    agent: AgentId
    fence: int
    why: str


@dataclass(frozen=True, slots=True)
class WithdrawOffer:
    """The offer is void; `why` is `lease`, `gone`, `failed` or `declined`."""

    offer: Offer
    why: str


@dataclass(frozen=True, slots=True)
class SeatChanged:
    """More is known of an agent of ours than `before`."""

    agent: AgentId
    seat: Seat
    before: Seat

    @property
    def is_news(self) -> bool:
        """Whether others see a difference."""
        return self.seat.shown != self.before.shown


Effect = MakeOffer | TakeUpOffer | DeclineOffer | WithdrawOffer | SeatChanged

"""What the matcher is told and what it gives back: waiting calls, offers, seats, effects. Pure values."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from routing.decision import Decision
from routing.seats import Seat
from tieline.model import AgentId, CallId, Need, NodeId, SiteId

NOBODY: Final = AgentId("")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call in the pool.

    Attributes:
        since: Its first arrival in the pool, Unix seconds; never changes.
        site: Whose call it is: the site that answered it and hears its caller's key presses and hang-up.
        moved_at: When the caller was last transferred, Unix seconds, 0 for never.
        wanted: Agent to whom he was transferred, or empty; he is taken when he is free at that moment.
    """

    call_id: CallId
    node: NodeId
    channel: str
    need: Need
    since: float
    site: SiteId
    moved_at: float = 0.0
    wanted: AgentId = NOBODY


@dataclass(frozen=True, slots=True)
class Offer:
    """One call reserved for one agent.

    Attributes:
        fence: Grows with every offer of the agent's site; an answer that names an older one is void.
        lease_until: Unix seconds; withdrawn then unless taken. 0 while the two talk.
        taken: The hold loop took it: the phone rings or the two talk.
        answered_at: When the talk began, Unix seconds; of a caller who was handed over to a phone that still rings,
            when his last agent left.
        moving_until: A transfer was asked for; until then a second one is not carried out.
        second: Agent whom the first one consults, or empty; `second_fence` is of his own reservation, void at
            `second_until` (Unix seconds) if he has not answered; 0 once the first agent goes back. Another site's
            agent has fence 0 until that site has lent him.
        second_talks: The second agent has answered.
        joined: All three talk; the next step ends one agent's leg.
        lent: Made for an agent of another site who consults ours: its caller does not wait here.
    """

    call: Waiting
    agent: AgentId
    fence: int
    lease_until: float
    taken: bool = False
    answered_at: float = 0.0
    moving_until: float = 0.0
    second: AgentId = NOBODY
    second_fence: int = 0
    second_until: float = 0.0
    second_talks: bool = False
    joined: bool = False
    lent: bool = False

    @property
    def talks(self) -> bool:
        """Whether it has led to a talk."""
        return self.lease_until == 0

    @property
    def is_asked(self) -> bool:
        """Whether another site has still to lend the second agent."""
        return bool(self.second) and not self.second_fence

    @property
    def handed_over(self) -> bool:
        """Whether the caller has talked before, and hears this agent's phone ring."""
        return self.answered_at > 0 and not self.talks


@dataclass(frozen=True, slots=True)
class _OfOffer:
    """What follows for one offer."""

    offer: Offer

    @property
    def call_id(self) -> CallId:
        """Whose place in the pool or in an offer may be another now."""
        return self.offer.call.call_id


@dataclass(frozen=True, slots=True)
class _OfCall:
    """What follows for one call."""

    call: Waiting

    @property
    def call_id(self) -> CallId:
        """Whose place in the pool or in an offer may be another now."""
        return self.call.call_id


@dataclass(frozen=True, slots=True)
class MakeOffer(_OfOffer):
    """Reserve an agent of ours: tell it, and put it into the channel's mailbox when the call is ours, too.

    A call of the other site is offered by telling alone: that site takes the offer up, or declines it.
    """

    decision: Decision


@dataclass(frozen=True, slots=True)
class TakeUpOffer(_OfOffer):
    """Put the other site's offer into our channel's mailbox, so that the node dials over the tie line."""


@dataclass(frozen=True, slots=True)
class DeclineOffer:
    """Tell the other site that its offer is not wanted; `why` is `gone`, `offered` or `late`.

    With fence 0: that the agent whom it wants to consult is not lent; `why` is then as of `RefuseConsult`.
    """

    call_id: CallId
    agent: AgentId
    fence: int
    why: str


@dataclass(frozen=True, slots=True)
class WithdrawOffer(_OfOffer):
    """The offer is void; `why` is `lease`, `gone`, `failed` or `declined`."""

    why: str


@dataclass(frozen=True, slots=True)
class Onward:
    """To whom a caller is transferred.

    Attributes:
        agent: Who is to take him on, or empty for who fits best.
        business: What he needs now; empty for what he needed before. `dialect` likewise.
    """

    agent: AgentId = NOBODY
    business: str = ""
    dialect: str = ""


class Step(StrEnum):
    """What is done about a talk."""

    BLIND = "blind"
    """The caller goes on with another agent at once."""
    CONSULT = "consult"
    """The agent talks with another one while the caller hears music."""
    COMPLETE = "complete"
    """The second agent takes the caller on."""
    JOIN = "join"
    """All three talk."""
    BACK = "back"
    """The second agent leaves, the caller is back with the first."""


@dataclass(frozen=True, slots=True)
class StepConsult(_OfCall):
    """Let Asterisk do a step of a consultation, on the first agent's leg; `fence` is of the second agent's offer."""

    agent: AgentId
    step: Step
    second: AgentId
    fence: int


@dataclass(frozen=True, slots=True)
class WantAgent(_OfCall):
    """Ask another site to lend its agent to a talk of ours, in which he is to be consulted."""

    agent: AgentId


@dataclass(frozen=True, slots=True)
class LendAgent(_OfOffer):
    """Reserve an agent of ours for a talk of the other site, which dials him."""


@dataclass(frozen=True, slots=True)
class RefuseConsult(_OfCall):
    """A consultation does not begin; caller and first agent talk on.

    Attributes:
        why: The second agent's state; `unseen`: nothing is known of him now; `silent`: his site did not answer in
            time; `consults`: another consultation goes on; or how the attempt to dial him ended, as Dial says it
            (`tiefull`: no channel was free).
    """

    agent: AgentId
    second: AgentId
    why: str


@dataclass(frozen=True, slots=True)
class NextLeg(_OfCall):
    """The caller has another agent since `at`, or for now none: to be noted on his channel."""

    agent: AgentId
    at: float


@dataclass(frozen=True, slots=True)
class JoinLeg(_OfCall):
    """A second agent talks with the caller since `at`, beside the first one: to be noted on his channel."""

    agent: AgentId
    at: float


@dataclass(frozen=True, slots=True)
class AloneLeg(_OfCall):
    """The second of two who talked with the caller has left at `at`; `agent` talks on: to be noted on his channel."""

    agent: AgentId
    at: float


@dataclass(frozen=True, slots=True)
class EndLeg(_OfCall):
    """Hang up an agent's leg: three talk no more, or the caller is gone, and two agents would go on talking."""

    agent: AgentId


@dataclass(frozen=True, slots=True)
class MoveCall(_OfCall):
    """Take a caller of ours out of his talk; he comes back to the pool by himself, told as waiting."""

    onward: Onward


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


Effect = (
    MakeOffer
    | TakeUpOffer
    | DeclineOffer
    | WithdrawOffer
    | MoveCall
    | StepConsult
    | WantAgent
    | LendAgent
    | RefuseConsult
    | NextLeg
    | JoinLeg
    | AloneLeg
    | EndLeg
    | SeatChanged
)

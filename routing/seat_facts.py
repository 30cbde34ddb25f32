"""What can be known of an agent: facts that `routing.seats` makes a state of, each with its time (Unix seconds)."""

from dataclasses import dataclass

from routing.wishes import Asked
from tieline.model import CallId, NodeId


@dataclass(frozen=True, slots=True)
class PhoneAt:
    """A node reaches the agent's phone, or does so no longer."""

    node: NodeId
    reachable: bool
    at: float


@dataclass(frozen=True, slots=True)
class PhoneIdle:
    """The agent's phone was in no call."""

    at: float


@dataclass(frozen=True, slots=True)
class OwnCall:
    """The phone is in a call of the agent's own (he dials himself), or no longer."""

    busy: bool
    at: float


@dataclass(frozen=True, slots=True)
class Offered:
    """The matcher reserved a call for the agent; the fence grows with each offer."""

    call_id: CallId
    fence: int


@dataclass(frozen=True, slots=True)
class OfferOver:
    """The offer is void; with `missed_at` the agent did not take it, and pauses."""

    call_id: CallId
    fence: int
    missed_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Rung:
    """The phone rings for a call, whoever offered it."""

    call_id: CallId
    at: float


@dataclass(frozen=True, slots=True)
class Answered:
    """Agent and caller talk."""

    call_id: CallId
    at: float


@dataclass(frozen=True, slots=True)
class LegGone:
    """The agent's leg in a call ended."""

    call_id: CallId
    at: float


@dataclass(frozen=True, slots=True)
class CallOver:
    """A call that he rings for or talks in ended."""

    call_id: CallId
    at: float


Fact = Asked | PhoneAt | PhoneIdle | OwnCall | Offered | OfferOver | Rung | Answered | LegGone | CallOver

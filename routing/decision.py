"""Why a call was offered to an agent: what the matcher looked at, kept with each offer. Pure values, serialisable."""

from enum import StrEnum

import msgspec

from tieline.model import AgentId, CallId


class Cause(StrEnum):
    """What made the matcher look."""

    CALL = "call"
    """The call came, or came back."""
    STEP = "step"
    """The call had waited until something more was open to it."""
    AGENT = "agent"
    """The agent came free."""
    TRANSFER = "transfer"
    """The caller was transferred to this agent."""


class Lost(StrEnum):
    """Why another agent, or another call, was not chosen."""

    NOT_YET = "not_yet"
    """Its step of the ladder was not open."""
    HELD = "held"
    """Its step was put off: a speaker of the dialect was likely to come free soon."""
    RESERVED = "reserved"
    """The agent was kept for callers of a dialect of which too few speakers were idle, or free soon."""
    IN_TIME = "in_time"
    """The same, though the call might have had him by then: somebody else was likely to come free for it in time."""
    LEFT_OUT = "left_out"
    """The other site had just not answered for this call and this agent."""
    FIT = "fit"
    SITE = "site"
    SCARCITY = "scarcity"
    PLACE = "place"
    """The chosen one knows the caller's county or city."""
    IDLE = "idle"
    """The chosen one was idle for longer."""
    LANE = "lane"
    DIALECT = "dialect"
    """The agent's own dialect has a head start, or the other call's dialect is not the agent's."""
    WAIT = "wait"
    """The chosen call had waited longer."""


class Fit(msgspec.Struct, frozen=True):
    """How well an agent fits a call.

    Attributes:
        dialect: Level of the caller's dialect, empty for none.
        business: Level of the business, empty for none (`other` is everybody's).
        crosses: The agent is of another site than the call.
        place: `county` or `city` when the agent knows the caller's, else empty.
        price: What the choice goes by, scarcity included; lower is better.
        scarcity: The part of the price for the agent's other dialects.
        idle_s: How long the agent had been idle, seconds.
    """

    dialect: str
    business: str
    crosses: bool
    place: str
    price: float
    scarcity: float
    idle_s: float


class OtherAgent(msgspec.Struct, frozen=True):
    """An idle agent who was not chosen, the longest idle one of his kind."""

    agent: AgentId
    fit: Fit
    lost: Lost


class OtherCall(msgspec.Struct, frozen=True):
    """A waiting call that was not chosen, the longest waiting one of its kind; `wait_s` in seconds."""

    call_id: CallId
    dialect: str
    lane: str
    wait_s: float
    lost: Lost


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Why this agent, and why this call.

    Attributes:
        at: Unix seconds.
        version: Of the ladders.
        ladder: Id of the need's ladder.
        step: Which of its steps let the agent through, counted from 0.
        open_s: From which wait on it may open, seconds; it may have been put off while a speaker was near.
        accept: What that step accepts.
        wait_s: How long the call had waited.
        other_agents: The best few of those not chosen.
        other_calls: The best few of those not chosen.
    """

    at: float
    cause: Cause
    call_id: CallId
    agent: AgentId
    fence: int
    version: int
    ladder: str
    step: int
    open_s: float
    accept: str
    dialect: str
    business: str
    lane: str
    wait_s: float
    fit: Fit
    other_agents: tuple[OtherAgent, ...] = ()
    other_calls: tuple[OtherCall, ...] = ()

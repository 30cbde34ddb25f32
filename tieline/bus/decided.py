"""Events told by the matcher, the ticket writer, and whoever changes what is in force."""

from tieline.bus.message import Message


class OfferMade(Message, frozen=True, tag=True):
    """One call is reserved for one agent until `lease_until` (Unix seconds), told by the agent's site.

    Attributes:
        call_site: Whose call it is; the other site takes the offer up, or declines it.
    """

    call_id: str
    agent: str
    fence: int
    lease_until: float
    call_site: str = ""


class OfferDeclined(Message, frozen=True, tag=True):
    """The call's own site does not want the other site's agent: the call is gone or has an offer already.

    With fence 0 the agent's site tells it: he was wanted (`AgentWanted`), and is not lent; `why` is then as of
    `ConsultRefused`.
    """

    call_id: str
    agent: str
    fence: int
    why: str


class OfferWithdrawn(Message, frozen=True, tag=True):
    """The offer ended without a talk; `why` is lease, gone, failed or declined."""

    call_id: str
    agent: str
    fence: int
    why: str


class AgentChanged(Message, frozen=True, tag=True):
    """An agent's state changed (see `tieline.model.AgentState`).

    Attributes:
        until: When the state ends by itself, Unix seconds, 0 for never.
        session: The desk's log-in that counts, or empty; a desk with another one is over.
        node: A node that holds the agent's phone, or empty.
    """

    agent: str
    state: str
    reason: str = ""
    until: float = 0.0
    session: str = ""
    node: str = ""


class AgentAsked(Message, frozen=True, tag=True):
    """Somebody wants an agent in another state: the agent's desk, a supervisor, the command line.

    Attributes:
        wish: `login`, `logout`, `ready` or `not_ready`.
        reason: Why not ready.
        until: When he is to be ready again by himself, Unix seconds, 0 for never.
        by: Who asks, as in the audit trail.
        session: Which login it is of: the newest one counts, an older one is told that it is over. Empty for others
            than the desk.
    """

    agent: str
    wish: str
    reason: str = ""
    until: float = 0.0
    by: str = ""
    session: str = ""


class TransferAsked(Message, frozen=True, tag=True):
    """Somebody wants a caller who talks to go on with somebody else, or the agent to consult somebody.

    Attributes:
        step: `routing.offers.Step`: blind, consult, complete, join, back.
        agent: Who talks with the caller; when it is somebody else by now, nothing happens.
        to_agent: Who is to take the caller on; empty for whoever fits best.
        business: What the caller needs now; empty for what he needed before. `dialect` likewise.
        by: Who asks, as in the audit trail.
    """

    call_id: str
    agent: str
    step: str = "blind"
    to_agent: str = ""
    business: str = ""
    dialect: str = ""
    by: str = ""


class AgentWanted(Message, frozen=True, tag=True):
    """An agent who talks wants to consult one of another site: that site lends him (`OfferMade`), or declines.

    Attributes:
        agent: Who is wanted.
        call_site: Whose call it is; that site tells this, and dials him. The rest is as of `CallWaiting`.
    """

    call_id: str
    call_site: str
    agent: str
    node: str
    channel: str
    city: str
    dialect: str
    business: str
    since: float
    lane: str
    county: str = ""
    only_dialect: bool = False


class ConsultRefused(Message, frozen=True, tag=True):
    """A consultation does not begin; caller and agent talk on. Told at the call's site.

    Attributes:
        agent: Who wanted to consult `to_agent`.
        why: The state of that agent; `unseen`: nothing is known of him now; `silent`: his site did not answer in
            time; `consults`: another consultation goes on; or how the attempt to dial him ended (`tiefull`: no
            channel of the tie line was free).
    """

    call_id: str
    agent: str
    to_agent: str
    why: str


class TicketMade(Message, frozen=True, tag=True):
    """A ticket was written for a call (exactly one per call that needs one). May be told again after a failure."""

    call_id: str
    ticket: str
    kind: str
    city: str


class NoticeChanged(Message, frozen=True, tag=True):
    """What is known of an outage changed; told by each site when its copy of the notices follows SQL.

    Attributes:
        county: Of the city, or empty for the whole city.
        cause: Id of the cause; empty when the place has no notice any more.
        until: When power is expected back, Unix seconds.
        since: When it was written, Unix seconds.
    """

    city: str
    county: str = ""
    cause: str = ""
    until: float = 0.0
    since: float = 0.0


class SurgeChanged(Message, frozen=True, tag=True):
    """A city began or ceased to call more than it usually does, or another measure is proposed for it.

    Attributes:
        at: Since when it is in this state.
        state: calm, rising or surge.
        calls: Calls of the last minutes (the window of `trunk_config/data/surge.toml`).
        usual: Calls that are usual in as many minutes at this hour and weekday.
        proposal: `profile <name>` or `divert <site>`, empty for none. Nobody does it by himself.
    """

    city: str
    state: str
    calls: int
    usual: float
    proposal: str = ""


class QuotaChanged(Message, frozen=True, tag=True):
    """Another version of a site's quotas is in force, or will be as soon as the site's Redis is there.

    Attributes:
        profile: The profile it was put on with, or the last one when single shares were set since.
        by: Who changed it, as in the audit trail.
    """

    site: str
    version: int
    profile: str
    by: str

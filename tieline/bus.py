"""What travels on a site's bus: typed events (somebody tells) and commands (somebody asks the bridge).

Pure: encoding and decoding only; `tieline.live` moves the bytes. Every message is one flat frozen struct; the
closed unions `Event` and `Command` are what a reader matches on. A message that does not decode is counted and
skipped by the reader, never fatal.
"""

from typing import Final

import msgspec

from tieline.errors import RemoteProtocolError


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of everything on the bus.

    Attributes:
        at: When it happened, Unix seconds.
    """

    at: float


# --- told by AGI scripts -------------------------------------------------------------------------------------


class CallArrived(Message, frozen=True, tag=True):
    """A call reached a node and was admitted or refused.

    Attributes:
        number: E.164 when shown, else empty. Personal data: readers mask it.
        refused_cause: Q.850 cause when refused (34 quota, 42 platform), else 0.
        trunk: Trunk group that it came by.
        verdict: `trunk_config.admission.Verdict`: admit, safety, message or silent.
        quota_version: The quotas that were decided by.
        lines_in_use: Lines that the city used after the decision, this call's included when it was admitted.
    """

    call_id: str
    node: str
    channel: str
    uniqueid: str
    city: str
    number_state: str
    number: str = ""
    refused_cause: int = 0
    trunk: str = ""
    verdict: str = ""
    quota_version: int = 0
    lines_in_use: int = 0


class MenuChosen(Message, frozen=True, tag=True):
    """The caller chose a dialect and a business (`business` empty while only the dialect is known)."""

    call_id: str
    dialect: str
    business: str = ""


class CallWaiting(Message, frozen=True, tag=True):
    """The call entered the waiting pool.

    Attributes:
        since: Arrival in the pool, Unix seconds; kept when the call comes back after no answer.
        lane: `tieline.model.Lane`.
        county: Where the caller is, or empty.
        only_dialect: The caller is known to manage no Mandarin.
        uniqueid: Of the caller's channel.
        number: E.164 when shown, for queue_log. Personal data: readers mask it.
    """

    call_id: str
    node: str
    channel: str
    city: str
    dialect: str
    business: str
    since: float
    lane: str = "normal"
    county: str = ""
    only_dialect: bool = False
    uniqueid: str = ""
    number: str = ""


class CallbackWanted(Message, frozen=True, tag=True):
    """The caller is to be called back; he keeps his place.

    Attributes:
        why: `routing.callback.Why`: key, hung_up or closed.
    """

    call_id: str
    city: str
    why: str


class OfferFailed(Message, frozen=True, tag=True):
    """The agent did not take the call (told by the `no_answer` script); `status` is Dial's DIALSTATUS."""

    call_id: str
    agent: str
    fence: int
    status: str


class CallRated(Message, frozen=True, tag=True):
    """The caller's rating after the talk: 1 (very satisfied) to 4, or 0 for none."""

    call_id: str
    rating: int


class CallJournalled(Message, frozen=True, tag=True):
    """The hang-up is on disk in the node's journal."""

    call_id: str
    node: str
    outcome: str
    witness: str


# --- told by the bridge --------------------------------------------------------------------------------------


class OfferTaken(Message, frozen=True, tag=True):
    """The hold loop took the offer out of the mailbox: only this is the grant."""

    call_id: str
    channel: str
    agent: str
    fence: int


class AgentRinging(Message, frozen=True, tag=True):
    """The agent's phone is being dialled for the call."""

    call_id: str
    agent: str


class AgentAnswered(Message, frozen=True, tag=True):
    """Caller and agent are connected; `uniqueid` is that of the agent's channel."""

    call_id: str
    agent: str
    uniqueid: str = ""


class AgentLegGone(Message, frozen=True, tag=True):
    """The agent's leg ended (hung up, not answered, refused, caller gone)."""

    call_id: str
    agent: str


class LineHeld(Message, frozen=True, tag=True):
    """A node let a call in by its own count, because nobody had decided in time: it holds a line that Redis lacks.

    Attributes:
        raw_number: Digits as the trunk showed them, nobody has read them yet. Personal data: readers mask it.
    """

    call_id: str
    node: str
    uniqueid: str
    city: str
    raw_number: str = ""


class CallGone(Message, frozen=True, tag=True):
    """The caller's own channel is gone from the node.

    Attributes:
        cause: Q.850 cause as Asterisk gave it; no evidence of who left (0 and 16 both occur).
        estimated: True when only a snapshot showed that it is gone; `at` is then the last sign of life.
    """

    call_id: str
    node: str
    channel: str
    uniqueid: str
    cause: int
    estimated: bool = False


class CallInNet(Message, frozen=True, tag=True):
    """The safety net serves the call from here on: the matcher was silent, or nobody knew of the call."""

    call_id: str
    node: str


class CallTransferred(Message, frozen=True, tag=True):
    """A blind or attended transfer happened on the call."""

    call_id: str
    kind: str


class CallerKey(Message, frozen=True, tag=True):
    """A key pressed by the caller outside an AGI script (AMI DTMFEnd), e.g. while waiting."""

    call_id: str
    digit: str


class PhoneSeen(Message, frozen=True, tag=True):
    """An agent's phone became reachable or unreachable at a node (registration, qualify)."""

    agent: str
    node: str
    reachable: bool


class NodeSeen(Message, frozen=True, tag=True):
    """The bridge's link to a node came up or went down."""

    node: str
    up: bool
    reason: str = ""


class ChannelSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One channel of a snapshot.

    Attributes:
        answered: Whether it is up; a caller's channel is answered once it was admitted.
        city: Of a caller's channel, as the node knows it; empty when it did not tell.
        raw_number: Of a caller's channel, digits as the trunk showed them. Personal data: readers mask it.
    """

    channel: str
    uniqueid: str
    linkedid: str
    call_id: str
    context: str
    application: str
    caller_leg: bool
    answered: bool = False
    city: str = ""
    raw_number: str = ""

    @property
    def holds_line(self) -> bool:
        """Whether it was answered and is not in its hang-up handler, which has given the line back."""
        return self.answered and self.context != "hangup"

    @property
    def hears_refusal(self) -> bool:
        """Whether it is told why it is refused: early media in the dialplan's context `refuse`."""
        return self.context == "refuse" and not self.answered


class NodeSnapshot(Message, frozen=True, tag=True):
    """Every channel a node has, taken after each (re)connect, at intervals, and when somebody asks.

    Attributes:
        started_at: When the node started, Unix seconds, known to the second; 0 when it did not tell.
    """

    node: str
    channels: tuple[ChannelSeen, ...]
    reachable_agents: tuple[str, ...] = ()
    started_at: float = 0.0


# --- told by the matcher and the ticket writer ---------------------------------------------------------------


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
    """The call's own site does not want the other site's agent: the call is gone or has an offer already."""

    call_id: str
    agent: str
    fence: int
    why: str


class OfferWithdrawn(Message, frozen=True, tag=True):
    """The offer ended without a talk; `why` is lease, gone or failed."""

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


class TicketMade(Message, frozen=True, tag=True):
    """A ticket was written for a call (exactly one per call that needs one)."""

    call_id: str
    ticket: str
    kind: str
    city: str


# --- told by whoever changes what is in force ----------------------------------------------------------------


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


Event = (
    CallArrived
    | MenuChosen
    | CallWaiting
    | CallbackWanted
    | OfferFailed
    | CallRated
    | CallJournalled
    | OfferTaken
    | AgentRinging
    | AgentAnswered
    | AgentLegGone
    | LineHeld
    | CallGone
    | CallInNet
    | CallTransferred
    | CallerKey
    | PhoneSeen
    | NodeSeen
    | NodeSnapshot
    | OfferMade
    | OfferDeclined
    | OfferWithdrawn
    | AgentChanged
    | AgentAsked
    | TicketMade
    | NoticeChanged
    | SurgeChanged
    | QuotaChanged
)


# --- commands to the bridge of one node ----------------------------------------------------------------------


class PutInMailbox(Message, frozen=True, tag=True):
    """Put a word into the channel's mailbox variable `TL_GO`; the hold loop pulls it.

    Attributes:
        word: `agent:<agent>:<fence>:<void from then on, Unix milliseconds>` or `static`; letters, digits, `:`, `_`,
            `-` only.
        expires: Not executed after this Unix time: a late offer would reach a caller already served.
    """

    call_id: str
    channel: str
    word: str
    expires: float


class RingCustomer(Message, frozen=True, tag=True):
    """Ring a customer who is to be called back, and lead him to the agent whom the matcher has reserved.

    Attributes:
        edge: The edge's endpoint, and `uri` what it is to be asked for: `<trunk group>*<number>@<host:port>`.
        ring_s: How long, seconds.
        shown: Number that the customer sees.
        facts: The call's variables, by name.
        expires: Not executed after this Unix time: the agent is not reserved any more.
    """

    call_id: str
    edge: str
    uri: str
    ring_s: float
    shown: str
    facts: dict[str, str]
    expires: float


class HangUpChannel(Message, frozen=True, tag=True):
    """Hang a channel up with a Q.850 cause."""

    channel: str
    cause: int


class SetGlobal(Message, frozen=True, tag=True):
    """Set a global variable of the node (heartbeats, notices, caps)."""

    name: str
    value: str


class TakeSnapshot(Message, frozen=True, tag=True):
    """List the node's channels now (told as `NodeSnapshot`)."""


class SetQueueMember(Message, frozen=True, tag=True):
    """Let the safety net ring an agent, or not: in every queue of the node that he is a member of.

    Attributes:
        reason: Why not, for Asterisk's queue_log.
    """

    agent: str
    paused: bool
    reason: str = ""


class NetQueue(msgspec.Struct, frozen=True, kw_only=True):
    """One queue of the safety net; `members` are agents, each with his penalty."""

    name: str
    members: dict[str, int]


class SetNetQueues(Message, frozen=True, tag=True):
    """Make the safety net's members right as a whole: after a restart of node, bridge or matcher.

    Attributes:
        paused: Agents whom the net must not ring, each with the reason; all other members it may.
    """

    queues: tuple[NetQueue, ...]
    paused: dict[str, str]


class QueueLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of queue_log: `<time>|<uniqueid>|<queue>|<agent>|<event>|<fields>`; Asterisk adds the time."""

    queue: str
    event: str
    uniqueid: str
    agent: str
    fields: tuple[str, ...] = ()


class WriteQueueLog(Message, frozen=True, tag=True):
    """Write lines into the node's queue_log, in order."""

    lines: tuple[QueueLine, ...]


Command = (
    WriteQueueLog
    | PutInMailbox
    | RingCustomer
    | SetQueueMember
    | SetNetQueues
    | HangUpChannel
    | SetGlobal
    | TakeSnapshot
)

_EVENTS: Final[msgspec.json.Decoder[Event]] = msgspec.json.Decoder(Event)
_COMMANDS: Final[msgspec.json.Decoder[Command]] = msgspec.json.Decoder(Command)
_ENCODER: Final = msgspec.json.Encoder()


def encode(message: Event | Command) -> bytes:
    """Encode a message as one JSON object."""
    return _ENCODER.encode(message)


def decode_event(raw: bytes) -> Event:
    """Decode an event.

    Raises:
        RemoteProtocolError: Not JSON, an unknown type, or a field missing or of the wrong type.
    """
    try:
        return _EVENTS.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RemoteProtocolError(f"bus event: {error}") from error


def decode_command(raw: bytes) -> Command:
    """Decode a command; raises RemoteProtocolError as `decode_event` does."""
    try:
        return _COMMANDS.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RemoteProtocolError(f"bus command: {error}") from error

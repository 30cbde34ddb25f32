"""Commands to the bridge of one node."""

import msgspec

from tieline.bus.message import Message


class PutInMailbox(Message, frozen=True, tag=True):
    """Put a word into the channel's mailbox variable `TL_GO`; the hold loop pulls it.

    Attributes:
        word: `agent:<agent>:<fence>:<void from then on, Unix milliseconds>`, with `:<node>` when that one reaches the
            agent's phone; `static` or `callback`; letters, digits, `:`, `_`, `-` only.
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


class SendOn(Message, frozen=True, tag=True):
    """Take a caller out of his talk and send him on to somebody else (context `transfer`).

    Attributes:
        to: `<business>:<dialect>:<agent>`, each may be empty; small letters, digits, `_` only.
        expires: Not executed after this Unix time: the caller may be in another talk by then.
    """

    call_id: str
    channel: str
    to: str
    expires: float


class Consult(Message, frozen=True, tag=True):
    """Let an agent who talks consult another one, or end that: a step of Asterisk's attended transfer.

    Attributes:
        agent: Who talks with the caller; his leg is the bridge's to find.
        step: consult, complete, join or back.
        to_agent: Whom he consults.
        expires: Not executed after this Unix time.
        fence: Of the offer to that agent.
        by_way_of: Node that reaches his phone; empty when this one does.
    """

    call_id: str
    agent: str
    step: str
    to_agent: str
    expires: float
    fence: int = 0
    by_way_of: str = ""


class NoteLeg(Message, frozen=True, tag=True):
    """Note on the caller's channel who talks with him from `begun_at` on: all other parts of the talk end there.

    Attributes:
        agent: Empty while the next agent's phone still rings; one whose part goes on goes on.
        beside: The other parts go on, too: three talk.
    """

    call_id: str
    channel: str
    agent: str
    begun_at: float
    beside: bool = False


class EndLeg(Message, frozen=True, tag=True):
    """Hang up an agent's leg in a call, which is the bridge's to find."""

    call_id: str
    agent: str


class HangUpChannel(Message, frozen=True, tag=True):
    """Hang a channel up with a Q.850 cause."""

    channel: str
    cause: int


class SetGlobal(Message, frozen=True, tag=True):
    """Set a global variable of the node to a number (caps, the version that they are of)."""

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

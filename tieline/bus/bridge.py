"""Events told by the bridge: what Asterisk does."""

import msgspec

from tieline.bus.message import Message


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


class CallRefused(Message, frozen=True, tag=True):
    """A node refused a call by its own count, because nobody had decided in time.

    Attributes:
        cause: Q.850: 34 quota, 42 platform.
    """

    call_id: str
    node: str
    city: str
    cause: int


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
    """A transfer happened on the call.

    Attributes:
        kind: blind; attended: the first agent has left the caller to the second one, answered or ringing, though his
            leg may end later; threeway: all three talk.
    """

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

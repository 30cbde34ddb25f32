"""What travels on a site's bus: typed events (somebody tells) and commands (somebody asks the bridge).

Pure: encoding and decoding only; `tieline.live` moves the bytes. Every message is one flat frozen struct; the
closed unions `Event` and `Command` are what a reader matches on. A message that does not decode is counted and
skipped by the reader, never fatal.
"""

from typing import Final

import msgspec

from tieline.bus.bridge import (
    AgentAnswered,
    AgentLegGone,
    AgentRinging,
    CallerKey,
    CallGone,
    CallInNet,
    CallRefused,
    CallTransferred,
    ChannelSeen,
    LineHeld,
    NodeSeen,
    NodeSnapshot,
    OfferTaken,
    PhoneSeen,
)
from tieline.bus.commands import (
    Consult,
    EndLeg,
    HangUpChannel,
    NetQueue,
    NoteLeg,
    PutInMailbox,
    QueueLine,
    RingCustomer,
    SendOn,
    SetGlobal,
    SetNetQueues,
    SetQueueMember,
    TakeSnapshot,
    WriteQueueLog,
)
from tieline.bus.decided import (
    AgentAsked,
    AgentChanged,
    AgentWanted,
    ConsultRefused,
    NoticeChanged,
    OfferDeclined,
    OfferMade,
    OfferWithdrawn,
    QuotaChanged,
    SurgeChanged,
    TicketMade,
    TransferAsked,
)
from tieline.bus.message import Message
from tieline.bus.scripts import (
    CallArrived,
    CallbackWanted,
    CallJournalled,
    CallRated,
    CallWaiting,
    MenuChosen,
    OfferFailed,
)
from tieline.errors import RemoteProtocolError

__all__ = [
    "AgentAnswered",
    "AgentAsked",
    "AgentChanged",
    "AgentLegGone",
    "AgentRinging",
    "AgentWanted",
    "CallArrived",
    "CallGone",
    "CallInNet",
    "CallJournalled",
    "CallRated",
    "CallRefused",
    "CallTransferred",
    "CallWaiting",
    "CallbackWanted",
    "CallerKey",
    "ChannelSeen",
    "Command",
    "Consult",
    "ConsultRefused",
    "EndLeg",
    "Event",
    "HangUpChannel",
    "LineHeld",
    "MenuChosen",
    "Message",
    "NetQueue",
    "NodeSeen",
    "NodeSnapshot",
    "NoteLeg",
    "NoticeChanged",
    "OfferDeclined",
    "OfferFailed",
    "OfferMade",
    "OfferTaken",
    "OfferWithdrawn",
    "PhoneSeen",
    "PutInMailbox",
    "QueueLine",
    "QuotaChanged",
    "RingCustomer",
    "SendOn",
    "SetGlobal",
    "SetNetQueues",
    "SetQueueMember",
    "SurgeChanged",
    "TakeSnapshot",
    "TicketMade",
    "TransferAsked",
    "WriteQueueLog",
    "decode_command",
    "decode_event",
    "encode",
]

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
    | CallRefused
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
    | TransferAsked
    | AgentWanted
    | ConsultRefused
    | TicketMade
    | NoticeChanged
    | SurgeChanged
    | QuotaChanged
)

Command = (
    WriteQueueLog
    | PutInMailbox
    | RingCustomer
    | SendOn
    | Consult
    | NoteLeg
    | EndLeg
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

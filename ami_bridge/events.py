"""The AMI events we use, as frozen types, and how each is read out of a packet.

Only the headers named here are read; each field says which header it comes from. A header that is missing gives an
empty text, or -1 for a number (Asterisk leaves out the caller's side of a dial without a caller). Source of names:
Asterisk 22.10 as recorded in tests/wire/ami_bridge.
"""

import re
from collections.abc import Callable
from typing import Annotated, Final, TypeVar, cast, get_type_hints

import msgspec

from ami_bridge.wire import Packet, all_headers, event_name, mended


class AmiEvent(msgspec.Struct, frozen=True, gc=False):
    """Base of every typed event; its class is named like the event."""


class ChannelEvent(AmiEvent, frozen=True, gc=False):
    """An event about one channel.

    Attributes:
        uniqueid: Full Uniqueid, e.g. `fuzhou-1-1795249936.0`: its part before the dot is not unique.
        account_code: The call id, once the first line of the dialplan has set it.
    """

    channel: Annotated[str, "Channel"]
    account_code: Annotated[str, "AccountCode"]
    uniqueid: Annotated[str, "Uniqueid"]


class Newchannel(ChannelEvent, frozen=True, gc=False):
    """A channel was made (sent to us for entry endpoints only)."""


class NewAccountCode(ChannelEvent, frozen=True, gc=False):
    """The account code of a channel was set: from here on its call id is known."""


class Hangup(ChannelEvent, frozen=True, gc=False):
    """A channel is gone, after its hang-up handlers.

    Attributes:
        cause: Q.850 cause.
        timestamp: Unix seconds by Asterisk's clock (`timestampevents=yes`): point A of the repair clock.
    """

    cause: Annotated[int, "Cause"] = -1
    timestamp: Annotated[float, "Timestamp"] = -1


class DialEvent(ChannelEvent, frozen=True, gc=False):
    """Base of the two ends of a dial; without a caller (Originate) the first three fields are empty."""

    dest_channel: Annotated[str, "DestChannel"] = ""
    dest_account_code: Annotated[str, "DestAccountCode"] = ""
    dest_uniqueid: Annotated[str, "DestUniqueid"] = ""


class DialBegin(DialEvent, frozen=True, gc=False):
    """A channel is being dialled; `dial_string` is what stood after `PJSIP/`, e.g. `a2001@node-xiamen-1`."""

    dial_string: Annotated[str, "DialString"] = ""


class DialEnd(DialEvent, frozen=True, gc=False):
    """A dial ended; `dial_status` is ANSWER, BUSY, CANCEL, CHANUNAVAIL, CONGESTION, NOANSWER or another."""

    dial_status: Annotated[str, "DialStatus"] = ""


class BridgeEnter(ChannelEvent, frozen=True, gc=False):
    """A channel entered a bridge."""


class BridgeLeave(ChannelEvent, frozen=True, gc=False):
    """A channel left a bridge."""


class UserEvent(ChannelEvent, frozen=True, gc=False):
    """An event our own dialplan sent; each kind has some of these headers, the others are empty."""

    name: Annotated[str, "UserEvent"] = ""
    call_id: Annotated[str, "CallId"] = ""
    agent: Annotated[str, "Agent"] = ""
    fence: Annotated[str, "Fence"] = ""
    status: Annotated[str, "Status"] = ""
    city: Annotated[str, "City"] = ""
    cause: Annotated[str, "Cause"] = ""
    caller_number: Annotated[str, "CallerIDNum"] = ""


class DTMFEnd(ChannelEvent, frozen=True, gc=False):
    """A key was pressed; `direction` is Received (from that channel's phone) or Sent."""

    digit: Annotated[str, "Digit"] = ""
    direction: Annotated[str, "Direction"] = ""


class Hold(ChannelEvent, frozen=True, gc=False):
    """A phone put its call on hold."""


class Unhold(ChannelEvent, frozen=True, gc=False):
    """A phone took its call off hold."""


class BlindTransfer(AmiEvent, frozen=True, gc=False):
    """A blind transfer; `result` is Success or a kind of Fail."""

    result: Annotated[str, "Result"]
    transferer_account_code: Annotated[str, "TransfererAccountCode"]
    transferee_account_code: Annotated[str, "TransfereeAccountCode"]


class AttendedTransfer(AmiEvent, frozen=True, gc=False):
    """An attended transfer; the original transferer is the leg that talks with the caller.

    Attributes:
        dest_type: `Threeway` when all three go on talking, else what the caller was joined with.
    """

    result: Annotated[str, "Result"]
    transferer_account_code: Annotated[str, "OrigTransfererAccountCode"]
    transferee_account_code: Annotated[str, "TransfereeAccountCode"]
    dest_type: Annotated[str, "DestType"]


class QueueCallerJoin(ChannelEvent, frozen=True, gc=False):
    """A caller entered the static queue: the matcher was silent."""


class QueueCallerAbandon(ChannelEvent, frozen=True, gc=False):
    """A caller left the static queue unserved."""


class AgentConnect(ChannelEvent, frozen=True, gc=False):
    """The static queue connected a caller with a member."""


class AgentComplete(ChannelEvent, frozen=True, gc=False):
    """A talk that the static queue had connected is over."""


class ContactStatus(AmiEvent, frozen=True, gc=False):
    """A contact of an endpoint came, went, or was found (un)reachable."""

    uri: Annotated[str, "URI"]
    status: Annotated[str, "ContactStatus"]
    endpoint: Annotated[str, "EndpointName"]


class FullyBooted(AmiEvent, frozen=True, gc=False):
    """Asterisk is up; sent at once to a client that logs in later. `uptime_s` are whole seconds since its start."""

    uptime_s: Annotated[int, "Uptime"] = -1


class Shutdown(AmiEvent, frozen=True, gc=False):
    """Asterisk goes down in order."""


class CoreShowChannel(ChannelEvent, frozen=True, gc=False):
    """One line of the answer to `CoreShowChannels`."""

    linkedid: Annotated[str, "Linkedid"] = ""
    context: Annotated[str, "Context"] = ""
    application: Annotated[str, "Application"] = ""
    state: Annotated[int, "ChannelState"] = -1
    caller_number: Annotated[str, "CallerIDNum"] = ""

    @property
    def is_up(self) -> bool:
        """Whether it was answered (Asterisk's AST_STATE_UP)."""
        return self.state == _UP


class ContactList(AmiEvent, frozen=True, gc=False):
    """One line of the answer to `PJSIPShowContacts`."""

    endpoint: Annotated[str, "Endpoint"]
    uri: Annotated[str, "Uri"]
    status: Annotated[str, "Status"]


class QueueMember(AmiEvent, frozen=True, gc=False):
    """One member of a queue in the answer to `QueueStatus`; `paused` is 1 for one that is not rung."""

    queue: Annotated[str, "Queue"]
    interface: Annotated[str, "Location"]
    paused: Annotated[int, "Paused"] = -1


Kind = TypeVar("Kind", bound=AmiEvent)


class UnknownEvent(AmiEvent, frozen=True, gc=False):
    """An event that we do not model, kept whole."""

    name: str
    headers: tuple[tuple[str, str], ...]


MODELLED: Final[dict[str, type[AmiEvent]]] = {
    kind.__name__: kind
    for kind in (
        Newchannel, NewAccountCode, Hangup, DialBegin, DialEnd, BridgeEnter, BridgeLeave, UserEvent, DTMFEnd, Hold,
        Unhold, BlindTransfer, AttendedTransfer, QueueCallerJoin, QueueCallerAbandon, AgentConnect, AgentComplete,
        ContactStatus, FullyBooted, Shutdown, CoreShowChannel, ContactList, QueueMember,
    )
}  # fmt: skip
"""Every event we model, by its name on the wire."""


def decode_event(packet: Packet) -> AmiEvent | None:
    """Give the typed event of a packet, `UnknownEvent` for one that we do not model, None for a response."""
    name = event_name(packet)
    if not name:
        return None
    kind = MODELLED.get(name)
    return UnknownEvent(name, tuple(all_headers(packet))) if kind is None else _READERS[kind](packet)


def reader_of(kind: type[Kind]) -> Callable[[Packet], Kind]:
    """Make the function that reads one kind of event out of a packet.

    The search for each header goes on where the last one ended, because Asterisk sends headers in a fixed order
    and the fields above follow it; a header that is not found there is looked for from the start.
    """
    headers = _headers(kind)
    first = sorted(
        range(len(headers)), key=lambda place: headers[place][0] != "Timestamp"
    )  # a base's fields come first
    plan = tuple((place, f"\r\n{headers[place][0]}: ".encode(), len(headers[place][0]) + 4) for place in first)
    numbers = tuple((place, convert) for place, (_, convert) in enumerate(headers) if convert is not None)
    empty: list[str | float] = [""] * len(headers)

    def read(packet: Packet) -> Kind:
        find = packet.find
        values = empty.copy()
        at = 0
        try:
            for place, lead, size in plan:
                start = find(lead, at)
                if start < 0 and (start := find(lead)) < 0:
                    continue
                start += size
                at = find(b"\r", start)  # one byte is found sooner than two; a lone CR ends a value, too
                values[place] = (packet[start:at] if at >= 0 else packet[start:]).decode()
        except UnicodeDecodeError:
            return read(mended(packet))
        for place, convert in numbers:
            values[place] = convert(cast("str", values[place]))
        return kind(*values)

    return read


def _headers(kind: type[AmiEvent]) -> list[tuple[str, Callable[[str], float] | None]]:
    """List the header of each field, in order, and how its text becomes a number (None: it stays text)."""
    hints = get_type_hints(kind, include_extras=True)
    converters: dict[type, Callable[[str], float]] = {int: _whole, float: _seconds}
    return [(hints[name].__metadata__[0], converters.get(hints[name].__origin__)) for name in kind.__struct_fields__]


def _whole(text: str) -> int:
    return int(text) if _WHOLE.fullmatch(text) else -1


def _seconds(text: str) -> float:
    return float(text) if _SECONDS.fullmatch(text) else -1


_UP: Final = 6
_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_SECONDS: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_READERS: Final = {kind: reader_of(kind) for kind in MODELLED.values()}

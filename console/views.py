"""What the live page shows of a site: typed views, without a caller's number, and what one city may see. Pure."""

from collections.abc import Mapping
from typing import Final

import msgspec

from console.lines import LinesView, QuotaView, Refused
from console.situation import Notices, Surges

TICKETS_KEPT: Final = 50


class CallState:
    """Where a call is; plain strings, because they go to the page as they are."""

    MENU: Final = "menu"
    WAITING: Final = "waiting"
    RINGING: Final = "ringing"
    TALKING: Final = "talking"
    AFTER: Final = "after"
    """The talk is over, the caller still there: rating."""
    REFUSED: Final = "refused"
    UNKNOWN: Final = "unknown"
    """Seen on the node only: it came before the bus remembers."""


class CallView(msgspec.Struct, frozen=True, kw_only=True):
    """One call in progress. Times are Unix seconds.

    Attributes:
        caller: Last four digits of the number after an ellipsis, or empty.
        since: When the call arrived.
        state_since: When it got into its state; for a waiting call since it first waited, offers between or not.
        waiting_since: When it first waited, 0 before.
    """

    call_id: str
    city: str
    node: str
    state: str
    since: float
    state_since: float
    waiting_since: float = 0.0
    caller: str = ""
    number_state: str = ""
    dialect: str = ""
    business: str = ""
    agent: str = ""


class AgentView(msgspec.Struct, frozen=True, kw_only=True):
    """One agent; `call_id` is the call in hand, or empty."""

    agent: str
    state: str
    since: float
    reason: str = ""
    reachable: bool = True
    call_id: str = ""


class NodeView(msgspec.Struct, frozen=True, kw_only=True):
    """The bridge's link to one node."""

    node: str
    up: bool
    since: float
    reason: str = ""


class TicketView(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as it was made."""

    ticket: str
    call_id: str
    kind: str
    city: str
    at: float


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """All of it.

    Attributes:
        at: When the last event happened, Unix seconds.
        tickets: The newest first, `TICKETS_KEPT` at most.
        counts: By city, how many calls arrived, ended how, and tickets; since `counted_from`.
        counted_from: Time of the first event counted, 0 before any.
        notices: By place.
        surges: By city, those that are not calm.
        lines: By city, as Redis has them.
        quota: What is in force, None before it was ever known.
        refused: Refused calls by city and cause, since `counted_from`.
    """

    at: float = 0.0
    calls: Mapping[str, CallView] = msgspec.field(default_factory=dict)
    agents: Mapping[str, AgentView] = msgspec.field(default_factory=dict)
    nodes: Mapping[str, NodeView] = msgspec.field(default_factory=dict)
    tickets: tuple[TicketView, ...] = ()
    counts: Mapping[str, Mapping[str, int]] = msgspec.field(default_factory=dict)
    counted_from: float = 0.0
    notices: Notices = msgspec.field(default_factory=dict)
    surges: Surges = msgspec.field(default_factory=dict)
    lines: Mapping[str, LinesView] = msgspec.field(default_factory=dict)
    quota: QuotaView | None = None
    refused: Refused = msgspec.field(default_factory=dict)


def masked(number: str) -> str:
    """Give the last four digits of a number after an ellipsis; empty when it has fewer than seven."""
    return f"…{number[-4:]}" if len(number) > 6 else ""


def of_city(picture: Picture, city: str) -> Picture:
    """Give the part of the picture that belongs to one city; agents and nodes belong to none."""
    return msgspec.structs.replace(
        picture,
        calls={call_id: call for call_id, call in picture.calls.items() if call.city == city},
        agents={},
        nodes={},
        tickets=tuple(ticket for ticket in picture.tickets if ticket.city == city),
        counts={name: counts for name, counts in picture.counts.items() if name == city},
        notices={place: notice for place, notice in picture.notices.items() if notice.city == city},
        surges={name: surge for name, surge in picture.surges.items() if name == city},
        lines={name: lines for name, lines in picture.lines.items() if name == city},
        refused={name: causes for name, causes in picture.refused.items() if name == city},
    )

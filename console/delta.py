"""What changed from one picture to the next, and both as the page is told. Pure."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from console.lines import LinesView, QuotaView
from console.situation import NoticeView, SurgeView
from console.views import AgentView, CallView, NodeView, Picture, TicketView

T = TypeVar("T")

_ENCODER: Final = msgspec.json.Encoder()


class Delta(msgspec.Struct, frozen=True, kw_only=True, tag="delta", tag_field="type"):
    """Changes; a name with null is gone.

    Attributes:
        quota: What is in force now, null when it is as before.
    """

    at: float
    calls: Mapping[str, CallView | None] = {}
    agents: Mapping[str, AgentView | None] = {}
    nodes: Mapping[str, NodeView | None] = {}
    tickets: tuple[TicketView, ...] = ()
    counts: Mapping[str, Mapping[str, int] | None] = {}
    notices: Mapping[str, NoticeView | None] = {}
    surges: Mapping[str, SurgeView | None] = {}
    lines: Mapping[str, LinesView | None] = {}
    quota: QuotaView | None = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot", tag_field="type"):
    """Everything, and what the page must know of the network.

    Attributes:
        now: The server's clock, so that running clocks agree with it.
        about: Names of cities, dialects, kinds of tickets.
    """

    now: float
    picture: Picture
    about: Mapping[str, Any]


def maybe_delta(before: Picture, after: Picture) -> Delta | None:
    """Give what changed, or None when nothing did."""
    known = {ticket.ticket for ticket in before.tickets}
    delta = Delta(
        at=after.at,
        calls=_changed(before.calls, after.calls),
        agents=_changed(before.agents, after.agents),
        nodes=_changed(before.nodes, after.nodes),
        tickets=tuple(ticket for ticket in after.tickets if ticket.ticket not in known),
        counts=_changed(before.counts, after.counts),
        notices=_changed(before.notices, after.notices),
        surges=_changed(before.surges, after.surges),
        lines=_changed(before.lines, after.lines),
        quota=after.quota if after.quota != before.quota else None,
    )
    return delta if delta != Delta(at=after.at) else None


def _changed(before: Mapping[str, T], after: Mapping[str, T]) -> dict[str, T | None]:
    changed: dict[str, T | None] = {
        name: value for name, value in after.items() if name not in before or before[name] != value
    }
    changed.update(dict.fromkeys(before.keys() - after.keys()))
    return changed


def encoded(message: Delta | Snapshot | Picture) -> str:
    """Encode as JSON text."""
    return _ENCODER.encode(message).decode()

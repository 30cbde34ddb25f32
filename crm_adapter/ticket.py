"""A ticket: what must be done for a customer after a call. Pure."""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from crm_adapter.record import CallRecord
from tieline.clock import CHINA

_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U, so that a number can be read out on the phone."""
_GROUPS: Final = 3


class TicketState(StrEnum):
    """Where a ticket is; the ticket issue adds the states of a work order."""

    NEW = "new"
    CLOSED = "closed"


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket. There is at most one for each call id.

    Attributes:
        ticket: Its number, e.g. `20261121-4QK7-9ZXA-M2TD`: the day of A in China, then 60 bits of the call id's hash.
        created_at: When it was written, Unix seconds.
        hangup_at: Point A of the repair clock, Unix seconds.
        estimated: A is the last sign of life, not a hang-up that somebody saw.
        number: E.164, empty unless shown. Personal data.
        stands_in_for: The site that the business belongs to, when another site's agent answered in its place.
    """

    ticket: str
    call_id: str
    kind: str
    state: TicketState
    created_at: float
    hangup_at: float
    estimated: bool
    site: str
    city: str
    dialect: str
    business: str
    outcome: str
    number_state: str
    number: str
    agent: str
    net: bool
    stands_in_for: str = ""


def ticket_of(record: CallRecord, kind: str, *, now: float, stands_in_for: str = "") -> Ticket:
    """Make the ticket of a call; the same number every time for the same call and A."""
    hangup_at = record.hangup_at or now
    return Ticket(
        ticket=ticket_number(record.call_id, hangup_at),
        call_id=record.call_id,
        kind=kind,
        state=TicketState.NEW,
        created_at=now,
        hangup_at=hangup_at,
        estimated=record.estimated or not record.hangup_at,
        site=record.site,
        city=record.city,
        dialect=record.dialect,
        business=record.business,
        outcome=record.outcome,
        number_state=record.number_state,
        number=record.number,
        agent=record.agent,
        net=record.net,
        stands_in_for=stands_in_for,
    )


def followed(old: Ticket, new: Ticket) -> Ticket:
    """Let a ticket that nobody works on follow what is now known; its number and birth stay."""
    if old.state is not TicketState.NEW:
        return old
    return msgspec.structs.replace(new, ticket=old.ticket, created_at=old.created_at)


def ticket_number(call_id: str, hangup_at: float) -> str:
    """Give a ticket number that needs no counter: both sites and any node can make one without asking another."""
    value = int.from_bytes(hashlib.sha256(call_id.encode()).digest()[:8])
    letters = "".join(_LETTERS[value >> 5 * place & 31] for place in range(_GROUPS * 4))
    groups = (letters[start : start + 4] for start in range(0, len(letters), 4))
    day = datetime.fromtimestamp(hangup_at, CHINA).strftime("%Y%m%d")
    return "-".join((day, *groups))

"""A caller who is to be called back: he keeps his arrival time, and has one entry under his call id. Pure."""

from enum import StrEnum

import msgspec

from routing.callback_rules import CallbackRules
from tieline.model import Business, CallId, CityId, DialectId, SiteId


class Why(StrEnum):
    """How an entry came to be."""

    KEY = "key"
    """He pressed the key while he waited."""
    HUNG_UP = "hung_up"
    """He hung up while he waited for repair."""
    CLOSED = "closed"
    """His business was not answered at that hour."""


class State(StrEnum):
    """How far it is."""

    OPEN = "open"
    REACHED = "reached"
    """He was called back and spoke with an agent."""
    CALLED_AGAIN = "called_again"
    """He called by himself before we did."""
    NOT_REACHED = "not_reached"
    """All tries were in vain, or it became too old."""
    CANCELLED = "cancelled"


class Callback(msgspec.Struct, frozen=True, kw_only=True):
    """One entry.

    Attributes:
        site: Whose call it was, and whose pool it waits in.
        number: E.164. Personal data: readers mask it.
        trunk: Trunk group by which he came.
        since: His arrival in the pool, Unix seconds: his place is kept.
        made_at: When the entry was made.
        tries: How often he was rung in vain.
        next_at: Not to be rung before, Unix seconds.
        ended_at: 0 while it is open.
    """

    call_id: CallId
    site: SiteId
    city: CityId
    trunk: str
    number: str
    dialect: DialectId
    business: Business
    why: Why
    since: float
    made_at: float
    state: State = State.OPEN
    tries: int = 0
    next_at: float = 0.0
    ended_at: float = 0.0


def ended(entry: Callback, state: State, now: float) -> Callback:
    """End an entry; one that has ended stays as it is."""
    if entry.state is not State.OPEN:
        return entry
    return msgspec.structs.replace(entry, state=state, ended_at=now)


def tried_in_vain(entry: Callback, *, rules: CallbackRules, now: float) -> Callback:
    """Note a try that reached nobody: the next one is at another time of the day, or it was the last."""
    tried = msgspec.structs.replace(entry, tries=entry.tries + 1)
    following = rules.next_try(tried.tries, now)
    if following is None:
        return ended(tried, State.NOT_REACHED, now)
    return msgspec.structs.replace(tried, next_at=following)


def too_old(entry: Callback, rules: CallbackRules, now: float) -> Callback:
    """End an entry that nobody could be reached for in time."""
    return ended(entry, State.NOT_REACHED, now) if entry.made_at + rules.keep_s <= now else entry

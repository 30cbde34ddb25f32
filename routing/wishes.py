"""What an agent wants: log-ins and wishes, folded in the order in which they were said. Pure.

Wishes may reach us late, twice or in another order: the last ones are kept and folded anew, so that what stands
depends on what was said and when, not on the way it took.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import reduce
from typing import Final

_KEPT: Final = 8
"""Wishes that a later one may still come before; an agent says a few in an hour."""


class Wish(StrEnum):
    """What somebody can ask about an agent (`tieline.bus.AgentAsked.wish`)."""

    LOGIN = "login"
    LOGOUT = "logout"
    READY = "ready"
    NOT_READY = "not_ready"


class Reason(StrEnum):
    """Why an agent is not ready."""

    LOGIN = "login"
    """Logged in, and has not said yet that he is ready."""
    SHORT_BREAK = "short_break"
    MEAL = "meal"
    TRAINING = "training"
    SUPERVISOR = "supervisor"
    """Put there by a supervisor: the agent's own desk cannot end it."""
    NO_ANSWER = "no_answer"
    """Did not take a call: comes back by himself after a while."""
    PHONE_GONE = "phone_gone"
    OWN_CALL = "own_call"
    """His phone is in a call that no matcher gave him."""


ASKABLE: Final = (Reason.SHORT_BREAK, Reason.MEAL, Reason.TRAINING, Reason.SUPERVISOR)
"""Reasons that somebody can give; the others are found out."""


@dataclass(frozen=True, slots=True, order=True)
class Asked:
    """Somebody wants an agent in another state.

    Attributes:
        at: When it was said, Unix seconds.
        reason: Why not ready, out of `ASKABLE`.
        until: When he is ready again by himself, Unix seconds, 0 for never.
        session: Which log-in it is of; empty for others than the agent's desk.
    """

    at: float
    wish: Wish
    session: str = ""
    reason: str = ""
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands after some wishes.

    Attributes:
        logged_in: None while nobody has ever said.
        session: The desk that counts, or empty.
        reason: Why he does not want calls, or empty.
        until: When `reason` ends by itself, 0 for never.
        ready_at: When he last said that he is ready, 0 for never.
        free_at: When he last ceased to be withheld, 0 for never.
    """

    logged_in: bool | None = None
    session: str = ""
    reason: str = ""
    until: float = 0.0
    ready_at: float = 0.0
    free_at: float = 0.0

    def withheld(self, now: float) -> bool:
        """Tell whether he wants no calls now."""
        return bool(self.reason) and not 0 < self.until <= now

    def after(self, asked: Asked) -> "Standing":
        """Give what stands after one more wish; one of a session that is over changes nothing."""
        if asked.wish is Wish.LOGIN:
            session = asked.session or self.session
            if self.logged_in:
                return replace(self, session=session)  # a page loaded anew, or a second desk: the newest counts
            return replace(self, logged_in=True, session=session, reason=Reason.LOGIN, until=0.0)
        if asked.session and asked.session != self.session:
            return self
        if asked.wish is Wish.LOGOUT:
            return replace(self, logged_in=False, session="", reason="", until=0.0)
        held = self.reason == Reason.SUPERVISOR and self.withheld(asked.at)
        if self.logged_in is False or (held and asked.session):
            return self
        if asked.wish is Wish.READY:
            free_at = asked.at if self.withheld(asked.at) else self.until if self.reason else self.free_at
            return replace(self, reason="", until=0.0, ready_at=asked.at, free_at=free_at)
        return replace(self, reason=asked.reason, until=asked.until)


@dataclass(frozen=True, slots=True)
class Wishes:
    """The last wishes about an agent, and what stands after them.

    Attributes:
        base: What stood before the ones that are kept.
        kept: Oldest first.
    """

    base: Standing = Standing()
    kept: tuple[Asked, ...] = ()
    standing: Standing = Standing()

    def after(self, asked: Asked) -> "Wishes":
        """Take one more wish at its place in time; one that is older than all that are kept comes too late."""
        too_late = len(self.kept) == _KEPT and asked < self.kept[0]
        if too_late or asked in self.kept:
            return self
        base, kept = self.base, tuple(sorted((*self.kept, asked)))
        if len(kept) > _KEPT:
            base, kept = base.after(kept[0]), kept[1:]
        return Wishes(base, kept, reduce(Standing.after, kept, base))

"""What is known of an agent's legs in calls, merged from news that may come late, twice or not at all. Pure."""

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec.structs import replace

from tieline.model import CallId

_REMEMBERED_S: Final = 60.0
"""A leg that is over is kept so long: late news of it must not look like a new one."""


class Leg(msgspec.Struct, frozen=True):
    """An agent's part in one call; the newest time of each kind of news, Unix seconds, 0 while there was none.

    Attributes:
        wrap_up_s: The pause that a talk of this leg leads to; kept, so that a restart with another setting does not
            move the deadline.
        gone_at: The leg itself ended.
        call_over_at: The call ended: stands for `gone_at` where that was missed.
        idle_at: The phone was seen in no call: stands for both where they were missed.
    """

    call_id: CallId
    wrap_up_s: float
    rung_at: float = 0.0
    answered_at: float = 0.0
    gone_at: float = 0.0
    call_over_at: float = 0.0
    idle_at: float = 0.0

    @property
    def begun_at(self) -> float:
        """When it last rang or was answered."""
        return max(self.rung_at, self.answered_at)

    @property
    def over_at(self) -> float:
        """When it ended, 0 while it is open."""
        begun_at = self.begun_at
        for at in (self.gone_at, self.call_over_at, self.idle_at):
            if at and at >= begun_at:
                return at
        return 0.0


class Worked(msgspec.Struct, frozen=True):
    """The last talk that ended.

    Attributes:
        over_at: When it ended, Unix seconds, 0 for never.
        until: The end of the wrap-up that follows.
    """

    over_at: float = 0.0
    until: float = 0.0


class Legs(msgspec.Struct, frozen=True):
    """An agent's legs: those that are open, and those that ended lately.

    Attributes:
        kept: In the order of their call ids.
        idle_at: When the phone was last seen in no call.
        before: The last talk of those that are no longer kept.
    """

    kept: tuple[Leg, ...] = ()
    idle_at: float = 0.0
    before: Worked = Worked()

    def of(self, call_id: CallId, wrap_up_s: float) -> Leg:
        """Give what is known of the leg in a call."""
        return next((leg for leg in self.kept if leg.call_id == call_id), Leg(call_id, wrap_up_s))

    def with_leg(self, leg: Leg, now: float) -> "Legs":
        """Put a leg in the place of what was known of it, and forget those that ended long ago."""
        others = (other for other in self.kept if other.call_id != leg.call_id)
        everyone = sorted((*others, _seen_idle(leg, self.idle_at)), key=lambda each: each.call_id)
        old = [each for each in everyone if 0 < each.over_at < now - _REMEMBERED_S]
        return replace(
            self, kept=tuple(each for each in everyone if each not in old), before=_worked(old, self.before)
        )

    def seen_idle(self, at: float) -> "Legs":
        """Note that the phone was in no call at a time: what began before is over."""
        idle_at = max(self.idle_at, at)
        return replace(self, idle_at=idle_at, kept=tuple(_seen_idle(leg, idle_at) for leg in self.kept))

    def maybe_talking(self) -> Leg | None:
        """Give the leg that talks; an older talk whose end was missed does not count."""
        newest = max((leg for leg in self.kept if leg.answered_at), key=lambda leg: leg.answered_at, default=None)
        return newest if newest and not newest.over_at and newest.answered_at >= newest.rung_at else None

    def maybe_ringing(self, after: float) -> Leg | None:
        """Give the leg that rings, when it began after a time."""
        ringing = (leg for leg in self.kept if leg.rung_at > max(leg.answered_at, after) and not leg.over_at)
        return max(ringing, key=lambda leg: leg.rung_at, default=None)

    @property
    def worked(self) -> Worked:
        """The last talk that ended."""
        return _worked(self.kept, self.before)


def _seen_idle(leg: Leg, at: float) -> Leg:
    return replace(leg, idle_at=at) if not leg.over_at and leg.begun_at < at else leg


def _worked(legs: Iterable[Leg], before: Worked) -> Worked:
    last = before
    for leg in legs:
        over_at = leg.over_at
        if leg.answered_at and over_at > last.over_at:
            last = Worked(over_at, over_at + leg.wrap_up_s)
    return last

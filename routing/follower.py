"""What goes along with a matcher: it hears the same events and effects, and adds to what leaves in one step."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from routing.intake import Rescue
from routing.matcher import Matcher
from routing.offers import Effect
from tieline import bus
from tieline.lease import Command


class Follower(Protocol):
    """Pure: what it gives is written by the shell, together with the matcher's state and position."""

    def take(self, event: bus.Event, matcher: Matcher, now: float) -> None:
        """Hear an event, before the matcher takes it in."""

    def commands(self, effects: Iterable[Effect | Rescue], matcher: Matcher, now: float) -> Sequence[Command]:
        """Give what is to be done, after the matcher took in all events since the last time."""

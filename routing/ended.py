"""Calls that ended lately: the news of an end may come before that of the arrival. Pure; takes `now`."""

from collections import deque
from collections.abc import Iterator
from typing import Final

from routing.seat_facts import Answered, CallOver, Fact, Rung
from tieline.model import CallId

_REMEMBERED_S: Final = 60.0


class Ended:
    """Calls whose end was told within the last minute; none of them may enter the pool any more."""

    def __init__(self) -> None:
        self._ended: dict[CallId, float] = {}
        self._told: deque[tuple[float, CallId]] = deque()

    def __contains__(self, call_id: object) -> bool:
        return call_id in self._ended

    def add(self, call_id: CallId, at: float, now: float) -> None:
        """Note when a call ended."""
        if call_id not in self._ended:
            self._ended[call_id] = at
            self._told.append((now, call_id))

    def with_end(self, fact: Rung | Answered) -> Iterator[Fact]:
        """Give what is known of an agent's leg: its call may have ended before the beginning is told."""
        yield fact
        if fact.call_id in self._ended:
            yield CallOver(fact.call_id, self._ended[fact.call_id])

    def forget(self, now: float) -> None:
        """Forget what was told long ago."""
        while self._told and self._told[0][0] < now - _REMEMBERED_S:
            del self._ended[self._told.popleft()[1]]

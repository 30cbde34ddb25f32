"""Calls that ended lately: the news of an end may come before that of the arrival. Pure; takes `now`."""

from collections import deque
from typing import Final

from tieline.model import CallId

_REMEMBERED_S: Final = 60.0


class Ended:
    """Calls whose end was told within the last minute; none of them may enter the pool any more."""

    def __init__(self) -> None:
        self._at: dict[CallId, float] = {}
        self._order: deque[CallId] = deque()

    def __contains__(self, call_id: object) -> bool:
        return call_id in self._at

    def add(self, call_id: CallId, now: float) -> None:
        """Note the end of a call."""
        if call_id not in self._at:
            self._at[call_id] = now
            self._order.append(call_id)

    def forget(self, now: float) -> None:
        """Forget what is long ago."""
        while self._order and self._at[self._order[0]] < now - _REMEMBERED_S:
            del self._at[self._order.popleft()]

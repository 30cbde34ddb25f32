"""Calls that ended lately: the news of an end may come before that of the arrival. Pure; takes `now`."""

from collections import deque
from typing import Final

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

    def maybe_at(self, call_id: CallId) -> float | None:
        """Give when a call ended, or None."""
        return self._ended.get(call_id)

    def forget(self, now: float) -> None:
        """Forget what was told long ago."""
        while self._told and self._told[0][0] < now - _REMEMBERED_S:
            del self._ended[self._told.popleft()[1]]

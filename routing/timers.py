"""What is due when: one heap of times with what is to be done then. Pure."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count


class Timer:
    """Something to be done at a time."""

    __slots__ = ("_act", "at")

    def __init__(self, at: float, act: Callable[[float], None]) -> None:
        self.at = at
        self._act: Callable[[float], None] | None = act

    @property
    def cancelled(self) -> bool:
        """Whether nothing is to be done any more."""
        return self._act is None

    def cancel(self) -> None:
        """Let nothing be done."""
        self._act = None

    def run(self, now: float) -> None:
        """Do it."""
        if self._act is not None:
            self._act(now)


class Timers:
    """Times in order; those of one instant in the order in which they were set."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._numbers = count()

    def set(self, at: float, act: Callable[[float], None]) -> Timer:
        """Note what is to be done at a time, Unix seconds."""
        timer = Timer(at, act)
        heappush(self._heap, (at, next(self._numbers), timer))
        return timer

    def next(self) -> float | None:
        """Give the earliest time at which there is something to do, or None."""
        while self._heap and self._heap[0][2].cancelled:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def run_due(self, now: float) -> None:
        """Do what is due, and what becomes due while it is done."""
        while self._heap and self._heap[0][0] <= now:
            heappop(self._heap)[2].run(now)

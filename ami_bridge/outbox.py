"""What is still to be told on the bus: bounded, in order, honest about what it dropped."""

import asyncio
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Final

from tieline import bus

LIMIT: Final = 20_000
"""Events kept while Redis is away: 80 s of a storm at 40 calls/s with six events each, about 6 MB."""
KEPT_FOR_ENDS: Final = 5_000
"""Room beyond the limit for `CallGone` alone: no snapshot can tell it again once the channel is gone."""


class Outbox:
    """Events on their way to the bus, oldest first.

    What comes when it is full is dropped, so that what is kept stays a stretch without holes; `take_gap` tells
    how much is missing, and a snapshot then says what is true.

    Attributes:
        dropped: Events dropped since the start.
        filled: Set while there is something to tell.
    """

    def __init__(self, limit: int = LIMIT, kept_for_ends: int = KEPT_FOR_ENDS) -> None:
        self.dropped = 0
        self.filled = asyncio.Event()
        self._limit, self._limit_for_ends = limit, limit + kept_for_ends
        self._events: deque[bus.Event] = deque()
        self._gap = 0

    def __len__(self) -> int:
        return len(self._events)

    def put(self, events: Iterable[bus.Event]) -> None:
        """Add events at the end, or drop and count them."""
        for event in events:
            if len(self._events) < (self._limit_for_ends if isinstance(event, bus.CallGone) else self._limit):
                self._events.append(event)
            else:
                self.dropped += 1
                self._gap += 1
        if self._events:
            self.filled.set()

    def oldest(self, count: int) -> list[bus.Event]:
        """Give the oldest events without removing them: they go only when Redis has them."""
        return list(islice(self._events, count))

    def remove(self, count: int) -> None:
        """Remove the oldest events."""
        for _ in range(count):
            self._events.popleft()
        if not self._events:
            self.filled.clear()

    def take_gap(self) -> int:
        """Give the number of events dropped since last asked, 0 while older ones are still to be told."""
        if self._events:
            return 0
        gap, self._gap = self._gap, 0
        return gap

"""Looks at the bus that a process's readers share: all at the same moments, one read for all who are at one place.

A call makes about 20 events. Were each reader woken by each of them, or all of them at different times, waking up
would cost a process and its Redis more than the events do.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tieline import bus
from tieline.errors import RemoteProtocolError

LOOK_EVERY_S: Final = 0.25
BATCH: Final = 500
Entries = Sequence[tuple[str, "bus.Event | None"]]
"""Entry ids with their events; None for a message that does not decode."""


@dataclass(slots=True)
class _Reading:
    """A read under way, and how many wait for it."""

    task: "asyncio.Task[Entries]"
    waiting: int = 0


class SharedLooks:
    """Shares the reads of one stream of events.

    Args:
        read: Gives the entries after an id, `BATCH` at most, and waits a while for the first one.
    """

    def __init__(self, read: Callable[[str], Awaitable[Sequence[tuple[str, bytes]]]]) -> None:
        self._read = read
        self._readings: dict[str, _Reading] = {}
        self._moment: asyncio.Event | None = None

    async def after(self, position: str) -> Entries:
        """Give what comes after an entry, none when nothing came for a while.

        Raises:
            ConnectionLost: As `read` does.
        """
        reading = self._readings.get(position) or self._begin(position)
        reading.waiting += 1
        try:
            return await asyncio.shield(reading.task)
        finally:
            reading.waiting -= 1
            if not reading.waiting:  # nobody wants it any more
                self._forget(position, reading)
                reading.task.cancel()

    def _begin(self, position: str) -> _Reading:
        reading = self._readings[position] = _Reading(asyncio.create_task(self._look(position)))
        reading.task.add_done_callback(lambda _: self._forget(position, reading))
        return reading

    def _forget(self, position: str, reading: _Reading) -> None:
        """Let nobody join a read that is over; one that began since at the same place stays."""
        if self._readings.get(position) is reading:
            del self._readings[position]

    async def next_moment(self) -> None:
        """Wait for the next moment at which all look."""
        moment = self._moment
        if moment is None:
            moment = self._moment = asyncio.Event()
            loop = asyncio.get_running_loop()
            loop.call_at((loop.time() // LOOK_EVERY_S + 1) * LOOK_EVERY_S, self._come)
        await moment.wait()

    def _come(self) -> None:
        if self._moment is not None:
            self._moment.set()
            self._moment = None

    async def _look(self, position: str) -> Entries:
        return [(entry, _decoded(raw)) for entry, raw in await self._read(position)]


def _decoded(raw: bytes) -> "bus.Event | None":
    try:
        return bus.decode_event(raw)
    except RemoteProtocolError:
        return None

"""What the FastAGI server counts, and the frozen picture of it that others get."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from agi.errors import Fault


class End(StrEnum):
    """How a session ended; each has exactly one."""

    DONE = "done"
    """The script returned, and TL_DONE was set."""
    HUNG_UP = "hung_up"
    """The caller hung up first."""
    FAILED = "failed"
    """The script raised an exception, or Asterisk refused what it sent."""
    DEADLINE = "deadline"
    """The script did not end within its deadline."""
    SILENT = "silent"
    """Asterisk did not answer a command within its deadline."""
    LOST = "lost"
    """The connection ended without a hang-up."""
    PROTOCOL = "protocol"
    """Asterisk's side broke the protocol."""
    UNKNOWN_SCRIPT = "unknown_script"
    CUT = "cut"
    """The server was stopped, and the script was not over when the time for draining was."""


class Refusal(StrEnum):
    """Why a connection never became a session (protocol faults are counted by `Fault`)."""

    ADDRESS = "address"
    """The peer's address is not one of those served."""
    FULL = "full"
    """As many connections as allowed."""
    SILENT = "silent"
    """The header block was not complete in time."""
    CLOSED = "closed"
    """The peer closed before the end of the header block."""
    CUT = "cut"
    """The server was stopped before the end of the header block."""


BUCKETS_S: Final = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0)
"""Upper bounds of the durations' buckets, seconds; one more bucket holds what is longer."""


class Durations(msgspec.Struct, frozen=True):
    """How long the sessions of one script took.

    Attributes:
        count: Sessions.
        sum_s: All their durations together, seconds.
        buckets: Sessions per bucket of `BUCKETS_S` (not cumulated), and one for the longer ones.
    """

    count: int
    sum_s: float
    buckets: tuple[int, ...]


class AgiMetrics(msgspec.Struct, frozen=True):
    """A picture of the server's counters since its start.

    Attributes:
        sessions: Ended sessions by script and end. Scripts without a route are all counted under an empty name.
        refused: Connections that never became a session, by reason.
        faults: Connections that broke the protocol, before or after their header block.
        durations: By script.
        in_progress: Sessions running now.
        connections: Connections open now, those still sending headers included.
    """

    sessions: Mapping[tuple[str, End], int]
    refused: Mapping[Refusal, int]
    faults: Mapping[Fault, int]
    durations: Mapping[str, Durations]
    in_progress: int
    connections: int


class _Script:
    """Counters of one script."""

    __slots__ = ("buckets", "ends", "sum_s")

    def __init__(self) -> None:
        self.ends: dict[End, int] = {}
        self.buckets = [0] * (len(BUCKETS_S) + 1)
        self.sum_s = 0.0


class Tally:
    """The counters themselves; only the server writes them."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.refused: Counter[Refusal] = Counter()
        self.faults: Counter[Fault] = Counter()
        self.in_progress = 0
        self._scripts: dict[str, _Script] = {}

    def ended(self, script: str, end: End, duration_s: float) -> None:
        """Count one session that is over."""
        counted = self._scripts.get(script)
        if counted is None:
            counted = self._scripts[script] = _Script()
        counted.ends[end] = counted.ends.get(end, 0) + 1
        counted.buckets[bisect_left(BUCKETS_S, duration_s)] += 1
        counted.sum_s += duration_s

    def picture(self, connections: int) -> AgiMetrics:
        """Copy everything."""
        return AgiMetrics(
            {(script, end): n for script, counted in self._scripts.items() for end, n in counted.ends.items()},
            dict(self.refused),
            dict(self.faults),
            {
                script: Durations(sum(counted.buckets), counted.sum_s, tuple(counted.buckets))
                for script, counted in self._scripts.items()
            },
            self.in_progress,
            connections,
        )

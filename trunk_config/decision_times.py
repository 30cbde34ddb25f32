"""How long the decisions about lines take, and how many fell to the node's own count.

Each AGI server counts its own; with its heartbeat it leaves the counts in Redis, where the console finds them.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from tieline.histogram import Buckets, Histogram
from tieline.live import Live
from trunk_config.admission import Verdict

BY_NODE: Final = "group"
"""Redis did not decide in time: the node's own count (GROUP_COUNT) did, or will."""

BOUNDS_S: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
"""Up to the deadline of 50 ms; the goal is 99 of 100 within 20 ms."""

KEPT_S: Final = 60
"""A server that has been silent for so long is not shown."""

ByVerdict = Mapping[str, Buckets]


class DecisionTimes:
    """Counts decisions by verdict."""

    def __init__(self) -> None:
        self._seconds = {word: Histogram(BOUNDS_S) for word in (*map(str, Verdict), BY_NODE)}

    def took(self, verdict: str, seconds: float) -> None:
        """Count one decision: a `Verdict`, or `BY_NODE`."""
        self._seconds[verdict].add(seconds)

    def picture(self) -> ByVerdict:
        """Give what was counted so far, in seconds."""
        return {verdict: histogram.picture() for verdict, histogram in self._seconds.items()}


async def leave(live: Live, server: int, times: DecisionTimes) -> None:
    """Leave one AGI server's counts for the console; the server counts from 0 in the site's `agi` list.

    Raises:
        TielineError: Redis is away.
    """
    await live.call("SET", _key(server), msgspec.json.encode(times.picture()), "EX", KEPT_S)


async def fetch(live: Live, servers: int) -> Mapping[int, ByVerdict]:
    """Fetch the counts of those AGI servers of a site that left any; errors as `leave`."""
    found = await live.call("MGET", *map(_key, range(servers)))
    return {server: msgspec.json.decode(raw, type=dict[str, Buckets]) for server, raw in enumerate(found) if raw}


def _key(server: int) -> str:
    return f"tl:decisions:{server}"

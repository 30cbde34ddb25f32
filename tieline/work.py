"""What each process of a site has in hand, told through Redis: a drill sees there whether anything was left over.

A figure of a metric would be nearer, but an AGI server alone has no HTTP port, and a site has several.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import count
from typing import Final

import msgspec

from tieline.clock import Clock
from tieline.errors import TielineError
from tieline.live import Live
from tieline.rows import readable

WORK: Final = "tl:work"
"""Hash: name of a process to its `Work`."""
LOOK_S: Final = 0.2
LOOKS_A_WORD: Final = 5
LOOKS_KEPT: Final = 15
"""Of the last three seconds: who waits for one of two things has a task more than while he works."""
STALE_S: Final = 5.0
"""What is older is of a process that is gone."""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What one process has in hand.

    Attributes:
        at: Unix seconds.
        connections: AGI connections that are open.
        tasks: Tasks of its event loop, its own for as long as it runs included: the fewest of its last looks.
        tasks_most: The most of these looks.
    """

    at: float
    connections: int
    tasks: int
    tasks_most: int


async def tell_work(live: Live, process: str, connections: Callable[[], int], clock: Clock) -> None:
    """Tell for ever; a Redis that is away is told again in a second."""
    with suppress(TielineError):
        await _forget_gone(live, clock())
    looks = deque[int](maxlen=LOOKS_KEPT)
    for look in count():
        looks.append(len(asyncio.all_tasks()))
        if look % LOOKS_A_WORD == 0:
            now = Work(at=clock(), connections=connections(), tasks=min(looks), tasks_most=max(looks))
            with suppress(TielineError):
                await live.call("HSET", WORK, process, msgspec.json.encode(now))
        await asyncio.sleep(LOOK_S)


async def _forget_gone(live: Live, now: float) -> None:
    """Remove what processes told that are gone, or were of another version: each start has a name of its own."""
    flat = await live.call("HGETALL", WORK)
    told = readable(flat, Work)
    for name in (row.decode() for row in flat[::2]):
        if name not in told or not in_hand([told[name]], now):
            await live.call("HDEL", WORK, name)


async def read_work(live: Live, now: float) -> tuple[Work, ...]:
    """Read what all processes of a site have in hand.

    Raises:
        ConnectionLost: Redis is gone.
    """
    return in_hand(readable(await live.call("HGETALL", WORK), Work).values(), now)


def in_hand(told: Iterable[Work], now: float) -> tuple[Work, ...]:
    """Leave out what processes told that are gone. Pure."""
    return tuple(work for work in told if now - work.at <= STALE_S)

"""Entries of callers to be called back in a site's Redis: what is open, one for each number."""

from collections.abc import Sequence
from typing import Final

import msgspec

from routing.callback import Callback
from tieline import bus
from tieline.live import Live
from tieline.rows import readable

CALLBACKS: Final = "tl:callbacks"
"""Hash: number to entry, so that nobody is called back twice. SQL has a copy, and all that ended."""


async def add(live: Live, entry: Callback) -> bool:
    """Make an entry and tell it; a number that has one keeps it, and its place. Tells whether it is new.

    Raises:
        TielineError: Redis is away; nothing was made, or nobody knows.
    """
    if not await live.call("HSETNX", CALLBACKS, entry.number, msgspec.json.encode(entry)):
        return False
    await live.tell(bus.CallbackWanted(at=entry.made_at, call_id=entry.call_id, city=entry.city, why=entry.why))
    return True


async def read_all(live: Live) -> Sequence[Callback]:
    """Read every entry, in no order.

    Raises:
        TielineError: Redis is away.
    """
    return list(readable(await live.call("HGETALL", CALLBACKS), Callback).values())


async def read_of(live: Live, number: str) -> Callback | None:
    """Read the entry of a number; None when it has none, or one that another version wrote."""
    raw = await live.call("HGET", CALLBACKS, number)
    return readable((number.encode(), raw), Callback).get(number) if raw else None


async def put(live: Live, entry: Callback) -> None:
    """Write an entry over the one that is there."""
    await live.call("HSET", CALLBACKS, entry.number, msgspec.json.encode(entry))


async def remove(live: Live, entry: Callback) -> None:
    """Take an entry away: it has ended, and SQL knows."""
    await live.call("HDEL", CALLBACKS, entry.number)

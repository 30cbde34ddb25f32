"""Entries of callers to be called back in a site's Redis: what is open, one for each number."""

from collections.abc import Sequence
from typing import Final

import msgspec

from routing.callback import Callback, State
from tieline import bus
from tieline.live import Live, Script
from tieline.rows import maybe_row, readable

CALLBACKS: Final = "tl:callbacks"
"""Hash: number to entry, so that nobody is called back twice. SQL has a copy, and all that ended."""

_PUT: Final = Script("""
local there = redis.call('HGET', KEYS[1], ARGV[1])
local is_json, old = pcall(cjson.decode, there or '')
if is_json and type(old) == 'table' and old.state then
  if old.state ~= ARGV[4] or old.call_id ~= ARGV[2] then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
""")
"""ARGV: number, call id, the entry, the state of those that may be written over."""


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
    return maybe_row(await live.call("HGET", CALLBACKS, number), Callback)


async def put(live: Live, entry: Callback) -> None:
    """Write an entry, in one step with a look at the one of its number that is there.

    One that has ended stays as it is, and so does another call's: several processes write, each from what it read
    before. A row that another version wrote in another form is written over.
    """
    await live.run(_PUT, (CALLBACKS,), (entry.number, entry.call_id, msgspec.json.encode(entry), State.OPEN.value))


async def remove(live: Live, entry: Callback) -> None:
    """Take an entry away: it has ended, and SQL knows."""
    await live.call("HDEL", CALLBACKS, entry.number)

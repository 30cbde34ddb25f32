"""The copy of the notices in a site's Redis, from which callers are told. SQL has the notices themselves."""

import asyncio
from collections.abc import Iterable
from typing import Final

from ivr_prompts.notice import Notice, decoded, encode
from tieline import bus
from tieline.live import Live

NOTICES: Final = "tl:notices"
"""Hash: `city` or `city/county` -> the notice as JSON."""


async def read_notices(live: Live, *, deadline_s: float | None = None) -> tuple[Notice, ...]:
    """Read all notices of the copy; on nearly every day there is none, so nothing is asked more cheaply.

    Raises:
        TielineError: Redis is away.
    """
    copy = await live.call("HGETALL", NOTICES, deadline_s=deadline_s)
    return tuple(decoded(copy[1::2]))


async def write_copy(live: Live, notices: Iterable[Notice], now: float) -> int:
    """Make the copy equal to the notices that hold, and tell the bus of each place where it was not.

    Args:
        live: The site's Redis.
        notices: Those of SQL, perhaps some that are over by now.
        now: Unix seconds.

    Returns:
        How many places changed.

    Raises:
        TielineError: Redis is away.
    """
    flat = await live.call("HGETALL", NOTICES)
    there = {key.decode(): copy for key, copy in zip(flat[::2], flat[1::2], strict=True)}
    holding = {notice.key: notice for notice in notices if notice.until > now}
    fresh = {key: encode(notice) for key, notice in holding.items() if encode(notice) != there.get(key)}
    gone = there.keys() - holding.keys()
    if not fresh and not gone:
        return 0
    commands = [live.call("HSET", NOTICES, key, copy) for key, copy in fresh.items()]
    commands += [live.call("HDEL", NOTICES, key) for key in gone]
    told = [_changed(key, holding.get(key), now) for key in (*fresh, *sorted(gone))]
    await asyncio.gather(*commands, live.tell(*told))
    return len(told)


def _changed(key: str, notice: Notice | None, now: float) -> bus.NoticeChanged:
    city, _, county = key.partition("/")
    if notice is None:
        return bus.NoticeChanged(at=now, city=city, county=county)
    return bus.NoticeChanged(
        at=now, city=city, county=county, cause=notice.cause, until=notice.until, since=notice.since
    )

"""The states of a site's cities in its Redis, for whoever serves their callers."""

import asyncio
from collections.abc import Mapping
from typing import Final

import msgspec

from tieline import bus
from tieline.live import Live
from tieline.model import CityId
from trunk_config.surge import State
from trunk_config.surge_site import SiteWatch

SURGE: Final = "tl:surge"
"""Hash: city -> `state since calls usual proposal…`."""
REMEMBERED: Final = "tl:surge:watch"
"""What the watch needs to go on after a restart, as JSON."""


async def read_states(live: Live) -> Mapping[CityId, State]:
    """Read the state of each city that is watched; what cannot be read is calm.

    Raises:
        TielineError: Redis is away.
    """
    return {CityId(told.city): State(told.state) for told in await read_surges(live)}


async def read_surges(live: Live) -> tuple[bus.SurgeChanged, ...]:
    """Read what was told last of each city; errors as `read_states`."""
    flat = await live.call("HGETALL", SURGE)
    rows = zip(flat[::2], flat[1::2], strict=True)
    return tuple(
        told for city, row in rows if (told := _maybe_told(city.decode(), row.decode(errors="replace"))) is not None
    )


async def write_states(live: Live, told: Mapping[CityId, bus.SurgeChanged]) -> tuple[bus.SurgeChanged, ...]:
    """Make the copy equal to the states, and tell the bus of each city where it was another one.

    Args:
        live: The site's Redis.
        told: Of each city what is to be told when its state changed; `at` is since when it is so.

    Returns:
        What was told.

    Raises:
        TielineError: Redis is away.
    """
    there = {CityId(known.city): known for known in await read_surges(live)}
    changed = tuple(now for city, now in told.items() if city not in there or _differ(there[city], now))
    if changed:
        rows = [live.call("HSET", SURGE, now.city, _row(now)) for now in changed]
        await asyncio.gather(*rows, live.tell(*changed))
    return changed


async def read_watch(live: Live) -> SiteWatch:
    """Read what an earlier watch remembered; an empty one when there is none, or none that can be read."""
    raw = await live.call("GET", REMEMBERED)
    try:
        return msgspec.json.decode(raw or b"{}", type=SiteWatch)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return SiteWatch()


async def write_watch(live: Live, watch: SiteWatch) -> None:
    """Remember a watch."""
    await live.call("SET", REMEMBERED, msgspec.json.encode(watch))


def _differ(known: bus.SurgeChanged, now: bus.SurgeChanged) -> bool:
    return (known.state, known.proposal) != (now.state, now.proposal)


def _row(told: bus.SurgeChanged) -> str:
    return f"{told.state} {told.at:.3f} {told.calls} {told.usual:.1f} {told.proposal}".rstrip()


def _maybe_told(city: str, row: str) -> bus.SurgeChanged | None:
    words = row.split(" ", 4)
    try:
        state, at, calls, usual = State(words[0]), float(words[1]), int(words[2]), float(words[3])
    except (ValueError, IndexError):
        return None
    proposal = words[4] if len(words) > 4 else ""
    return bus.SurgeChanged(at=at, city=city, state=state, calls=calls, usual=usual, proposal=proposal)

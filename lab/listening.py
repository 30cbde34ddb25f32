"""Hearing what every site of a lab tells on its bus."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final

from lab.plan import LabPlan
from tieline import bus, secrets_file
from tieline.endings import cancel_until_done
from tieline.errors import ConnectionLost
from tieline.live import Live
from tieline.topology import Site

_RETRY_S: Final = 0.1


@contextlib.asynccontextmanager
async def listening(plan: LabPlan, take: Callable[[bus.Event], None]) -> AsyncIterator[None]:
    """Give every site's events, from now on, to `take`.

    Raises:
        ConnectionLost: A site's Redis is gone from the start.
    """
    password = secrets_file.load(plan.secrets_file).redis_password
    lives = [_live(site, password) for site in plan.topology.sites.values()]
    tasks: list[asyncio.Task[None]] = []
    try:
        begins = [await live.last_id() for live in lives]
        tasks += [
            asyncio.create_task(follow_on(live, begin, take)) for live, begin in zip(lives, begins, strict=True)
        ]
        yield
    finally:
        for task in tasks:
            await cancel_until_done(task)
        for live in lives:
            await live.close()


async def follow_on(live: Live, after: str, take: Callable[[bus.Event], None]) -> None:
    """Give the events after an entry to `take`, for ever; goes on where it was when Redis, or this program, paused.

    A busy machine may stop this program for longer than a read may take: the bus still has what was told meanwhile.
    """
    while True:
        with contextlib.suppress(ConnectionLost):
            async for entry, event in live.follow(after=after):
                after = entry
                take(event)
        await asyncio.sleep(_RETRY_S)


def _live(site: Site, password: str) -> Live:
    return Live(f"redis://:{password}@{site.redis}/0", local_address=site.local_address)

"""Hearing a site's bus through a pause."""

import asyncio

import pytest

from lab.listening import follow_on
from tests.support.redis_server import redis_server
from tieline import bus
from tieline.endings import cancel_until_done
from tieline.live import Live

pytestmark = pytest.mark.component


async def test_events_after_a_lost_connection_are_heard() -> None:
    before, after = (bus.CallRated(at=1.0, call_id=name, rating=1) for name in ("before", "after"))
    heard: asyncio.Queue[bus.Event] = asyncio.Queue()
    with redis_server() as server:
        live = Live(server.url)
        task = asyncio.create_task(follow_on(live, "0-0", heard.put_nowait))
        await live.tell(before)
        assert await heard.get() == before
        server.stop()
        server.start()
        await live.tell(after)
        assert await heard.get() == after
        await cancel_until_done(task)
        await live.close()

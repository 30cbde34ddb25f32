"""Ending a task for sure."""

import asyncio
from typing import Any


async def cancel_until_done(task: "asyncio.Task[Any]") -> None:
    """Cancel a task again and again until it has ended; its own error, if any, stays in it.

    Once is not enough for a task that reads from Redis: redis-py 8.1 returns an answer that has just arrived and
    forgets that it was cancelled meanwhile (`tests/component/crm_adapter/test_endings.py` shows it).
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.1)

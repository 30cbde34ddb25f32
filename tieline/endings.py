"""Ending a task for sure."""

import asyncio
from typing import Any


async def cancel_until_done(task: "asyncio.Task[Any]") -> None:
    """Cancel a task again and again until it has ended; its own error, if any, stays in it.

    Once is not enough for a task in foreign code that swallows the cancellation, as panoramisk's and redis-py's
    clients have done.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.1)

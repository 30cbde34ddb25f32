"""Work beside a block, whose death is the process's death."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

from tieline.endings import cancel_until_done

_log = structlog.get_logger("service")


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a coroutine beside the block; when it dies of an error the process must not look alive: it ends, too."""
    task = asyncio.create_task(work)
    task.add_done_callback(_end_with)
    try:
        yield
    finally:
        await cancel_until_done(task)


def _end_with(task: "asyncio.Task[None]") -> None:
    if task.cancelled() or task.exception() is None:
        return
    _log.error(
        "part died: the process ends and its supervisor starts it again",
        work=getattr(task.get_coro(), "__qualname__", ""),
        exc_info=task.exception(),
    )
    os.kill(os.getpid(), signal.SIGTERM)

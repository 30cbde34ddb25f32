"""Work that one process of a site does while others stand by: it begins with a lease in Redis and ends with it.

Failure policy: Redis away: the work goes on, for it waits Redis out by itself, and nobody else can take over. A lease
that ran out meanwhile is taken again when nobody else had it; else the work ends here and we stand by.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

import structlog

from tieline.errors import TielineError
from tieline.lease import RENEW_S, Command, Hold, Lease, LeaseLost

AGAIN_S: Final = 0.5

_log = structlog.get_logger("service")


class Act(Protocol):
    """Runs commands in one step of Redis, if we are still the one that acts.

    Raises:
        LeaseLost: We are not; nothing was run.
        TielineError: Redis is away; it is not known whether they were run.
    """

    async def __call__(self, commands: Sequence[Command]) -> None: ...  # noqa: D102 - see the class


class Acting:
    """Runs work as long as a lease is ours.

    Args:
        name: Of the work, for logs.
        lease: Says who acts.
        work: Does it while its block runs; what must not be done twice it does by the `Act` that it is given.
    """

    def __init__(self, name: str, lease: Lease, work: Callable[[Act], AbstractAsyncContextManager[None]]) -> None:
        self._name = name
        self._lease = lease
        self._work = work
        self._held: Hold | None = None
        self._counters = {"terms": 0}

    def metrics(self) -> Mapping[str, float]:
        """Tell whether this process acts, and how often it has begun to."""
        return {**self._counters, "acting": self._held is not None}

    async def run(self) -> None:
        """Stand by and work until cancelled; a lease or a Redis that is lost is waited for again."""
        while True:
            try:
                await self._serve_a_term()
            except TielineError as error:
                _log.warning("not acting, asking for the lease again", work=self._name, reason=str(error))
            await asyncio.sleep(AGAIN_S)

    async def _serve_a_term(self) -> None:
        hold = self._held = await self._lease.take()
        self._counters["terms"] += 1
        _log.info("acting", work=self._name, term=hold.term)
        try:
            async with self._work(self._act):
                await self._keep(hold)
        finally:
            hold, self._held = self._held, None
            await self._lease.give_up(hold)

    async def _act(self, commands: Sequence[Command]) -> None:
        if self._held is None:
            raise LeaseLost(f"{self._name}: this process does not act any more")
        await self._lease.act(self._held, commands)

    async def _keep(self, hold: Hold) -> None:
        """Renew the lease until it is another one's."""
        while True:
            try:
                hold = self._held = await self._renewed(hold)
            except LeaseLost:
                raise
            except TielineError:  # Redis is away: for the others, too
                pass
            await asyncio.sleep(RENEW_S)

    async def _renewed(self, hold: Hold) -> Hold:
        try:
            await self._lease.act(hold, [])
        except LeaseLost:
            return await self._lease.take_again(hold)
        return hold

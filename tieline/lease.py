"""Which of several processes acts: a lease in Redis, and writes that only its holder can make.

Two processes of one kind may run; the one that holds the lease acts, the other waits for it to be free. Looking at
the lease and writing is one step of Redis (`Lease.act`): a holder that was frozen and goes on after the other has
taken over can do nothing, whatever it believes. Each act renews the lease; a holder with nothing to do renews by
acting on nothing, or on its heartbeat.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Final

from tieline.errors import TielineError
from tieline.live import Live, Scalar, Script

LASTS_S: Final = 1.5
"""After the last act of a holder that is dead or frozen; with the standby's looks take-over is within 2 s."""
RENEW_S: Final = 0.5
LOOK_S: Final = 0.25
"""The standby looks as the lease should end, and so often besides: it may be given up earlier."""
_EPOCH: Final = 1_767_225_600
"""Terms are seconds since 2026, so that they grow even when Redis has lost the last one."""

Command = Sequence[Scalar]

_TAKE: Final = Script(f"""
local left = redis.call('PTTL', KEYS[1])
if left > 0 then return {{0, left}} end
local term = tonumber(redis.call('TIME')[1]) - {_EPOCH}
local last = tonumber(redis.call('GET', KEYS[2]) or 0)
if term <= last then term = last + 1 end
redis.call('SET', KEYS[2], term)
redis.call('SET', KEYS[1], ARGV[1] .. '#' .. term, 'PX', ARGV[2])
return {{1, term, last}}
""")

_ACT: Final = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local at = 3
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  redis.call(unpack(ARGV, at + 1, last))
  at = last + 1
end
return 1
""")
"""ARGV: who acts, how long the lease lasts from now on in ms, then each command as its length and its words."""

_GIVE_UP: Final = Script("if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1")


class LeaseLost(TielineError):
    """Another process holds the lease by now: what we know is old, nothing was written."""

    retryable = True


@dataclass(frozen=True, slots=True)
class Hold:
    """The lease as it was taken once.

    Attributes:
        name: What stands in Redis as long as it is held: the process and the term.
        term: Greater than of every earlier holder.
    """

    name: str
    term: int


class Lease:
    """One lease of a site.

    Args:
        live: The site's Redis.
        key: Its name in Redis.
        process: Who we are, unique among all who want it.
        lasts_s: How long it is held after the last act, seconds.
    """

    def __init__(self, live: Live, key: str, process: str, *, lasts_s: float = LASTS_S) -> None:
        self._live = live
        self._key = key
        self._process = process
        self._lasts_ms = round(lasts_s * 1000)

    async def take(self) -> Hold:
        """Wait until nobody holds the lease, and take it.

        Raises:
            TielineError: Redis is away.
        """
        while True:
            taken, number, *_ = await self._try_to_take()
            if taken:
                return self._hold(number)
            await asyncio.sleep(min(LOOK_S, number / 1000 + 0.001))

    async def take_again(self, hold: Hold) -> Hold:
        """Take a lease that ran out while nobody else took it: what its holder knows is still true.

        Raises:
            LeaseLost: Another process holds it, or has held it since.
            TielineError: Redis is away.
        """
        taken, number, *last = await self._try_to_take()
        if not taken:
            raise LeaseLost(f"{self._key}: another process holds it")
        again = self._hold(number)
        if last not in ([hold.term], [0]):  # 0: Redis has lost all, and with it whatever another one did
            await self.give_up(again)
            raise LeaseLost(f"{self._key}: another process has held it since")
        return again

    async def _try_to_take(self) -> Sequence[int]:
        """Give 1, the new term and the last one; or 0 and for how many milliseconds it is still held."""
        keys = (self._key, f"{self._key}:term")
        answer: Sequence[int] = await self._live.run(_TAKE, keys, (self._process, self._lasts_ms))
        return answer

    def _hold(self, term: int) -> Hold:
        return Hold(f"{self._process}#{term}", term)

    async def act(self, hold: Hold, commands: Sequence[Command]) -> None:
        """Run commands in one step if the lease is still held as it was taken; renews it.

        Raises:
            LeaseLost: It is not; no command was run.
            TielineError: Redis is away; it is not known whether they were run.
        """
        words = chain.from_iterable((len(command), *command) for command in commands)
        if not await self._live.run(_ACT, (self._key,), (hold.name, self._lasts_ms, *words)):
            raise LeaseLost(f"{self._key}: {hold.name} no longer holds it")

    async def give_up(self, hold: Hold) -> None:
        """Let the next one act at once; a Redis that is away will forget us by itself."""
        with suppress(TielineError):
            await self._live.run(_GIVE_UP, (self._key,), (hold.name,))


def process_name() -> str:
    """Name this process, for people who look who holds a lease: host, process id, and a little chance."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

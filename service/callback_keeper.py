"""Keeps the entries of callers to be called back: their copies in Redis and SQL agree, and what is pressed in `hold`.

Redis is where entries are made, by scripts that wait for no SQL. After a loss of Redis the open ones come back from
SQL; without SQL all stays in Redis. Who calls again and is answered is not called back. The bus is followed from a
position kept in Redis, so that a keeper that starts anew misses nobody; taking an event in twice is harmless.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from routing.callback import Callback, State, ended
from routing.callback_copies import compared
from routing.callback_live import put, read_all, read_of, remove
from routing.callback_rules import CallbackRules
from routing.keys import POOL
from routing.offers import Waiting
from routing.store import fetch_callbacks, put_callback
from tieline import bus
from tieline.clock import Clock
from tieline.database import Connection, Database
from tieline.errors import TielineError
from tieline.live import Live
from tieline.model import CallId, SiteId
from tieline.rows import maybe_row
from tieline.shared_looks import BATCH, Entries

EVERY_S: Final = 1.0
WORD: Final = "callback"
"""The mailbox word that leads a waiting caller to the script."""
WORD_LASTS_S: Final = 3.0
FOLLOWED: Final = "tl:callbacks:followed"


class _Followed(msgspec.Struct):
    """What was made of the bus so far.

    Attributes:
        position: Id of the last entry that was taken in.
        again: Calls of those who have an entry and called again, with their numbers. Personal data.
    """

    position: str = "0-0"
    again: dict[CallId, str] = msgspec.field(default_factory=dict)


class CallbackKeeper:
    """One site's entries.

    Args:
        site: Whose.
        live: The site's Redis.
        database: Holds the tables.
        rules: Whom, when.
        key: What callers press, and since how long they must have waited: before that nobody has offered it.
        clock: Unix seconds.
    """

    def __init__(
        self,
        site: SiteId,
        live: Live,
        database: Database,
        rules: CallbackRules,
        key: tuple[str, float],
        clock: Clock,
    ) -> None:
        self._site = site
        self._live = live
        self._database = database
        self._rules = rules
        self._key, self._offered_after_s = key
        self._clock = clock
        self._known: set[CallId] = set()
        self._followed = _Followed()
        self._open = 0
        self.counters = {"ended": 0, "keys": 0, "failures": 0}

    def metrics(self) -> Mapping[str, float]:
        """Give the numbers worth a graph."""
        return {**self.counters, "open": self._open}

    async def run(self) -> None:
        """Keep until cancelled; SQL or Redis that is away is waited for."""
        await asyncio.gather(self._keep(), self._follow())

    async def _keep(self) -> None:
        while True:
            try:
                await self.look()
            except TielineError:
                self.counters["failures"] += 1
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Bring Redis and SQL together once.

        Raises:
            TielineError: One of them is away.
        """
        kept = await self._database.run(lambda c: fetch_callbacks(c, site=self._site), reading=True)
        in_sql = {entry.call_id: entry for entry in kept}
        in_redis = await read_all(self._live)
        mending = compared(in_redis, in_sql, self._known, self._rules, self._clock())
        if mending.to_sql:
            await self._database.run(lambda connection: _put_all(connection, mending.to_sql))
        for entry in mending.to_redis:
            await put(self._live, entry)
        for entry in mending.out_of_redis:
            await remove(self._live, entry)
        self._known = {*in_sql, *(entry.call_id for entry in mending.to_sql)}
        self._open = len(in_redis) - len(mending.out_of_redis)
        self.counters["ended"] += len(mending.out_of_redis)

    # The bus -------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            try:
                await self._load()
                while True:
                    await self._take_in(await self._live.look(self._followed.position))
            except TielineError:
                self.counters["failures"] += 1
            await asyncio.sleep(EVERY_S)

    async def _load(self) -> None:
        self._followed = maybe_row(await self._live.call("GET", FOLLOWED), _Followed) or _Followed()
        numbers = {entry.number for entry in await read_all(self._live)}
        again = self._followed.again  # calls whose end nobody told would stay for ever
        self._followed.again = {call_id: number for call_id, number in again.items() if number in numbers}

    async def _take_in(self, entries: Entries) -> None:
        for position, event in entries:
            if event is not None:
                await self._take(event)
            self._followed.position = position
        if entries:
            await self._live.call("SET", FOLLOWED, msgspec.json.encode(self._followed))
        if len(entries) < BATCH:  # else there is more
            await self._live.next_look()

    async def _take(self, event: bus.Event) -> None:
        again = self._followed.again
        match event:
            case bus.CallArrived(call_id=call_id, number=number) if number:
                entry = await read_of(self._live, number)
                if entry is not None and entry.call_id != call_id and entry.made_at < event.at:
                    again[CallId(call_id)] = number
            case bus.AgentAnswered(call_id=call_id) if call_id in again:
                entry = await read_of(self._live, again.pop(CallId(call_id)))
                if entry is not None:
                    await put(self._live, ended(entry, State.CALLED_AGAIN, event.at))
            case bus.CallGone(call_id=call_id):
                again.pop(CallId(call_id), None)
            case bus.CallerKey(digit=self._key):
                await self._pressed(event)

    async def _pressed(self, event: bus.CallerKey) -> None:
        """Lead a caller who waits to the script, by the mailbox: an offer at that moment is void or first."""
        call = maybe_row(await self._live.call("HGET", POOL, event.call_id), Waiting)
        if call is None or event.at - call.since < self._offered_after_s or not call.channel:
            return
        self.counters["keys"] += 1
        word = bus.PutInMailbox(
            at=event.at, call_id=call.call_id, channel=call.channel, word=WORD, expires=event.at + WORD_LASTS_S
        )
        await self._live.command(call.node, word)


def _put_all(connection: Connection, entries: Iterable[Callback]) -> None:
    for entry in entries:
        put_callback(connection, entry)

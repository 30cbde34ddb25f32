"""From the journal to SQL: delivers every record at least once, and never moves on before it is committed.

The cursor is made durable after the commit and after the bus was told of the tickets, so a kill in between delivers
and tells a batch again: SQL does not change, and whoever listens hears of a ticket at least once.
While SQL is away the journal keeps the tickets and the forwarder asks again, ever less often.
"""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

import structlog

from crm_adapter.journal import JournalReader
from crm_adapter.record import CallRecord, encode
from crm_adapter.store import RecordRefused, Store
from crm_adapter.ticket import Ticket
from tieline import bus
from tieline.clock import Clock
from tieline.errors import DeadlineExceeded, TielineError
from tieline.live import Live

BATCH: Final = 500
EVERY_S: Final = 0.5
"""How often the journal is looked at: nobody need tell of a record, and a transaction holds all calls since."""
DISK_DEADLINE_S: Final = 5.0
FIRST_WAIT_S: Final = 0.5
PRUNE_EVERY_S: Final = 3600.0
KEPT_S: Final = 14 * 86400.0
"""Delivered journal files are kept two weeks: long enough to deliver them again into a restored database."""
LONGEST_WAIT_S: Final = 5.0

T = TypeVar("T")

_log = structlog.get_logger("tickets")


class Forwarder:
    """Delivers one journal directory to SQL.

    Args:
        directory: The journal.
        store: Where to.
        live: The site's Redis hears of each ticket. Delivery goes on without it.
        clock: Stamps what the bus is told.
        read_number: Fills in `number` of a record that has only the digits as the trunk showed them.
        cursor: File that keeps the position; inside the journal's directory by default.
        batch: Records a transaction, at most.
    """

    def __init__(
        self,
        directory: Path,
        store: Store,
        live: Live,
        clock: Clock,
        *,
        read_number: Callable[[CallRecord], CallRecord] = lambda record: record,
        cursor: Path | None = None,
        batch: int = BATCH,
    ) -> None:
        self._directory = directory
        self._read_number = read_number
        self._pruned_at = 0.0
        self._reader = JournalReader(directory, cursor or directory / "forwarder.cursor")
        self._store = store
        self._live = live
        self._clock = clock
        self._batch = batch
        # One thread: what outlives its deadline there still ends before the next thing begins.
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forwarder")
        self._may_be_again = True
        """What lies behind the cursor may have been delivered, and its tickets not told: by a process that died, or
        by us when something failed. Until the end of the journal is reached."""
        self._counts = dict.fromkeys(("delivered", "tickets", "garbled", "refused", "failures", "untold"), 0)
        self._behind_since = 0.0

    def metrics(self) -> Mapping[str, float]:
        """Give what was counted since the start, and for how many seconds SQL has been behind (0 when it is not)."""
        behind_s = self._clock() - self._behind_since if self._behind_since else 0.0
        return {**self._counts, "behind_s": max(0.0, behind_s)}

    async def run(self) -> None:
        """Deliver for ever; ends only by being cancelled.

        Failure policy: whatever is away (SQL, Redis, the disk), wait and try again; nothing is passed over.
        """
        wait_s = FIRST_WAIT_S
        try:
            while True:
                try:
                    more = await self.deliver_once()
                except TielineError as error:
                    self._counts["failures"] += 1
                    self._behind_since = self._behind_since or self._clock()
                    _log.warning("delivery failed, trying again", error=str(error), wait_s=wait_s)
                    await asyncio.sleep(wait_s)
                    wait_s = min(LONGEST_WAIT_S, wait_s * 2)
                    continue
                wait_s, self._behind_since = FIRST_WAIT_S, 0.0
                if not more:
                    await self._prune()
                    await asyncio.sleep(EVERY_S)
        finally:
            self._disk.shutdown(wait=False, cancel_futures=True)

    async def _prune(self) -> None:
        """Now and then delete what is in SQL since long."""
        now = self._clock()
        if now - self._pruned_at >= PRUNE_EVERY_S:
            self._pruned_at = now
            await self._on_disk(lambda: self._reader.prune(now - KEPT_S))

    async def deliver_once(self) -> bool:
        """Deliver one batch; True when there may be more.

        Raises:
            TielineError: SQL or the disk is away; nothing was passed over.
        """
        batch = await self._on_disk(lambda: self._reader.read(limit=self._batch))
        again, self._may_be_again = self._may_be_again, batch.position_moved
        if not batch.position_moved:
            return False
        tickets = await self._deliver([self._read_number(record) for record in batch.records], again=again)
        await self._tell(tickets)
        await self._on_disk(lambda: self._reader.commit(batch))
        self._may_be_again = again and batch.may_have_more
        self._counts["delivered"] += len(batch.records)
        self._counts["garbled"] += batch.garbled
        self._counts["tickets"] += len(tickets)
        return batch.may_have_more

    async def _deliver(self, records: Sequence[CallRecord], *, again: bool) -> list[Ticket]:
        """Deliver; a record that SQL refuses for good is set aside, so that it does not hold up the others."""
        try:
            return await self._store.deliver(records, again=again)
        except RecordRefused as error:
            if len(records) == 1:
                _log.error("record refused by the database, set aside", call_id=records[0].call_id, error=str(error))
                await self._on_disk(lambda: _set_aside(self._directory, records[0]))
                self._counts["refused"] += 1
                return []
        half = len(records) // 2
        first = await self._deliver(records[:half], again=again)
        return first + await self._deliver(records[half:], again=again)

    async def _tell(self, tickets: Sequence[Ticket]) -> None:
        """Tell the bus; whoever was not told finds the ticket in SQL."""
        made = [
            bus.TicketMade(at=self._clock(), call_id=t.call_id, ticket=t.ticket, kind=t.kind, city=t.city)
            for t in tickets
        ]
        try:
            await self._live.tell(*made)
        except TielineError:
            self._counts["untold"] += len(made)

    async def _on_disk(self, work: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(DISK_DEADLINE_S):
                return await asyncio.get_running_loop().run_in_executor(self._disk, work)
        except TimeoutError:
            raise DeadlineExceeded("journal disk", DISK_DEADLINE_S) from None
        except OSError as error:
            raise DiskFault(f"{self._directory}: {error}") from error


class DiskFault(TielineError):
    """The journal's disk does not read or write."""

    retryable = True


def _set_aside(directory: Path, record: CallRecord) -> None:
    with (directory / "refused.lines").open("ab") as file:
        file.write(encode(record))
        file.flush()
        os.fsync(file.fileno())

"""A forwarder in a process of its own, made to be killed: says on standard output how far it is.

Run as `python -m tests.component.crm_adapter.victim JOURNAL DATABASE_URL`.
"""

import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path

from crm_adapter.forwarder import Forwarder
from crm_adapter.record import CallRecord
from crm_adapter.store import Store
from crm_adapter.ticket import Ticket
from tieline.clock import system_clock
from tieline.database import Database
from tieline.live import Live


class Telling(Store):
    """Says a line when a batch is committed."""

    async def deliver(self, records: Iterable[CallRecord], *, again: bool = False) -> list[Ticket]:
        """Deliver and say so."""
        made = await super().deliver(records, again=again)
        sys.stdout.write("committed\n")
        sys.stdout.flush()
        return made


async def main(directory: Path, url: str) -> None:
    """Deliver for ever, three records at a time; no Redis is there."""
    database = Database(url)
    live = Live("redis://127.0.36.1:1/0")
    forwarder = Forwarder(directory, Telling(database), live, system_clock, batch=3)
    sys.stdout.write("started\n")
    sys.stdout.flush()
    while await forwarder.deliver_once():
        sys.stdout.write("moved on\n")
        sys.stdout.flush()
    sys.stdout.write("done\n")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))

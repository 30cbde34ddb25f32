"""From the journal to SQL: nothing lost, nothing twice, whatever dies in between."""

import asyncio
import contextlib
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from crm_adapter.forwarder import DiskFault, Forwarder
from crm_adapter.journal import Journal, JournalReader
from crm_adapter.record import CallRecord, encode
from crm_adapter.store import Store
from crm_adapter.ticket import Ticket
from tests.support.redis_server import RedisServer, redis_server
from tests.unit.crm_adapter.records import record
from tieline import bus
from tieline.clock import system_clock
from tieline.database import Database, create_schema
from tieline.errors import ConnectionLost
from tieline.live import EVENTS, Live
from tieline.model import Witness

pytestmark = pytest.mark.component

REPOSITORY = Path(__file__).parents[3]


def numbered(which: int, **facts: object) -> CallRecord:
    """Make the record of one of many calls."""
    return record(call_id=f"fuzhou-1:fuzhou-1-1763.{which}", hangup_at=1000.0 + which, **facts)


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """One Redis for the module."""
    with redis_server() as server:
        yield server


@pytest.fixture
async def live(redis: RedisServer) -> AsyncIterator[Live]:
    """A door to it."""
    door = Live(redis.url)
    yield door
    await door.close()


@pytest.fixture
async def no_live() -> AsyncIterator[Live]:
    """A door to a Redis that is not there."""
    door = Live("redis://127.0.36.1:1/0")
    yield door
    await door.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    made = Database(f"sqlite:///{tmp_path / 'tieline.db'}")
    create_schema(made)
    yield made
    made.close()


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    """One writer."""
    one = Journal(tmp_path / "journal", "agi")
    yield one
    await one.close()


@contextlib.asynccontextmanager
async def running(forwarder: Forwarder) -> AsyncIterator[None]:
    """Run it beside the block."""
    task = asyncio.create_task(forwarder.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def delivered(forwarder: Forwarder, records: int) -> None:
    """Wait until its cursor is behind so many records."""
    while (await asyncio.to_thread(forwarder.metrics))["delivered"] < records:
        pass


class Flaky(Store):
    """A store that is away until told otherwise, and lets one wait for what it is asked."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.away = True
        self.asked: asyncio.Queue[int] = asyncio.Queue()

    async def deliver(self, records: Iterable[CallRecord], *, again: bool = False) -> list[Ticket]:
        """Deliver, unless away."""
        records = list(records)
        self.asked.put_nowait(len(records))
        if self.away:
            raise ConnectionLost("database: away")
        return await super().deliver(records, again=again)


class Deaf(Live):
    """A Redis that is not there, which lets one wait for what it was to be told."""

    def __init__(self) -> None:
        super().__init__("redis://127.0.36.1:1/0")
        self.told: asyncio.Queue[bus.Event] = asyncio.Queue()

    async def tell(self, *events: bus.Event) -> None:
        """Take the events and be away."""
        for event in events:
            self.told.put_nowait(event)
        await super().tell(*events)


async def test_a_journalled_call_becomes_a_ticket_and_the_bus_hears_of_it(
    tmp_path: Path, sqlite: Database, live: Live, journal: Journal
) -> None:
    forwarder = Forwarder(tmp_path / "journal", Store(sqlite), live, lambda: 5000.0)
    heard = live.follow(after=await live.last_id())
    async with running(forwarder):
        await journal.append(numbered(1))
        async for _, event in heard:
            if isinstance(event, bus.TicketMade):
                break
        await delivered(forwarder, 1)
    (ticket,) = await Store(sqlite).recent_tickets()
    assert event == bus.TicketMade(
        at=5000.0, call_id=numbered(1).call_id, ticket=ticket.ticket, kind="fault_report", city="fuzhou"
    )
    assert forwarder.metrics() == {
        "delivered": 1, "tickets": 1, "garbled": 0, "refused": 0, "failures": 0, "untold": 0, "behind_s": 0.0,
    }  # fmt: skip


async def test_without_sql_records_wait_and_without_redis_they_are_delivered_all_the_same(
    tmp_path: Path, sqlite: Database, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm_adapter.forwarder.FIRST_WAIT_S", 0.01)
    now = [5000.0]
    store, deaf = Flaky(sqlite), Deaf()
    forwarder = Forwarder(tmp_path / "journal", store, deaf, lambda: now[0])
    await journal.append(numbered(1))
    async with running(forwarder):
        assert await store.asked.get() == 1
        assert await store.asked.get() == 1
        now[0] = 5030.0
        assert forwarder.metrics()["behind_s"] == 30.0
        await journal.append(numbered(2))
        store.away = False
        told = [await deaf.told.get(), await deaf.told.get()]
        await delivered(forwarder, 2)
    assert [type(event) for event in told] == [bus.TicketMade] * 2
    assert len(await store.recent_tickets()) == 2
    assert forwarder.metrics()["failures"] >= 2
    assert JournalReader(tmp_path / "journal", tmp_path / "journal" / "forwarder.cursor").backlog_bytes() == 0
    await deaf.close()


async def told(live: Live, after: str) -> list[str]:
    """Give the calls of whose tickets the bus heard since an entry."""
    events = [bus.decode_event(raw) for _, raw in await live.read(EVENTS, after, block_ms=1)]
    return [event.call_id for event in events if isinstance(event, bus.TicketMade)]


async def test_a_ticket_is_told_though_its_process_died_before_it_could(
    tmp_path: Path, sqlite: Database, live: Live, journal: Journal
) -> None:
    begin = await live.last_id()
    await journal.append(numbered(1))
    await Store(sqlite).deliver([numbered(1)])  # killed here
    await journal.append(numbered(2))
    forwarder = Forwarder(tmp_path / "journal", Store(sqlite), live, system_clock, batch=1)
    while await forwarder.deliver_once():
        pass
    assert await told(live, begin) == [numbered(1).call_id, numbered(2).call_id]
    await journal.append(numbered(2, witness=Witness.AMI))
    await forwarder.deliver_once()
    assert len(await told(live, begin)) == 2, "a later witness is no new ticket"


async def test_a_ticket_is_told_though_the_cursor_cannot_be_synced(
    tmp_path: Path, sqlite: Database, live: Live, journal: Journal
) -> None:
    begin = await live.last_id()
    await journal.append(numbered(1))
    (tmp_path / "journal" / "forwarder.cursor.new").mkdir()  # what is written before it is renamed
    forwarder = Forwarder(tmp_path / "journal", Store(sqlite), live, system_clock)
    for times in (1, 2):
        with pytest.raises(DiskFault):
            await forwarder.deliver_once()
        assert await told(live, begin) == [numbered(1).call_id] * times
    assert len(await Store(sqlite).recent_tickets()) == 1


async def test_the_cursor_never_passes_what_was_not_committed(
    tmp_path: Path, sqlite: Database, no_live: Live, journal: Journal
) -> None:
    store = Flaky(sqlite)
    await journal.append(numbered(1))
    with pytest.raises(ConnectionLost):
        await Forwarder(tmp_path / "journal", store, no_live, system_clock).deliver_once()
    store.away = False
    await Forwarder(tmp_path / "journal", store, no_live, system_clock).deliver_once()
    assert len(await store.recent_tickets()) == 1


async def test_a_record_that_sql_refuses_is_set_aside_and_holds_up_nobody(
    tmp_path: Path, sqlite: Database, no_live: Live, journal: Journal
) -> None:
    trigger = "CREATE TRIGGER no BEFORE INSERT ON call WHEN NEW.agent = 'a666' BEGIN SELECT RAISE(ABORT, 'no'); END"
    await sqlite.run(lambda connection: connection.execute(sa.text(trigger)))
    bad = numbered(3, agent="a666")
    for call in (numbered(1), numbered(2), bad, numbered(4), numbered(5)):
        await journal.append(call)
    forwarder = Forwarder(tmp_path / "journal", Store(sqlite), no_live, system_clock)
    await forwarder.deliver_once()
    assert forwarder.metrics()["untold"] == 4
    assert len(await Store(sqlite).recent_calls()) == 4
    assert (tmp_path / "journal" / "refused.lines").read_bytes() == encode(bad)
    assert forwarder.metrics()["refused"] == 1
    assert await forwarder.deliver_once() is False


async def test_garbage_alone_moves_the_cursor_on(
    tmp_path: Path, sqlite: Database, no_live: Live, journal: Journal
) -> None:
    await journal.append(numbered(1))
    (path,) = (tmp_path / "journal").glob("*.jsonl")
    path.write_bytes(b"garbage\n" * 3)
    forwarder = Forwarder(tmp_path / "journal", Store(sqlite), no_live, system_clock)
    await forwarder.deliver_once()
    assert forwarder.metrics()["garbled"] == 3
    assert JournalReader(tmp_path / "journal", tmp_path / "journal" / "forwarder.cursor").backlog_bytes() == 0


async def test_killed_at_any_point_it_loses_no_ticket_and_makes_none_twice(
    tmp_path: Path, sqlite: Database, journal: Journal
) -> None:
    calls = [numbered(n) for n in range(60)]
    await asyncio.gather(*(journal.append(call) for call in calls))
    choose = random.Random(36)
    kills = 0
    for step in range(5):
        # Each line is one point: after the commit in SQL, after the cursor. Killed just behind one, it is anywhere
        # between that point and the next.
        kills += await asyncio.to_thread(
            _run_victim, tmp_path / "journal", sqlite_url(tmp_path), choose.randrange(1, 9) if step < 4 else None
        )
    assert kills == 4
    assert sorted(call.call_id for call in await Store(sqlite).recent_calls(newest=100)) == sorted(
        call.call_id for call in calls
    )
    tickets = await Store(sqlite).recent_tickets(newest=100)
    assert sorted(ticket.call_id for ticket in tickets) == sorted(call.call_id for call in calls)


def sqlite_url(tmp_path: Path) -> str:
    """Give the URL of the test's database."""
    return f"sqlite:///{tmp_path / 'tieline.db'}"


def _run_victim(directory: Path, url: str, kill_after: int | None) -> bool:
    """Run a forwarder, and kill it behind so many of its lines; True when it was killed before its work was done."""
    command = [sys.executable, "-m", "tests.component.crm_adapter.victim", str(directory), url]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        last = ""
        for count, line in enumerate(victim.stdout):
            last = line
            if count == kill_after:
                victim.kill()
        victim.wait(20)
    return last != "done\n"

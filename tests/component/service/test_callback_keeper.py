"""Entries of callers to be called back: made in Redis, copied to SQL, ended once, back after a loss of Redis."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import msgspec
import pytest

from routing.callback import Callback, State, ended
from routing.callback_live import CALLBACKS, add, put, read_all, read_of
from routing.keys import POOL
from routing.offers import Waiting
from routing.store import fetch_callbacks
from service.callback_keeper import FOLLOWED, CallbackKeeper
from tests.unit.routing.test_callback import ENTRY, RULES
from tieline import bus
from tieline.database import Database
from tieline.endings import cancel_until_done
from tieline.live import EVENTS, Live, commands_stream
from tieline.model import MANDARIN, Business, CityId, Need, NodeId, SiteId

pytestmark = pytest.mark.component

FUZHOU = SiteId("fuzhou")
NOW = ENTRY.made_at


@pytest.fixture
def now() -> list[float]:
    return [NOW]


@pytest.fixture
async def keeper(live: Live, database: Database, now: list[float]) -> AsyncIterator[CallbackKeeper]:
    with ThreadPoolExecutor(max_workers=1) as one_thread:  # a cancelled look into SQL ends before that is closed
        asyncio.get_running_loop().set_default_executor(one_thread)
        yield CallbackKeeper(FUZHOU, live, database, RULES, ("1", 20.0), lambda: now[0])


def in_sql(database: Database, *, is_open: bool = False) -> list[Callback]:
    with database.transaction(reading=True) as connection:
        return list(fetch_callbacks(connection, is_open=is_open))


async def test_an_entry_is_made_once_told_once_and_kept(
    live: Live, database: Database, keeper: CallbackKeeper
) -> None:
    assert await add(live, ENTRY)
    again = msgspec.structs.replace(ENTRY, call_id="fuzhou-1:2", since=NOW + 60)
    assert not await add(live, again)  # the number has its place already
    told = [bus.decode_event(raw) for _, raw in await live.read(EVENTS, "0-0", block_ms=1)]
    assert told == [bus.CallbackWanted(at=NOW, call_id=ENTRY.call_id, city="fuzhou", why="hung_up")]
    for _ in range(2):
        await keeper.look()
    assert in_sql(database) == [ENTRY]
    assert keeper.metrics()["open"] == 1


async def test_what_ended_leaves_redis_and_does_not_open_again(
    live: Live, database: Database, keeper: CallbackKeeper, now: list[float]
) -> None:
    await add(live, ENTRY)
    await keeper.look()
    done = ended(ENTRY, State.REACHED, NOW + 5)
    await put(live, done)
    await keeper.look()
    assert (in_sql(database), await live.call("EXISTS", CALLBACKS)) == ([done], 0)
    await put(live, ENTRY)  # a process that was frozen
    await keeper.look()
    assert in_sql(database) == [done]


async def test_what_is_too_old_ends(live: Live, database: Database, keeper: CallbackKeeper, now: list[float]) -> None:
    await add(live, ENTRY)
    now[0] += RULES.keep_s
    await keeper.look()
    assert [entry.state for entry in in_sql(database)] == [State.NOT_REACHED]
    assert await read_all(live) == []


async def test_after_a_loss_of_redis_open_entries_come_back(
    live: Live, database: Database, keeper: CallbackKeeper, now: list[float]
) -> None:
    await add(live, ENTRY)
    await keeper.look()
    await live.call("FLUSHALL")
    anew = CallbackKeeper(FUZHOU, live, database, RULES, ("1", 20.0), lambda: now[0])
    await anew.look()
    assert list(await read_all(live)) == [ENTRY]
    other = CallbackKeeper(SiteId("xiamen"), live, database, RULES, ("1", 20.0), lambda: now[0])
    await live.call("FLUSHALL")
    await other.look()
    assert await read_all(live) == []


@asynccontextmanager
async def running(live: Live, keeper: CallbackKeeper) -> AsyncIterator[None]:
    task = asyncio.create_task(keeper.run())
    try:
        async with asyncio.timeout(60):
            while b"cmd=xread" not in await live.call("CLIENT", "LIST"):
                pass
            yield
    finally:
        await cancel_until_done(task)


def arrived(at: float, call_id: str = "fuzhou-1:3") -> bus.CallArrived:
    return bus.CallArrived(
        at=at,
        call_id=call_id,
        node="fuzhou-1",
        channel="PJSIP/e-1",
        uniqueid="1",
        city="fuzhou",
        number_state="shown",
        number=ENTRY.number,
    )


def answered(at: float, call_id: str = "fuzhou-1:3") -> bus.AgentAnswered:
    return bus.AgentAnswered(at=at, call_id=call_id, agent="a1001")


async def taken_in(live: Live) -> None:
    """Wait until the keeper has taken in all that was told."""
    newest = (await live.last_id()).encode()
    while newest not in (await live.call("GET", FOLLOWED) or b""):
        pass


async def test_who_calls_again_and_is_answered_is_not_called_back(
    live: Live, database: Database, keeper: CallbackKeeper
) -> None:
    await add(live, ENTRY)
    await keeper.look()
    async with running(live, keeper):
        await live.tell(arrived(NOW + 9), answered(NOW + 30))
        while await live.call("EXISTS", CALLBACKS):
            pass
    assert [entry.state for entry in in_sql(database)] == [State.CALLED_AGAIN]


@pytest.mark.parametrize("heard", [0, 1], ids=["called-while-away", "answered-while-away"])
async def test_who_is_answered_while_no_keeper_runs_is_not_called_back(
    live: Live, database: Database, keeper: CallbackKeeper, now: list[float], heard: int
) -> None:
    await add(live, ENTRY)
    told = (arrived(NOW + 9), answered(NOW + 30))
    async with running(live, keeper):
        await live.tell(*told[:heard])
        await taken_in(live)
    await live.tell(*told[heard:])
    anew = CallbackKeeper(FUZHOU, live, database, RULES, ("1", 20.0), lambda: now[0])
    async with running(live, anew):
        while await live.call("EXISTS", CALLBACKS):
            pass
    assert [entry.state for entry in in_sql(database)] == [State.CALLED_AGAIN]


async def test_who_was_answered_before_his_entry_was_made_is_called_back(live: Live, keeper: CallbackKeeper) -> None:
    await live.tell(arrived(NOW - 60), answered(NOW - 40))  # a keeper without a position reads all that there is
    await add(live, ENTRY)
    async with running(live, keeper):
        await taken_in(live)
    assert await read_of(live, ENTRY.number) == ENTRY


async def test_what_was_read_before_is_not_written_over_an_entry_that_ended_since(live: Live) -> None:
    await add(live, ENTRY)
    tried = msgspec.structs.replace(ENTRY, tries=1)
    await put(live, tried)
    assert await read_of(live, ENTRY.number) == tried
    again = ended(tried, State.CALLED_AGAIN, NOW + 30)
    await put(live, again)
    await put(live, tried)  # what the keeper found in SQL a moment ago
    await put(live, ended(tried, State.REACHED, NOW + 40))
    assert await read_of(live, ENTRY.number) == again


async def test_the_entry_of_another_call_keeps_its_place(live: Live) -> None:
    await add(live, ENTRY)
    await put(live, msgspec.structs.replace(ENTRY, call_id="fuzhou-1:2"))
    assert await read_of(live, ENTRY.number) == ENTRY


async def test_an_entry_of_another_version_is_none(live: Live, database: Database, keeper: CallbackKeeper) -> None:
    await add(live, ENTRY)
    await keeper.look()
    await live.call("HSET", CALLBACKS, ENTRY.number, '{"call_id": "fuzhou-1:1"}')
    assert await read_of(live, ENTRY.number) is None
    await keeper.look()
    assert await read_of(live, ENTRY.number) == ENTRY, "SQL knows it"


async def test_the_key_leads_who_has_waited_long_enough_to_the_script(live: Live, keeper: CallbackKeeper) -> None:
    need = Need(MANDARIN, Business.REPAIR, CityId("fuzhou"))
    for name, since in (("new", NOW - 5), ("old", NOW - 25)):
        call = Waiting(name, NodeId("fuzhou-1"), f"PJSIP/edge-1-{name}", need, since, FUZHOU)  # type: ignore[arg-type]
        await live.call("HSET", POOL, name, msgspec.json.encode(call))
    async with running(live, keeper):
        for call_id, digit in (("new", "1"), ("old", "2"), ("gone", "1"), ("old", "1")):
            await live.tell(bus.CallerKey(at=NOW, call_id=call_id, digit=digit))
        [(_, raw)] = await live.read(commands_stream("fuzhou-1"), "0-0", block_ms=5000)
    word = bus.decode_command(raw)
    assert isinstance(word, bus.PutInMailbox)
    assert (word.call_id, word.word) == ("old", "callback")

"""A lease on a real Redis: one acts, the other waits, and who has lost it writes nothing."""

import asyncio

import pytest

from tieline.lease import Hold, Lease, LeaseLost
from tieline.live import Live

pytestmark = pytest.mark.component

KEY = "tl:test:lease"
BRIEF_S = 0.1


async def test_the_second_waits_until_the_first_gives_up(live: Live) -> None:
    first, second = Lease(live, KEY, "first", lasts_s=30), Lease(live, KEY, "second", lasts_s=30)
    hold = await first.take()
    waiting = asyncio.create_task(second.take())
    await first.act(hold, [("SET", "is", "first")])
    assert not waiting.done()
    await first.give_up(hold)
    after = await waiting
    assert after.term > hold.term
    assert await live.call("GET", "is") == b"first"


async def test_who_lost_it_by_silence_writes_nothing_and_is_told(live: Live) -> None:
    frozen, other = Lease(live, KEY, "frozen", lasts_s=BRIEF_S), Lease(live, KEY, "other", lasts_s=30)
    old = await frozen.take()
    new = await other.take()
    with pytest.raises(LeaseLost):
        await frozen.act(old, [("SET", "is", "frozen"), ("SET", "more", "1")])
    assert await live.call("EXISTS", "is", "more") == 0
    await frozen.give_up(old)
    await other.act(new, [("SET", "is", "other")])
    assert await live.call("GET", "is") == b"other"


async def test_a_holder_that_took_it_again_is_another_holder(live: Live) -> None:
    lease = Lease(live, KEY, "one", lasts_s=BRIEF_S)
    old = await lease.take()
    new = await lease.take()
    assert new.term > old.term
    with pytest.raises(LeaseLost):
        await lease.act(old, [])
    await lease.act(new, [])


async def test_acting_renews_and_runs_every_command_in_order(live: Live) -> None:
    lease = Lease(live, KEY, "one", lasts_s=30)
    hold = await lease.take()
    await live.call("PEXPIRE", KEY, 5000)
    await lease.act(hold, [("RPUSH", "list", b"\x00\xff", "b c")])
    assert await live.call("PTTL", KEY) > 5000
    await lease.act(hold, [("RPUSH", "list", 3, 0.5), ("RPUSH", "list", "")])
    assert await live.call("LRANGE", "list", 0, -1) == [b"\x00\xff", b"b c", b"3", b"0.5", b""]


async def test_a_lease_that_ran_out_is_taken_again_by_who_had_it_last(live: Live) -> None:
    lease, other = (Lease(live, KEY, name, lasts_s=30) for name in ("one", "other"))
    old = await lease.take()
    await live.call("DEL", KEY)
    again = await lease.take_again(old)
    await lease.act(again, [])
    await live.call("FLUSHALL")  # nobody can know: who asks first goes on
    again = await lease.take_again(again)
    with pytest.raises(LeaseLost):
        await other.take_again(old)


async def test_a_lease_is_not_taken_again_when_another_one_had_it_meanwhile(live: Live) -> None:
    lease, other = (Lease(live, KEY, name, lasts_s=30) for name in ("one", "other"))
    old = await lease.take()
    await live.call("DEL", KEY)
    between = await other.take()
    with pytest.raises(LeaseLost, match="holds it"):
        await lease.take_again(old)
    await other.give_up(between)
    with pytest.raises(LeaseLost, match="has held it since"):
        await lease.take_again(old)
    assert await live.call("EXISTS", KEY) == 0  # the next one can act at once


async def test_terms_grow_over_a_redis_that_forgot_everything(live: Live) -> None:
    lease = Lease(live, KEY, "one", lasts_s=30)
    before = [await _taken_anew(lease) for _ in range(2)]
    await live.call("FLUSHALL")
    after = await lease.take()
    assert before[0].term < before[1].term
    assert after.term >= before[0].term


async def _taken_anew(lease: Lease) -> Hold:
    hold = await lease.take()
    await lease.give_up(hold)
    return hold

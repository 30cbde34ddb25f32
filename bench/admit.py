"""Admission and release of lines with leases, beside redis-benchmark with the same steps on the same Redis.

50 tasks take a line and give it back through the product's own door to Redis, which fills one pipeline a turn of the
event loop. redis-benchmark (C, one command at a time on each of 50 connections) runs the two steps one after the
other; what it takes for a pair is the sum. Many of its channels repeat, so part of its runs change nothing and are
cheaper than ours: the ratio is rather too low than too high. All take turns in short slices, so what else the machine
does falls on all alike; a ratio is the median of the ratios within a turn. The numbers of cities take turns in slices
shorter still, forwards and backwards, each with a Redis database of its own in which every city has had calls.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from itertools import count
from statistics import median
from typing import Final

import msgspec
import uvloop

from bench._measure import pinned, quantile, two_cpus
from bench.admit_redis import CHANNEL, CLIENTS, BenchRedis, bench_redis
from bench.result import BenchResult, Figure, figure, versions_of
from tieline.live import Live
from tieline.model import CityId, SiteId
from trunk_config import admission_steps as steps
from trunk_config.admission import admit, install, release, warm_up
from trunk_config.quota import Allowances, Quota, SiteQuotas

PAIRS: Final = 1000
"""Of a slice."""
SLICES: Final = 10
"""Of each number of cities in a turn."""
RUNS: Final = 50_000
"""Of redis-benchmark, for each of the two steps."""
PACED_PER_S: Final = 1000
PACED_S: Final = 4.0
FEW, SOME, MANY = 10, 250, 1000
"""Cities. 250 have the longest hashes that Redis by itself searches from one end on."""
NOW: Final = 1_795_249_002.0
ALLOWANCES: Final = Allowances()
PLENTY: Final = 10_000_000
DEADLINE_S: Final = 10.0
"""Far above what is measured: a slow machine must give a figure, not an error."""

RATE_GOAL: Final = 0.15
P99_GOAL_MS: Final = 2.0
CITIES_GOAL: Final = 0.9


class Turn(msgspec.Struct, frozen=True):
    """What one turn measured.

    Attributes:
        pairs_per_s: Admissions with their releases, through our door, by number of cities, slice by slice.
        theirs_per_s: redis-benchmark's pairs.
        paced_s: Time of each admission at 1,000 a second.
    """

    pairs_per_s: dict[int, tuple[float, ...]]
    theirs_per_s: float
    paced_s: tuple[float, ...]


def run(*, rounds: int, pairs: int = PAIRS, runs: int = RUNS, paced_s: float = PACED_S) -> BenchResult:
    """Measure everything; about 13 seconds a round on two idle processors.

    Args:
        rounds: Turns.
        pairs: Admissions of a slice.
        runs: Of redis-benchmark for each step.
        paced_s: How long admissions come at 1,000 a second.

    Raises:
        LabError: There is no private root.
        RuntimeError: Redis or redis-benchmark failed.
    """
    redis_cpu, load_cpu = two_cpus()
    with bench_redis(redis_cpu) as redis, pinned(load_cpu):
        turns = [_turn(redis, pairs=pairs, runs=runs, paced_s=paced_s) for _ in range(rounds)]
    versions = versions_of(("redis", "uvloop")) | {"redis-server": redis.version}
    return BenchResult("admit", figures_of(turns), versions)


def figures_of(turns: Iterable[Turn]) -> dict[str, Figure]:
    """Sum the turns up."""
    turns = tuple(turns)
    ours = [median(turn.pairs_per_s[FEW]) for turn in turns]
    ratio = median(our / turn.theirs_per_s for our, turn in zip(ours, turns, strict=True))
    p50, p99 = (median(quantile(turn.paced_s, q) for turn in turns) * 1000 for q in (0.5, 0.99))
    return {
        "pairs_tieline": figure(median(ours), "per s", better="higher"),
        "pairs_redis_benchmark": figure(median(turn.theirs_per_s for turn in turns), "per s", better="higher"),
        "rate_of_redis_benchmark": figure(ratio, "ratio", goal=RATE_GOAL, better="higher"),
        "p50_at_1000_per_s": figure(p50, "ms"),
        "p99_at_1000_per_s": figure(p99, "ms", goal=P99_GOAL_MS),
        "rate_250_cities_of_10": _of_few(turns, SOME),
        "rate_1000_cities_of_10": _of_few(turns, MANY),
    }


def _of_few(turns: Iterable[Turn], cities: int) -> Figure:
    """Compare with the slice of few cities that was beside it."""
    both = [pair for turn in turns for pair in zip(turn.pairs_per_s[cities], turn.pairs_per_s[FEW], strict=True)]
    return figure(median(rate / few for rate, few in both), "ratio", goal=CITIES_GOAL, better="higher")


def _turn(redis: BenchRedis, *, pairs: int, runs: int, paced_s: float) -> Turn:
    pairs_per_s, paced = uvloop.run(_through_our_door(redis, pairs, paced_s))
    return Turn(pairs_per_s, _theirs(redis, runs), paced)


def _theirs(redis: BenchRedis, runs: int) -> float:
    uvloop.run(_begin(redis, FEW))
    ration = (str(ALLOWANCES.messages), str(ALLOWANCES.safety_lines))
    admits = redis.rate_of(steps.ADMIT, (CHANNEL, _city(0), f"{NOW:.3f}", "", *ration), runs=runs)
    releases = redis.rate_of(steps.RELEASE, (CHANNEL,), runs=runs)
    return 1 / (1 / admits + 1 / releases)


async def _begin(redis: BenchRedis, cities: int) -> None:
    live = Live(redis.url(), deadline_s=DEADLINE_S)
    await _put_in_force(live, cities)
    await live.close()


async def _put_in_force(live: Live, cities: int) -> None:
    """Empty a database, and put quotas in force that never refuse: a refusal would be cheaper than a line."""
    quotas = {_city(number): Quota(10, PLENTY) for number in range(cities)}
    await live.call("FLUSHDB")
    await install(live, 1, "normal", SiteQuotas(SiteId("bench"), PLENTY, quotas, dict.fromkeys(quotas, PLENTY)))
    await warm_up(live)


async def _through_our_door(
    redis: BenchRedis, pairs: int, paced_s: float
) -> tuple[dict[int, tuple[float, ...]], tuple[float, ...]]:
    async with AsyncExitStack() as stack:
        lives: dict[int, Live] = {}
        for database, cities in enumerate((FEW, SOME, MANY)):
            live = lives[cities] = Live(redis.url(database), deadline_s=DEADLINE_S)
            stack.push_async_callback(live.close)
            await _put_in_force(live, cities)
            await _slice(live, MANY, cities)
        pairs_per_s = await _take_turns(lives, pairs)
        await lives[FEW].call("FLUSHALL")  # what Redis tidies up after such a burst is not what a call waits for
        await _put_in_force(lives[FEW], FEW)
        return pairs_per_s, await _paced(lives[FEW], paced_s)


async def _take_turns(lives: Mapping[int, Live], pairs: int) -> dict[int, tuple[float, ...]]:
    rates: dict[int, list[float]] = {cities: [] for cities in lives}
    order = list(lives)
    for _ in range(SLICES):
        for cities in order:
            rates[cities].append(await _slice(lives[cities], pairs, cities))
        order.reverse()
    return {cities: tuple(found) for cities, found in rates.items()}


async def _slice(live: Live, pairs: int, cities: int) -> float:
    """Let 50 tasks take lines and give them back; gives pairs a second."""
    numbers = iter(range(pairs))

    async def work() -> None:
        for number in numbers:
            await _take(live, number, cities)
            await release(live, _channel(number))

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(CLIENTS):
            tasks.create_task(work())
    return pairs / (time.perf_counter() - began)


async def _paced(live: Live, seconds: float) -> tuple[float, ...]:
    """Let admissions come at 1,000 a second, whether the ones before are done or not; gives the time of each."""
    took: list[float] = []
    loop = asyncio.get_running_loop()

    async def call(number: int) -> None:
        began = time.perf_counter()
        await _take(live, number, FEW)
        took.append(time.perf_counter() - began)
        await release(live, _channel(number))

    begin = loop.time()
    async with asyncio.TaskGroup() as tasks:
        for number in count():
            due = begin + number / PACED_PER_S
            if due > begin + seconds:
                break
            if (early := due - loop.time()) > 0:
                await asyncio.sleep(early)
            tasks.create_task(call(number))
    return tuple(took)


async def _take(live: Live, number: int, cities: int) -> None:
    answer = await admit(
        live,
        uniqueid=_channel(number),
        city=_city(number % cities),
        number="",
        allowances=ALLOWANCES,
        now=NOW,
        deadline_s=DEADLINE_S,
    )
    if not answer.granted:
        raise RuntimeError(f"a line was refused: {answer}")


def _city(number: int) -> CityId:
    return CityId(f"city{number}")


def _channel(number: int) -> str:
    return f"fuzhou-1-1795249002.{number:012d}"

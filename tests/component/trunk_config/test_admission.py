"""The admission step on a real Redis: the reserve rule, what is rationed beside it, installing, leases that end."""

import asyncio

import pytest

from tests.component.trunk_config.site import FUZHOU, PUTIAN, RATION, ask, kept_up, quotas, uniqueid
from tieline.errors import NotReady
from tieline.live import Live
from tieline.model import RefusalCause
from trunk_config.admission import (
    LINES,
    MESSAGES,
    QUOTA,
    Leases,
    Verdict,
    in_use,
    install,
    maybe_version,
    release,
    set_safety_numbers,
    warm_up,
)
from trunk_config.quota import Quota

pytestmark = pytest.mark.component

SAFE = "+8659100001234"


async def test_300_callers_at_once_get_exactly_the_cap(live: Live) -> None:
    await install(live, 1, "normal", quotas(Quota(0, 20), Quota(0, 20)))
    answers = await asyncio.gather(*(ask(live, number) for number in range(300)))
    assert sum(answer.granted for answer in answers) == 20
    assert sum(answer.verdict is Verdict.MESSAGE for answer in answers) == RATION.messages
    assert await in_use(live) == {FUZHOU: 20}
    assert (answers[-1].in_use, answers[-1].total, answers[-1].version) == (20, 20, 1)


async def test_what_another_city_has_reserved_stays_free_for_it(live: Live) -> None:
    await install(live, 1, "normal", quotas(Quota(2, 9), Quota(3, 6), lines=10))
    surge = await asyncio.gather(*(ask(live, number) for number in range(20)))
    assert sum(answer.granted for answer in surge) == 7
    calm = await asyncio.gather(*(ask(live, 100 + number, PUTIAN) for number in range(5)))
    assert [answer.granted for answer in calm] == [True, True, True, False, False]
    assert await kept_up(live) == {"total": 10, "short": 0, "safety": 0}


async def test_below_its_reserve_a_city_is_refused_by_the_platform(live: Live) -> None:
    await install(live, 1, "normal", quotas(Quota(0, 9), Quota(0, 9), lines=4))
    await asyncio.gather(*(ask(live, number) for number in range(4)))
    assert (await ask(live, 5, PUTIAN)).cause is RefusalCause.QUOTA
    await install(live, 2, "normal", quotas(Quota(0, 9), Quota(1, 9), lines=4))  # promised too late
    refused = [await ask(live, number, PUTIAN) for number in (5, 6, 7)]
    assert [answer.verdict for answer in refused] == [Verdict.MESSAGE, Verdict.MESSAGE, Verdict.SILENT]
    assert {answer.cause for answer in refused} == {RefusalCause.PLATFORM}
    assert (await ask(live, 8)).cause is RefusalCause.QUOTA
    await release(live, uniqueid(0))
    assert (await ask(live, 9, PUTIAN)).cause is None


async def test_asking_twice_is_answered_as_before_and_counts_once(live: Live) -> None:
    await install(live, 1, "normal", quotas(Quota(0, 1), Quota(0, 1)))
    first = [await ask(live, number) for number in (1, 2)]
    again = [await ask(live, number) for number in (1, 2)]
    assert [answer.verdict for answer in first] == [Verdict.ADMIT, Verdict.MESSAGE]
    assert again == first
    assert await in_use(live) == {FUZHOU: 1}


async def test_only_so_many_hear_a_refusal_and_a_place_comes_back(live: Live) -> None:
    await install(live, 1, "normal", quotas(Quota(0, 0), Quota(0, 0)))
    verdicts = [(await ask(live, number)).verdict for number in range(4)]
    assert verdicts == [Verdict.MESSAGE, Verdict.MESSAGE, Verdict.SILENT, Verdict.SILENT]
    assert await release(live, uniqueid(0)) == Leases(lines=0, messages=1)
    assert (await ask(live, 4)).verdict is Verdict.MESSAGE


async def test_a_number_of_the_safety_list_passes_cap_and_reserves_but_not_the_sites_lines(live: Live) -> None:
    await set_safety_numbers(live, [SAFE])
    await install(live, 1, "normal", quotas(Quota(0, 1), Quota(2, 2), lines=3))
    assert (await ask(live, 1, number=SAFE)).verdict is Verdict.ADMIT  # needs no allowance
    assert (await ask(live, 2, number=SAFE)).verdict is Verdict.SAFETY
    assert (await ask(live, 3, number=SAFE)).verdict is Verdict.MESSAGE  # one at once is the ration
    assert (await ask(live, 2, number=SAFE)).verdict is Verdict.SAFETY  # asked twice
    assert await kept_up(live) == {"total": 2, "short": 2, "safety": 1}
    await release(live, uniqueid(2), uniqueid(3))
    assert await kept_up(live) == {"total": 1, "short": 2, "safety": 0}
    assert [(await ask(live, number, PUTIAN)).granted for number in (4, 5)] == [True, True]
    assert (await ask(live, 6, number=SAFE)).verdict is Verdict.MESSAGE  # all lines of the site are in use
    assert (await ask(live, 7, number="+8659100009999")).verdict is Verdict.MESSAGE


async def test_the_safety_list_is_replaced_as_a_whole(live: Live) -> None:
    await install(live, 1, "normal", quotas(Quota(0, 0), Quota(0, 0)))
    await set_safety_numbers(live, [SAFE])
    await set_safety_numbers(live, [])
    assert (await ask(live, 1, number=SAFE)).verdict is Verdict.MESSAGE


async def test_a_release_may_come_twice_or_for_nobody(live: Live) -> None:
    await install(live, 1, "normal", quotas(Quota(3, 20), Quota(0, 20)))
    await ask(live, 1)
    assert await kept_up(live) == {"total": 1, "short": 2, "safety": 0}
    assert await release(live, uniqueid(1), uniqueid(99)) == Leases(lines=1, messages=0)
    assert await release(live, uniqueid(1)) == Leases(lines=0, messages=0)
    assert await release(live) == Leases(lines=0, messages=0)
    assert await kept_up(live) == {"total": 0, "short": 3, "safety": 0}


async def test_without_quotas_nothing_is_decided(live: Live) -> None:
    with pytest.raises(NotReady):
        await ask(live, 1)
    assert await live.call("EXISTS", LINES, MESSAGES) == 0
    assert await maybe_version(live) is None


async def test_a_new_version_counts_the_calls_in_progress_and_leaves_them_alone(live: Live) -> None:
    await install(live, 1, "normal", quotas(Quota(0, 20), Quota(5, 20)))
    for number in range(10):
        await ask(live, number)
    assert await install(live, 2, "typhoon", quotas(Quota(12, 12), Quota(7, 20), lines=20))
    assert await maybe_version(live) == 2
    assert await kept_up(live) == {"total": 10, "short": 2 + 7, "safety": 0}
    answers = [await ask(live, 100 + number) for number in range(4)]
    assert [answer.granted for answer in answers] == [True, True, False, False]
    assert {answer.version for answer in answers} == {2}


async def test_an_older_version_is_refused_and_a_city_without_quota_is_gone(live: Live) -> None:
    await install(live, 2, "normal", quotas(Quota(0, 5), Quota(0, 5)))
    assert not await install(live, 1, "typhoon", quotas(Quota(0, 9), Quota(0, 9)))
    assert await live.call("HMGET", QUOTA, "version", "profile", "c:fuzhou") == [b"2", b"normal", b"5"]
    one = quotas(Quota(0, 5), Quota(0, 5))
    assert await install(live, 2, "normal", type(one)(one.site, one.lines, {FUZHOU: Quota(0, 4)}, one.access))
    assert await live.call("HMGET", QUOTA, "c:fuzhou", "c:putian") == [b"4", None]
    assert (await ask(live, 1, PUTIAN)).verdict is Verdict.MESSAGE


async def test_a_redis_that_lost_its_steps_is_no_error(live: Live) -> None:
    await warm_up(live)
    await install(live, 1, "normal", quotas(Quota(0, 5), Quota(0, 5)))
    await live.call("SCRIPT", "FLUSH")
    assert (await ask(live, 2)).granted

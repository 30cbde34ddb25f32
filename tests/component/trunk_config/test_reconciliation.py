"""After a crash on either side the leases are again what Asterisk has."""

import pytest

from tests.component.trunk_config.site import FUZHOU, PUTIAN, ask, kept_up, quotas, uniqueid
from tieline.live import Live
from tieline.model import CityId, NodeId
from trunk_config.admission import LINES, MESSAGES, Leases, in_use, install
from trunk_config.quota import Quota
from trunk_config.reconciliation import LINE, MESSAGE, CallerChannel, NodeChannels, Repairs, reconcile

pytestmark = pytest.mark.component

NODE = NodeId("fuzhou-1")
LINE_OF_FUZHOU = CallerChannel(FUZHOU, LINE)
NOTHING = Leases(0, 0)


async def see(live: Live, callers: dict[str, CallerChannel], *, at: float = 200, started_at: float = 0) -> Repairs:
    return await reconcile(live, NodeChannels(NODE, callers, at=at, started_at=started_at))


async def test_only_the_nodes_own_stale_leases_end(live: Live) -> None:
    await install(live, 1, "normal", quotas(Quota(2, 9), Quota(1, 9)))
    await ask(live, 1)
    await ask(live, 2)
    await ask(live, uniqueid(3, second=200), now=200)  # began while the snapshot was made
    await ask(live, uniqueid(1, node="fuzhou-2"))
    repairs = await see(live, {uniqueid(2): LINE_OF_FUZHOU})
    assert repairs == Repairs(released=Leases(lines=1, messages=0), added=NOTHING)
    assert await in_use(live) == {FUZHOU: 3}


async def test_messages_of_channels_that_are_gone_end(live: Live) -> None:
    await install(live, 1, "normal", quotas(Quota(0, 0), Quota(0, 0)))
    await ask(live, 1)
    await ask(live, 2)
    repairs = await see(live, {uniqueid(2): CallerChannel(FUZHOU, MESSAGE)})
    assert repairs.released == Leases(lines=0, messages=1)
    assert await live.call("HKEYS", MESSAGES) == [uniqueid(2).encode()]


async def test_leases_that_a_restarted_redis_lost_come_back_over_the_cap_too(live: Live) -> None:
    callers = {
        uniqueid(1): LINE_OF_FUZHOU,
        uniqueid(2): LINE_OF_FUZHOU,
        uniqueid(3): CallerChannel(PUTIAN, LINE),
        uniqueid(4): CallerChannel(PUTIAN, MESSAGE),
        uniqueid(5): CallerChannel(PUTIAN, ""),  # not decided
        uniqueid(6): CallerChannel(CityId(""), LINE),  # the node did not tell the city
    }
    assert (await see(live, callers)).added == Leases(lines=3, messages=1)
    await install(live, 1, "normal", quotas(Quota(1, 1), Quota(2, 3)))
    assert await in_use(live) == {FUZHOU: 2, PUTIAN: 1}
    assert await kept_up(live) == {"total": 3, "short": 1, "safety": 0}
    assert await see(live, callers) == Repairs(released=NOTHING, added=NOTHING)
    assert not (await ask(live, 7)).granted


async def test_what_is_added_after_the_quotas_is_counted_by_them(live: Live) -> None:
    await install(live, 1, "normal", quotas(Quota(1, 9), Quota(2, 9)))
    await see(
        live, {uniqueid(1): LINE_OF_FUZHOU, uniqueid(2): LINE_OF_FUZHOU, uniqueid(3): CallerChannel(PUTIAN, LINE)}
    )
    assert await kept_up(live) == {"total": 3, "short": 1, "safety": 0}


async def test_who_was_let_in_by_the_node_though_redis_had_refused_holds_a_line(live: Live) -> None:
    await install(live, 1, "normal", quotas(Quota(0, 0), Quota(0, 0)))
    await ask(live, 1)  # a message, but the answer came too late for the script
    assert (await see(live, {uniqueid(1): LINE_OF_FUZHOU})).added == Leases(lines=1, messages=0)
    assert await live.call("EXISTS", MESSAGES) == 0
    assert await live.call("HKEYS", LINES) == [uniqueid(1).encode()]


async def test_leases_of_a_nodes_earlier_generation_are_void_at_once(live: Live) -> None:
    await install(live, 1, "normal", quotas(Quota(0, 9), Quota(0, 9)))
    old, young = uniqueid(1, second=197), uniqueid(1, second=199)
    await ask(live, old, now=199.5)  # taken so late that the snapshot alone would spare it
    await ask(live, young, now=199.5)
    assert (await see(live, {}, at=200, started_at=199)).released == Leases(lines=1, messages=0)
    assert await live.call("HKEYS", LINES) == [young.encode()]

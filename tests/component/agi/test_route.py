"""Step 5: the call enters the pool with what it needs, and with what is known of who calls."""

from dataclasses import replace

import pytest

from agi.scripts import menu, no_answer, route
from agi.scripts.parts import Parts
from routing.known_callers import KnownCaller
from tests.component.agi.conftest import NOW
from tests.component.agi.test_waiting import CALL, NUMBER, Phone, away
from tieline import bus
from tieline.live import EVENTS
from tieline.model import CountyId, Lane

pytestmark = pytest.mark.component

OTHER = "+8615405910002"


async def waits(parts: Parts) -> bus.CallWaiting:
    """Give the newest call that was told as waiting."""
    told = [bus.decode_event(raw) for _, raw in await parts.live.read(EVENTS, "0-0", block_ms=10)]
    assert isinstance(told[-1], bus.CallWaiting)
    return told[-1]


def known(parts: Parts) -> Parts:
    return replace(parts, callers={NUMBER: KnownCaller(Lane.LIFE_SAFETY, CountyId("changle"), only_dialect=True)})


async def test_a_call_waits_from_now_on_in_the_normal_lane(parts: Parts) -> None:
    done = await route.run(parts, Phone(TL_DIALECT="min_dong", TL_BUSINESS="repair").session)
    assert done == {"TL_SINCE": f"{NOW:.3f}", "TL_ROUTE": "hold"}
    event = await waits(parts)
    assert (event.call_id, event.dialect, event.business, event.since) == (CALL, "min_dong", "repair", NOW)
    assert (event.lane, event.county, event.only_dialect) == ("normal", "", False)


async def test_what_is_known_of_a_number_goes_with_the_call(parts: Parts) -> None:
    await route.run(known(parts), Phone().session)
    event = await waits(parts)
    assert (event.lane, event.county, event.only_dialect) == ("life_safety", "changle", True)
    await route.run(known(parts), Phone(TL_NUMBER=OTHER).session)
    assert (await waits(parts)).lane == "normal"


async def test_it_still_does_after_an_agent_did_not_answer(parts: Parts) -> None:
    await no_answer.run(known(parts), Phone(TL_SINCE=f"{NOW - 9:.3f}", TL_TRY="a1001", TL_FENCE="3").session)
    event = await waits(parts)
    assert (event.lane, event.county, event.since) == ("life_safety", "changle", NOW - 9)


async def test_without_redis_the_static_queue_answers(parts: Parts) -> None:
    assert (await route.run(away(parts), Phone().session))["TL_ROUTE"] == "static"


async def test_who_has_chosen_in_the_menu_waits_at_once(parts: Parts) -> None:
    phone = Phone("2", "1")
    done = await menu.run(parts, phone.session)
    assert done == {"TL_SINCE": f"{NOW:.3f}", "TL_ROUTE": "hold"}
    event = await waits(parts)
    assert (event.call_id, event.dialect, event.business) == (CALL, "min_dong", "repair")


async def test_what_he_chose_is_set_before_the_pool_knows_of_him_so_that_another_server_can_go_on(
    parts: Parts,
) -> None:
    phone = Phone("2", "1")
    assert await menu.run(away(parts), phone.session) == {"TL_SINCE": f"{NOW:.3f}", "TL_ROUTE": "static"}
    assert list(phone.variables.items()) == [
        ("TL_DIALECT", "min_dong"),
        ("TL_BUSINESS", "repair"),
        ("TL_MENU_AT", f"{NOW:.3f}"),
        ("TL_ROUTE", ""),
        ("TL_DONE", "menu"),
    ]

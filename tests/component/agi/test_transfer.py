"""A caller who is sent on: told as waiting with his first arrival, and with what he needs now."""

import pytest

from agi.scripts import transfer
from agi.scripts.parts import Parts
from tests.component.agi.conftest import NOW
from tests.component.agi.test_waiting import CALL, Phone, away
from tieline import bus
from tieline.live import EVENTS

pytestmark = pytest.mark.component

SINCE = f"{NOW - 90:.3f}"


def sent_on(to: str, since: str = SINCE) -> Phone:
    return Phone(TL_SINCE=since, TL_BUSINESS="repair", TL_DIALECT="min_dong", TL_TO=to)


async def told(parts: Parts) -> bus.CallWaiting:
    [(_, raw)] = await parts.live.read(EVENTS, "0-0", block_ms=10)
    event = bus.decode_event(raw)
    assert isinstance(event, bus.CallWaiting)
    return event


@pytest.mark.parametrize(
    ("to", "business", "dialect", "wanted"),
    [
        ("billing:min_nan:", "billing", "min_nan", ""),
        ("::a1002", "repair", "min_dong", "a1002"),
        ("billing::a1002", "billing", "min_dong", "a1002"),
        ("", "repair", "min_dong", ""),
        ("gardening:klingon:", "repair", "min_dong", ""),
    ],
)
async def test_he_waits_again_since_he_first_came(
    parts: Parts, to: str, business: str, dialect: str, wanted: str
) -> None:
    done = await transfer.run(parts, sent_on(to).session)
    assert done == {"TL_SINCE": SINCE, "TL_BUSINESS": business, "TL_DIALECT": dialect, "TL_ROUTE": "hold"}
    event = await told(parts)
    assert (event.call_id, event.since, event.moved_at) == (CALL, NOW - 90, NOW)
    assert (event.business, event.dialect, event.wanted) == (business, dialect, wanted)


async def test_who_never_waited_does_so_from_now_on(parts: Parts) -> None:
    done = await transfer.run(parts, sent_on("::a1002", since="").session)
    assert done["TL_SINCE"] == f"{NOW:.3f}"
    assert (await told(parts)).since == NOW


async def test_without_redis_the_static_queue_of_what_he_needs_now_answers(parts: Parts) -> None:
    done = await transfer.run(away(parts), sent_on("billing::").session)
    assert (done["TL_ROUTE"], done["TL_BUSINESS"], done["TL_SINCE"]) == ("static", "billing", SINCE)

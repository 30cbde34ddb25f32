"""The calls of each hour, counted by SQLite and by PostgreSQL."""

import pytest

from crm_adapter.offered import CityHour
from crm_adapter.record import CallRecord
from crm_adapter.store import Store
from tests.unit.crm_adapter.records import record
from tieline.database import Database
from tieline.model import Outcome

pytestmark = pytest.mark.component

H = 3600.0
HOUR = 494_000


def call(which: int, arrived_at: float, hangup_at: float, **facts: object) -> CallRecord:
    times = {"arrived_at": arrived_at, "hangup_at": hangup_at}
    return record(call_id=f"fuzhou-1:fuzhou-1-1763.{which}", **times, **facts)


def refused(which: int, arrived_at: float, **facts: object) -> CallRecord:
    facts |= {"outcome": Outcome.REFUSED, "refused_cause": 34, "agent_answered_at": 0.0, "waiting_since": 0.0}
    return call(which, arrived_at, arrived_at + 15, **facts)


async def test_calls_by_city_and_hour(database: Database) -> None:
    store, at = Store(database), HOUR * H
    await store.deliver(
        [
            call(1, at + 1, at + 101),
            call(2, at + H - 1, at + H + 199),  # belongs to the hour in which it came
            call(3, at + H + 1, at + H + 51),
            refused(4, at + 5),
            call(5, 0.0, at + 40, answered_at=at + 10),  # the safety net served it: nobody wrote when it came
            call(6, 0.0, at + 40, answered_at=0.0),
            call(7, at + 1, at + 2, city="putian"),
            call(8, at + 1, at + 2, site="xiamen"),
            call(9, at + 1, at + 2, city=""),
            call(10, at - 9 * H, at - 8 * H),
        ]
    )
    found = await store.offered(at, at + 2 * H, site="fuzhou")
    assert sorted(found, key=lambda hour: (hour.city, hour.hour)) == [
        CityHour("fuzhou", HOUR, held=3, held_s=330.0, others=2),
        CityHour("fuzhou", HOUR + 1, held=1, held_s=50.0, others=0),
        CityHour("putian", HOUR, held=1, held_s=1.0, others=0),
    ]
    assert await store.offered(at + 9 * H, at + 10 * H, site="fuzhou") == []

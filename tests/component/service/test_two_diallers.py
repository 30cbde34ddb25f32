"""Two processes that call back: one rings, whoever was frozen or has lost the lease rings nobody."""

import pytest

from routing.callback import State
from tests.component.service.calling_back import (
    DUE,
    acting,
    commanded,
    dialler_of,
    gone,
    in_sql,
    kept,
    offer,
)
from tests.unit.routing.test_callback import ENTRY
from tieline import bus
from tieline.database import Database
from tieline.lease import LeaseLost
from tieline.live import Live

pytestmark = pytest.mark.component


async def test_a_dialler_that_was_frozen_does_not_ring_a_customer_whom_the_next_one_has_rung(
    live: Live, database: Database
) -> None:
    await kept(live, database)
    frozen = dialler_of(live, database, await acting(live, "frozen", lasts_s=0.05), lambda: DUE)
    await frozen.look()
    other = dialler_of(live, database, await acting(live, "other"), lambda: DUE)  # once the lease is over
    await other.look()
    await other.take(offer())
    with pytest.raises(LeaseLost):
        await frozen.take(offer())
    [ring] = await commanded(live)
    assert isinstance(ring, bus.RingCustomer)
    await frozen.take(gone())  # it did not ring him: no try of its own
    assert (frozen.metrics()["dialled"], frozen.metrics()["ringing"], in_sql(database).tries) == (0, 0, 0)
    await other.take(gone())
    assert in_sql(database).tries == 1


async def test_who_was_reached_and_is_transferred_was_reached_once(live: Live, database: Database) -> None:
    await kept(live, database)
    dialler = dialler_of(live, database, await acting(live, "one"), lambda: DUE)
    await dialler.look()
    await dialler.take(offer())
    for agent in ("a1001", "a1002"):
        await dialler.take(bus.AgentAnswered(at=DUE, call_id=ENTRY.call_id, agent=agent))
    assert dialler.metrics()["reached"] == 1
    await dialler.take(gone())
    assert (in_sql(database).state, in_sql(database).tries) == (State.REACHED, 0)

"""Calling back on a real Redis and both databases: who waits, who is rung, what is noted of a try."""

from dataclasses import replace
from datetime import datetime

import msgspec
import pytest

from routing.callback import State, ended
from routing.callback_live import add, put, read_of, remove
from routing.keys import OFFERS, POOL, SEATS
from routing.seats import Seat
from service.callback_dialler import AGAIN_S, CallbackDialler, national
from tests.component.service.calling_back import (
    DUE,
    TOPOLOGY,
    acting,
    commanded,
    dialler_of,
    gone,
    in_sql,
    kept,
    offer,
    offered,
    told,
    waiting,
)
from tests.unit.routing.test_callback import ENTRY
from tieline import bus
from tieline.clock import CHINA
from tieline.database import Database
from tieline.live import Live
from tieline.model import AgentState, NodeId

pytestmark = pytest.mark.component


@pytest.fixture
def now() -> list[float]:
    return [DUE]


@pytest.fixture
async def dialler(live: Live, database: Database, now: list[float]) -> CallbackDialler:
    return dialler_of(live, database, await acting(live, "one"), lambda: now[0])


async def test_an_entry_that_is_due_waits_with_its_old_place_and_without_a_channel(
    live: Live, database: Database, dialler: CallbackDialler
) -> None:
    await kept(live, database)
    await dialler.look()
    [waiting] = await told(live, bus.CallWaiting)
    assert isinstance(waiting, bus.CallWaiting)
    assert (waiting.call_id, waiting.since, waiting.lane) == (ENTRY.call_id, ENTRY.since, "callback")
    assert (waiting.node, waiting.channel, waiting.dialect, waiting.business) == ("", "", "min_dong", "repair")


@pytest.mark.parametrize("where", [POOL, OFFERS])
async def test_who_waits_already_or_is_offered_is_not_told_again(
    live: Live, database: Database, dialler: CallbackDialler, where: str
) -> None:
    await kept(live, database)
    await live.call("HSET", where, ENTRY.call_id, "{}")
    await dialler.look()
    assert await told(live, bus.CallWaiting) == []


@pytest.mark.parametrize(
    ("moment", "changes"),
    [
        (DUE - 1, {}),
        (DUE, {"next_at": DUE + 1}),
        (datetime(2026, 11, 21, 21, 0, tzinfo=CHINA).timestamp(), {}),
        (datetime(2026, 11, 22, 7, 59, tzinfo=CHINA).timestamp(), {}),
    ],
)
async def test_who_is_not_due_does_not_wait_and_leaves_the_pool(
    live: Live,
    database: Database,
    dialler: CallbackDialler,
    now: list[float],
    moment: float,
    changes: dict[str, float],
) -> None:
    await kept(live, database, msgspec.structs.replace(ENTRY, **changes))
    now[0] = moment
    await dialler.look()
    assert await told(live, bus.CallWaiting) == []
    await live.call("HSET", POOL, ENTRY.call_id, "{}")
    await dialler.look()
    assert len(await told(live, bus.CallbackWanted)) == 2  # one when it was made, one takes it out


async def test_the_customer_is_rung_by_his_trunk_group_where_the_agents_phone_is(
    live: Live, database: Database, dialler: CallbackDialler
) -> None:
    await kept(live, database)
    await dialler.look()
    seat = Seat(state=AgentState.OFFERED, node=NodeId("fuzhou-2"))
    await live.call("HSET", SEATS, "a1001", msgspec.json.encode(seat))
    await dialler.take(offer())
    [ring] = await commanded(live, "fuzhou-2")
    assert isinstance(ring, bus.RingCustomer)
    assert (ring.call_id, ring.shown, ring.edge) == (ENTRY.call_id, "95598", "edge-1")
    assert ring.uri == f"tg-fuzhou*15405910001@{TOPOLOGY.edges[0].sip}"
    assert ring.expires < DUE + 45
    assert ring.facts["TL_WORD"] == f"agent:a1001:7:{round((DUE + 45) * 1000)}"
    assert ring.facts["__TL_CALL"] == ENTRY.call_id


@pytest.mark.parametrize(
    "changes",
    [{"number": "+8613800138000"}, {"number": "+8695598"}, {"city": "atlantis"}, {"next_at": DUE + 60}],
)
async def test_nobody_is_rung_who_may_not_be(
    live: Live, database: Database, dialler: CallbackDialler, changes: dict[str, str]
) -> None:
    await kept(live, database, msgspec.structs.replace(ENTRY, **changes))
    await dialler.look()
    await dialler.take(offer())
    assert await commanded(live) == []
    assert len(await told(live, bus.CallbackWanted)) == 2  # the agent is free again


async def test_without_an_edge_or_a_way_out_nobody_is_rung(live: Live, database: Database) -> None:
    shut = [replace(group, outbound=None) for group in TOPOLOGY.cities[ENTRY.city].trunk_groups]
    city = replace(TOPOLOGY.cities[ENTRY.city], trunk_groups=tuple(shut))
    await kept(live, database)
    act = await acting(live, "one")
    for topology in (replace(TOPOLOGY, edges=()), replace(TOPOLOGY, cities={ENTRY.city: city})):
        dialler = dialler_of(live, database, act, lambda: DUE, topology)
        await dialler.look()
        await dialler.take(offer())
        assert dialler.metrics()["no_way_out"] == 1
    assert await commanded(live) == []


async def test_other_calls_offers_are_no_business_of_it(live: Live, dialler: CallbackDialler) -> None:
    await dialler.look()
    await dialler.take(offer("fuzhou-1:99"))
    assert await commanded(live) == []


async def test_who_does_not_answer_is_tried_again_later(
    live: Live, database: Database, dialler: CallbackDialler, now: list[float]
) -> None:
    await kept(live, database)
    await dialler.look()
    await dialler.take(offer())
    await dialler.take(gone())
    await dialler.take(gone())
    await dialler.take(bus.OfferWithdrawn(at=DUE, call_id=ENTRY.call_id, agent="a1001", fence=7, why="gone"))
    assert (in_sql(database).tries, in_sql(database).state) == (1, State.OPEN)
    assert dialler.metrics()["in_vain"] == 1
    now[0] += AGAIN_S - 1  # whatever the copies say
    await dialler.look()
    assert len(await told(live, bus.CallWaiting)) == 1


async def test_an_offer_that_ends_after_he_answered_is_no_try_in_vain(
    live: Live, database: Database, dialler: CallbackDialler, now: list[float]
) -> None:
    await kept(live, database)
    await dialler.look()
    await dialler.take(offer())
    await dialler.take(
        bus.OfferTaken(at=DUE, call_id=ENTRY.call_id, channel="PJSIP/edge-1-1", agent="a1001", fence=7)
    )
    withdrawn = bus.OfferWithdrawn(at=DUE, call_id=ENTRY.call_id, agent="a1001", fence=7, why="failed")
    await dialler.take(withdrawn)  # the agent did not answer: he waits for the next one, on the line
    assert in_sql(database).tries == 0
    await live.call("HSET", POOL, ENTRY.call_id, "{}")
    now[0] = datetime(2026, 11, 21, 21, 0, tzinfo=CHINA).timestamp()
    before = len(await told(live, bus.CallbackWanted))
    await dialler.look()
    assert len(await told(live, bus.CallbackWanted)) == before  # who is on the line stays in the pool at night, too
    await dialler.take(bus.AgentAnswered(at=DUE, call_id=ENTRY.call_id, agent="a1002"))
    await dialler.take(gone())
    assert (in_sql(database).state, in_sql(database).tries) == (State.REACHED, 0)
    assert dialler.metrics()["in_vain"] == 0


async def test_who_is_on_the_line_is_not_rung_again_for_the_next_agent(
    live: Live, database: Database, dialler: CallbackDialler
) -> None:
    await kept(live, database)
    await dialler.look()
    await dialler.take(offer())
    taken = bus.OfferTaken(at=DUE, call_id=ENTRY.call_id, channel="PJSIP/edge-1-1", agent="a1001", fence=7)
    await dialler.take(taken)
    await dialler.take(bus.OfferWithdrawn(at=DUE, call_id=ENTRY.call_id, agent="a1001", fence=7, why="failed"))
    await dialler.take(offer())  # another agent, who does not take the offer in time
    await dialler.take(bus.OfferWithdrawn(at=DUE, call_id=ENTRY.call_id, agent="a1002", fence=8, why="lease"))
    assert (len(await commanded(live)), dialler.metrics()["dialled"]) == (1, 1)
    assert (in_sql(database).tries, dialler.metrics()["ringing"]) == (0, 1)


async def test_an_offer_that_is_heard_of_too_late_is_no_try(
    live: Live, database: Database, dialler: CallbackDialler, now: list[float]
) -> None:
    await kept(live, database)
    await dialler.look()
    now[0] += 20  # the process was frozen
    await dialler.take(offer())
    assert await commanded(live) == []
    await dialler.take(bus.OfferWithdrawn(at=DUE, call_id=ENTRY.call_id, agent="a1001", fence=7, why="lease"))
    assert in_sql(database).tries == 0


@pytest.mark.parametrize("state", [State.CALLED_AGAIN, State.CANCELLED])
async def test_an_entry_that_ended_is_not_rung_and_loses_its_place(
    live: Live, database: Database, dialler: CallbackDialler, state: State
) -> None:
    await kept(live, database)
    await dialler.look()
    await put(live, ended(ENTRY, state, DUE))  # SQL is away: the keeper cannot take it out yet
    await dialler.take(offer())
    assert await commanded(live) == []
    await live.call("HSET", POOL, ENTRY.call_id, msgspec.json.encode(waiting()))
    await remove(live, ENTRY)
    before = len(await told(live, bus.CallbackWanted))
    await dialler.look()
    assert len(await told(live, bus.CallbackWanted)) == before + 1
    await live.call("DEL", POOL)
    await offered(live)
    await dialler.look()
    assert len(await told(live, bus.CallbackWanted)) == before + 2
    await offered(live, taken=True)
    await live.call("HSET", POOL, "fuzhou-1:99", msgspec.json.encode(waiting("PJSIP/edge-1-9")))
    await dialler.look()
    assert len(await told(live, bus.CallbackWanted)) == before + 2  # somebody is on these lines


async def test_who_was_reached_while_sql_was_away_is_not_rung_again(
    live: Live, database: Database, dialler: CallbackDialler
) -> None:
    await add(live, ENTRY)  # SQL does not know him
    await dialler.look()
    await dialler.take(offer())
    await dialler.take(bus.AgentAnswered(at=DUE, call_id=ENTRY.call_id, agent="a1001"))
    await dialler.take(gone())
    entry = await read_of(live, ENTRY.number)
    assert entry is not None
    assert entry.state is State.REACHED
    before = len(await told(live, bus.CallWaiting))
    await dialler.look()
    assert len(await told(live, bus.CallWaiting)) == before


@pytest.mark.parametrize(("taken", "tries"), [(False, 1), (True, 0)])
async def test_a_dialler_that_starts_knows_who_is_being_rung(
    live: Live, database: Database, dialler: CallbackDialler, taken: bool, tries: int
) -> None:
    await kept(live, database)
    await offered(live, taken=taken)
    await dialler.take_over()
    await dialler.take(offer())
    assert await commanded(live) == []
    await dialler.take(bus.OfferWithdrawn(at=DUE, call_id=ENTRY.call_id, agent="a1001", fence=7, why="lease"))
    assert in_sql(database).tries == tries


async def test_a_dialler_that_starts_during_the_talk_notes_that_he_was_reached(
    live: Live, database: Database, dialler: CallbackDialler
) -> None:
    await kept(live, database)
    await offered(live, taken=True, lease_until=0.0)
    await dialler.take_over()
    await dialler.take(gone())
    assert in_sql(database).state is State.REACHED


async def test_who_has_no_place_any_more_is_over_even_when_nobody_told(
    live: Live, database: Database, dialler: CallbackDialler
) -> None:
    await kept(live, database)
    await dialler.look()
    await dialler.take(offer())
    await offered(live)
    await dialler.look()
    await live.call("DEL", OFFERS)
    await dialler.look()
    assert dialler.metrics()["ringing"] == 1
    await dialler.look()
    assert (dialler.metrics()["ringing"], in_sql(database).tries) == (0, 1)


@pytest.mark.parametrize(
    ("number", "dialled"), [("+8615405910001", "15405910001"), ("+8659100001234", "059100001234")]
)
def test_numbers_are_dialled_as_in_the_country(number: str, dialled: str) -> None:
    assert national(number) == dialled

"""Calls and tickets in SQLite and in PostgreSQL: each once, whatever comes how often and in which order."""

import asyncio
import random
from functools import partial

import msgspec
import pytest
import sqlalchemy as sa

from crm_adapter.merging import merge
from crm_adapter.record import CallRecord
from crm_adapter.stand_in import StandIns
from crm_adapter.store import RecordRefused, Store
from crm_adapter.ticket import Ticket, TicketState
from tests.unit.crm_adapter.records import record
from tieline.database import Database, create_schema, metadata
from tieline.errors import TielineError
from tieline.model import AgentId, Business, Outcome, SiteId, Witness

pytestmark = pytest.mark.component


def numbered(which: int, **facts: object) -> CallRecord:
    """Make the record of one of many calls."""
    return record(**{"call_id": f"fuzhou-1:fuzhou-1-1763.{which}", "hangup_at": 1000.0 + which, **facts})


@pytest.fixture
def store(database: Database) -> Store:
    """Give a store whose clock stands still."""
    return Store(database, clock=lambda: 5000.0)


async def test_a_call_and_its_ticket_come_back_as_they_went_in(store: Store) -> None:
    call = numbered(1, recording="a.wav", net=True, borrowed=(("agent", Witness.AMI),))
    (ticket,) = await store.deliver([call])
    assert await store.recent_calls() == [call]
    assert await store.recent_tickets() == [ticket]
    assert (ticket.kind, ticket.state, ticket.hangup_at, ticket.created_at) == (
        "fault_report",
        TicketState.NEW,
        1001.0,
        5000.0,
    )


async def test_a_ticket_is_marked_when_another_site_than_the_businesss_own_answered(database: Database) -> None:
    rule = StandIns({Business.COMPLAINT: SiteId("fuzhou")}, {AgentId("a2001"): SiteId("xiamen")})
    store = Store(database, stand_ins=rule)
    marked, other = numbered(1, business="complaint", agent="a2001"), numbered(2, business="repair", agent="a2001")
    await store.deliver([marked, other])
    found = {ticket.call_id: ticket.stands_in_for for ticket in await store.recent_tickets()}
    assert found == {marked.call_id: "fuzhou", other.call_id: ""}


async def test_a_database_of_before_the_quotas_takes_calls_again(store: Store, database: Database) -> None:
    old = numbered(1)
    await store.deliver([old])
    with database.transaction() as connection:
        for column in ("quota_version", "lines_in_use"):
            connection.exec_driver_sql(f"ALTER TABLE call DROP COLUMN {column}")
    for _ in range(2):
        create_schema(database)
    new = numbered(2, quota_version=7, lines_in_use=21)
    await store.deliver([new])
    assert await store.recent_calls() == [new, old]


async def test_delivering_again_makes_nothing_new(store: Store) -> None:
    calls = [numbered(n) for n in range(20)]
    assert len(await store.deliver(calls)) == 20
    assert await store.deliver(calls) == []
    assert await store.deliver([*calls, *calls, numbered(20)]) == await store.recent_tickets(newest=1)
    assert len(await store.recent_tickets()) == 21


async def test_a_call_that_needs_no_ticket_has_none(store: Store) -> None:
    assert await store.deliver([numbered(1, outcome=Outcome.REFUSED, agent_answered_at=0.0, refused_cause=34)]) == []
    ((refused,), tickets) = await store.books(0.0, 2000.0)
    assert (refused.refused_cause, tickets) == (34, [])


async def test_a_later_better_witness_mends_call_and_ticket_without_a_second_one(store: Store) -> None:
    facts = {"agent_answered_at": 0.0, "outcome": Outcome.ABANDONED_WAITING}
    snapshot = numbered(1, witness=Witness.SNAPSHOT, estimated=True, number="", number_state="", **facts)
    better = msgspec.structs.replace(numbered(1), hangup_at=1003.5)
    (first,) = await store.deliver([snapshot])
    assert (first.kind, first.estimated) == ("callback", True)
    assert await store.deliver([better]) == []
    (ticket,) = await store.recent_tickets()
    assert (ticket.ticket, ticket.created_at) == (first.ticket, first.created_at)
    assert (ticket.kind, ticket.hangup_at, ticket.estimated, ticket.number) == (
        "fault_report",
        1003.5,
        False,
        "+8659100001234",
    )
    assert await store.recent_calls() == [merge(snapshot, better)]


async def test_a_worse_witness_changes_nothing(store: Store) -> None:
    await store.deliver([numbered(1)])
    before = await store.recent_calls(), await store.recent_tickets()
    worse = numbered(1, witness=Witness.SNAPSHOT, estimated=True, agent="a9999", business="billing")
    assert await store.deliver([worse]) == []
    assert (await store.recent_calls(), await store.recent_tickets()) == before


async def test_a_ticket_that_somebody_works_on_is_left_alone(store: Store, database: Database) -> None:
    facts = {"agent_answered_at": 0.0, "outcome": Outcome.ABANDONED_WAITING}
    await store.deliver([numbered(1, witness=Witness.AMI, **facts)])
    tickets = metadata.tables["ticket"]
    await database.run(lambda connection: connection.execute(tickets.update().values(state="closed")))
    await store.deliver([numbered(1)])
    (ticket,) = await store.recent_tickets()
    assert (ticket.kind, ticket.state) == ("callback", TicketState.CLOSED)


async def test_witnesses_in_any_order_and_any_batches_end_in_the_same_books(store: Store, database: Database) -> None:
    told = [numbered(n % 10, witness=witness, agent=f"a{n}") for n, witness in enumerate([*Witness] * 6)]
    random.Random(4).shuffle(told)
    for start in range(0, len(told), 7):
        await store.deliver(told[start : start + 7])
    calls, tickets = await store.books(0.0, 2000.0)
    wanted: dict[str, CallRecord] = {}
    for one in told:
        wanted[one.call_id] = merge(wanted[one.call_id], one) if one.call_id in wanted else one
    assert {call.call_id: call for call in calls} == wanted
    assert sorted(tickets) == sorted(wanted)


async def test_two_deliverers_at_once_make_each_ticket_once(store: Store, database: Database) -> None:
    other = Store(database)
    calls = [numbered(n) for n in range(60)]
    mixed = random.Random(5).sample(calls, len(calls))
    made: list[list[Ticket]] = await asyncio.gather(
        *(store.deliver(calls[start : start + 15]) for start in range(0, 60, 15)),
        *(other.deliver(mixed[start : start + 15]) for start in range(0, 60, 15)),
    )
    assert sorted(ticket.call_id for batch in made for ticket in batch) == sorted(call.call_id for call in calls)
    assert len(await store.recent_tickets(newest=100)) == 60


async def test_lists_are_the_newest_first_and_can_be_of_one_city_or_site(store: Store) -> None:
    await store.deliver([numbered(1), numbered(2, city="putian"), numbered(3, city="xiamen", site="xiamen")])
    assert [call.city for call in await store.recent_calls()] == ["xiamen", "putian", "fuzhou"]
    assert [call.city for call in await store.recent_calls(newest=1)] == ["xiamen"]
    assert [call.city for call in await store.recent_calls(city="putian")] == ["putian"]
    assert [ticket.city for ticket in await store.recent_tickets(site="xiamen")] == ["xiamen"]
    assert await store.recent_tickets(site="xiamen", city="putian") == []


async def test_books_are_those_of_the_span(store: Store) -> None:
    await store.deliver([numbered(n) for n in range(5)])
    calls, tickets = await store.books(1001.0, 1003.0)
    assert len(calls) == len(tickets) == 3


async def test_a_value_that_the_database_refuses_is_told_apart_from_a_missing_table(
    store: Store, database: Database
) -> None:
    await database.run(_refuse_agent_a666)
    with pytest.raises(RecordRefused):
        await store.deliver([numbered(1), numbered(2, agent="a666")])
    assert await store.recent_calls() == []
    for statement in ("DROP TABLE attached", "DROP TABLE ticket"):
        await database.run(partial(sa.Connection.execute, statement=sa.text(statement)))
    with pytest.raises(TielineError) as caught:
        await store.deliver([numbered(1)])
    assert not isinstance(caught.value, RecordRefused)


ANOTHER = "+8659100005678"
NO_TALK: dict[str, object] = {
    "agent_answered_at": 0.0,
    "waiting_since": 0.0,
    "menu_done_at": 0.0,
    "answered_at": 0.0,
    "agent": "",
}


def turned_away(which: int, **facts: object) -> CallRecord:
    """Make the record of a refused call."""
    refused = {"outcome": Outcome.REFUSED, "refused_cause": 34, "arrived_at": 1000.0 + which}
    return numbered(which, **{**NO_TALK, **refused, **facts})


def attached(database: Database) -> dict[str, str]:
    with database.transaction(reading=True) as connection:
        return {row.call_id: row.ticket for row in connection.execute(sa.select(metadata.tables["attached"]))}


async def test_a_refused_number_with_an_open_ticket_is_attached_to_it(store: Store, database: Database) -> None:
    (ticket,) = await store.deliver([numbered(1)])
    again = [turned_away(2), turned_away(3), turned_away(4, number=ANOTHER), turned_away(5, number="")]
    for _ in range(2):
        assert await store.deliver(again) == []
        assert attached(database) == {again[0].call_id: ticket.ticket, again[1].call_id: ticket.ticket}
    found = await store.refused("fuzhou", since=0.0)
    assert [(one.number, one.times, one.ticket) for one in found.numbers] == [
        (ANOTHER, 1, ""),
        (numbered(1).number, 2, ticket.ticket),
    ]
    assert found.without_number == 1


async def test_a_ticket_of_the_same_delivery_counts_and_a_closed_one_does_not(
    store: Store, database: Database
) -> None:
    refused = turned_away(2)
    (ticket,) = await store.deliver([refused, numbered(3)])
    assert attached(database) == {refused.call_id: ticket.ticket}
    tickets = metadata.tables["ticket"]
    await database.run(lambda connection: connection.execute(tickets.update().values(state="closed")))
    await store.deliver([turned_away(4)])
    assert attached(database) == {refused.call_id: ticket.ticket}


async def test_it_is_attached_to_the_newest_of_several_tickets(database: Database) -> None:
    await Store(database, clock=lambda: 5000.0).deliver([numbered(1)])
    (newer,) = await Store(database, clock=lambda: 6000.0).deliver([numbered(2)])
    await Store(database, clock=lambda: 7000.0).deliver([turned_away(3)])
    assert attached(database) == {turned_away(3).call_id: newer.ticket}


async def test_the_refused_are_those_of_the_city_and_time_and_who_got_through_is_marked(store: Store) -> None:
    await store.deliver(
        [
            turned_away(1),
            turned_away(2, number=ANOTHER, city="putian"),
            turned_away(3, number=ANOTHER),
            numbered(9, number=ANOTHER, arrived_at=1008.0, city="putian"),  # by another trunk, but it is he
        ]
    )
    found = await store.refused("fuzhou", since=0.0)
    assert [(one.number, one.times, one.through_at) for one in found.numbers] == [
        (ANOTHER, 1, 1008.0),
        (numbered(1).number, 1, 0.0),
    ]
    later = await store.refused("fuzhou", since=1002.0)
    assert [one.number for one in later.numbers] == [ANOTHER]


def _refuse_agent_a666(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        condition = "WHEN NEW.agent = 'a666' BEGIN SELECT RAISE(ABORT, 'no'); END"
        connection.execute(sa.text(f"CREATE TRIGGER no BEFORE INSERT ON call {condition}"))
    else:
        connection.execute(sa.text("ALTER TABLE call ADD CONSTRAINT no CHECK (agent <> 'a666')"))


async def test_ping_answers(store: Store) -> None:
    await store.ping()

"""What happens between the calls and the agents of a simulated world, and the bounds of it."""

from collections.abc import Hashable
from dataclasses import replace
from math import inf
from random import Random

import pytest

from bench.routing_pool import PoolPolicy, only_dialects, universal
from bench.world.arrivals import make_day
from bench.world.book import Book, Tally
from bench.world.floor import Floor
from bench.world.model import Caller, Day, Service, Shift, Try, World, served
from routing.agents import Agent
from tieline.model import MANDARIN, AgentId, Business, CallId, CityId, DialectId, Level, SiteId

pytestmark = pytest.mark.unit

FUZHOU, XIAMEN = SiteId("fuzhou"), SiteId("xiamen")
PUXIAN, HAKKA = DialectId("puxian"), DialectId("hakka")


def agent(name: str, *dialects: DialectId, basic: DialectId | None = None, site: SiteId = FUZHOU) -> Agent:
    tongues = {MANDARIN: Level.FLUENT, **dict.fromkeys(dialects, Level.NATIVE)}
    if basic:
        tongues[basic] = Level.BASIC
    return Agent(AgentId(name), site, name, tongues, {Business.REPAIR: Level.FLUENT})


def call(
    name: str,
    dialect: DialectId = MANDARIN,
    *,
    patience_s: float = 1000.0,
    talk_s: float = 100.0,
    again: float = 1.0,
    cannot: bool = False,
    then: Try | None = None,
) -> Try:
    caller = Caller(CityId("putian"), FUZHOU, dialect, Business.REPAIR, cannot, known=False)
    return Try(CallId(name), caller, patience_s, 3.0, talk_s, again, 50.0, 60.0, then)


def day(world: World, *arrivals: tuple[float, Try], agents: tuple[Agent, ...], end: float = 1e6) -> tuple[World, Day]:
    small = replace(
        world,
        people={
            FUZHOU: [each for each in agents if each.site == FUZHOU],
            XIAMEN: [each for each in agents if each.site == XIAMEN],
        },
    )
    on_duty = [Shift(each.id, 0.0, inf) for each in agents]
    return small, Day(world.days["normal"], 0, arrivals, on_duty, end, (0.0, 0.0))


def pooled(world: World, course: Day) -> Book:
    floor = Floor(world, course)
    return floor.run(PoolPolicy(floor))


# What happens ----------------------------------------------------------------------------------------------------


def test_whom_an_agent_serves_how() -> None:
    assert served(PUXIAN, agent("a1", PUXIAN)) is Service.OWN
    assert served(PUXIAN, agent("a1", basic=PUXIAN)) is Service.BASIC
    assert served(PUXIAN, agent("a1", HAKKA)) is Service.OTHER
    assert served(MANDARIN, agent("a1", HAKKA)) is Service.OWN


def test_a_call_rings_is_answered_and_counted(world: World) -> None:
    one = agent("a1", PUXIAN)
    book = pooled(*day(world, (0.0, call("c1", PUXIAN)), (10.0, call("c2")), agents=(one,)))
    tally = book.whole
    assert (tally.offered, tally.answered, tally.soon, tally.wanting, tally.own) == (2, 2, 1, 1, 1)
    # The second waits for talk (3 + 100 s), wrap-up (10 s) and ringing (3 s).
    assert list(tally.waits[MANDARIN]) == [pytest.approx(3 + 100 + world.callers.wrap_up_s + 3 - 10)]
    assert list(tally.waits[PUXIAN]) == [3.0]


def test_who_hangs_up_frees_the_agent_whose_phone_rings(world: World) -> None:
    one = agent("a1")
    book = pooled(*day(world, (0.0, call("c1", patience_s=2.5)), (1.0, call("c2")), agents=(one,)))
    assert list(book.whole.waits[MANDARIN]) == [
        pytest.approx(4.5)
    ]  # answered at 5.5; the first one is too short to count
    assert (book.whole.offered, book.whole.answered) == (1, 1)


def test_hanging_up_after_five_seconds_is_abandoned(world: World) -> None:
    book = pooled(*day(world, (0.0, call("c1", patience_s=30.0)), agents=()))
    assert (book.whole.offered, book.whole.answered) == (1, 0)
    assert list(book.whole.waits[MANDARIN]) == [30.0]


class _Anybody:
    """Rings the first agent who is there, whatever he speaks."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.here: list[AgentId] = []
        self.heard: list[str] = []

    def arrived(self, call: Try, now: float) -> None:
        self.heard.append(f"{now:g} {call.call_id}")
        self.floor.ring(call, self.here[0], now)

    def gone(self, call: Try, agent: AgentId | None, now: float) -> None: ...
    def answered(self, call: Try, agent: AgentId, now: float) -> None: ...
    def ended(self, call: Try, agent: AgentId, now: float) -> None:
        self.heard.append(f"{now:g} ended")

    def on_duty(self, agent: AgentId, now: float) -> None:
        self.here.append(agent)

    def off_duty(self, agent: AgentId, now: float) -> None: ...
    def due(self, what: Hashable, now: float) -> None: ...


@pytest.mark.parametrize(("cannot", "factor", "chance"), [(False, 1.25, 0.08), (True, 1.4, 0.35)])
def test_no_common_language_takes_longer_and_comes_again(
    world: World, cannot: bool, factor: float, chance: float
) -> None:
    assert world.callers.mismatch.factor(Service.OTHER, cannot=cannot) == factor
    for again, more in ((chance - 0.01, True), (chance + 0.01, False)):
        second = call("c2", PUXIAN)
        first = call("c1", PUXIAN, again=again, cannot=cannot, then=second)
        floor = Floor(*day(world, (0.0, first), agents=(agent("a1"),)))
        policy = _Anybody(floor)
        book = floor.run(policy)
        end = 3 + 100 * factor
        assert policy.heard[:2] == ["0 c1", f"{end:g} ended"]
        assert policy.heard[2:3] == ([f"{end + 50:g} c2"] if more else [])
        assert book.whole.stuck == (book.whole.helpless if cannot else 0)


def test_nobody_comes_again_after_the_end_of_the_day(world: World) -> None:
    first = call("c1", patience_s=30.0, again=0.0, then=call("c2", patience_s=30.0))
    assert pooled(*day(world, (0.0, first), agents=(), end=1000.0)).whole.offered == 2
    assert pooled(*day(world, (0.0, first), agents=(), end=80.0)).whole.offered == 1


def test_a_policy_cannot_ring_twice_for_a_call(world: World) -> None:
    small, course = day(world, (0.0, call("c1")), agents=(agent("a1"), agent("a2")))
    floor = Floor(small, course)

    class Twice(_Anybody):
        def arrived(self, call: Try, now: float) -> None:
            for each in self.here:
                self.floor.ring(call, each, now)

    with pytest.raises(ValueError, match="does not wait"):
        floor.run(Twice(floor))


def test_tallies_add_up() -> None:
    one, two = Tally(), Tally()
    one.count_answered(call("c1", PUXIAN), agent("a1", PUXIAN), Service.OWN, 10.0)
    two.count_answered(call("c2", PUXIAN, cannot=True), agent("a2", site=XIAMEN), Service.OTHER, 30.0)
    two.count_gone(call("c3"), 4.9)
    one.add(two)
    assert (one.offered, one.soon, one.right_soon, one.own, one.helpless, one.stuck, one.crossed) == (
        2,
        1,
        1,
        1,
        1,
        1,
        1,
    )
    assert one.p95_by_dialect() == {PUXIAN: 30.0}
    assert one.own_by_dialect == {PUXIAN: 1}


def test_occupancy_is_ringing_talk_and_wrap_up(world: World) -> None:
    agents = (agent("a1"), agent("a2"))
    book = pooled(*day(world, (0.0, call("c1", talk_s=1787.0)), agents=agents, end=3600.0))
    assert book.occupancy_spread() == pytest.approx(0.25)  # one was busy for half an hour of one, the other for none


# Bounds ----------------------------------------------------------------------------------------------------------


def erlang_a_answered(load: float, agents: int, patience: float) -> float:
    """Share of callers who are answered: chain of calls in the system; patience in mean handle times."""
    weights, chance = [1.0], 1.0
    for calls in range(1, 400):
        chance *= load / (min(calls, agents) + max(0, calls - agents) / patience)
        weights.append(chance)
    busy = sum(weight * min(calls, agents) for calls, weight in enumerate(weights)) / sum(weights)
    return busy / load


def test_the_pooled_bound_is_erlang_a(world: World) -> None:
    chance, arrivals, at = Random(1), [], 0.0
    for number in range(20_000):
        at += chance.expovariate(10 / 100)
        one = call(f"c{number}", talk_s=chance.expovariate(1 / 100), patience_s=chance.expovariate(1 / 150))
        arrivals.append((at, replace(one, ring_s=0.0)))
    agents = tuple(agent(f"a{number}") for number in range(10))
    still = replace(world, callers=replace(world.callers, wrap_up_s=0.0))
    answered = pooled(*day(still, *arrivals, agents=agents, end=at)).whole.answered
    assert answered / len(arrivals) == pytest.approx(erlang_a_answered(10.0, 10, 1.5), abs=0.008)


def test_the_ceiling_has_callers_of_dialects_only(world: World) -> None:
    course = only_dialects(make_day(world, world.days["night"], 1))
    assert course.arrivals
    assert all(each.caller.wants_dialect for _, each in course.arrivals)
    tally = pooled(world, course).whole
    assert 0 < tally.own == tally.answered


def test_universal_agents_can_do_everything(world: World) -> None:
    everybody = universal(world)
    dialects = {name for shares in world.callers.dialects.values() for name in shares}
    assert all(
        each.speaks(dialect) and business in each.business
        for each in everybody.agents.values()
        for dialect in dialects
        for business in Business
    )

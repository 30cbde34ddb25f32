"""The model of app_queue: who rings for whom, when, and who is kept back."""

from dataclasses import replace
from math import inf

import pytest

from bench.queue_setup import QueueSetup, Reach
from bench.routing_queue import QueuePolicy
from bench.world.book import Book
from bench.world.floor import Floor
from bench.world.model import Caller, Day, Shift, Try, World
from routing.agents import Agent
from tieline.model import MANDARIN, AgentId, Business, CallId, CityId, DialectId, Level, SiteId

pytestmark = pytest.mark.unit

FUZHOU, XIAMEN = SiteId("fuzhou"), SiteId("xiamen")
PUXIAN, HAKKA, MIN_NAN = DialectId("puxian"), DialectId("hakka"), DialectId("min_nan")
BOTH = QueueSetup(Reach.BOTH, 17.0)


def agent(
    name: str, dialect: DialectId | None = None, site: SiteId = FUZHOU, basic: DialectId | None = None
) -> Agent:
    tongues = {MANDARIN: Level.FLUENT}
    if dialect:
        tongues[dialect] = Level.NATIVE
    if basic:
        tongues[basic] = Level.BASIC
    return Agent(AgentId(name), site, name, tongues, {Business.REPAIR: Level.FLUENT})


def call(name: str, dialect: DialectId = MANDARIN, patience_s: float = 1000.0, site: SiteId = FUZHOU) -> Try:
    caller = Caller(CityId("putian"), site, dialect, Business.REPAIR, cannot=False, known=False)
    return Try(CallId(name), caller, patience_s, 3.0, 97.0, 1.0, 0.0, 0.0, None)


class _Watched(Floor):
    """Notes who rings for whom, and when."""

    def __init__(self, world: World, day: Day) -> None:
        super().__init__(world, day)
        self.rung: list[str] = []

    def ring(self, call: Try, agent: AgentId, now: float) -> None:
        self.rung.append(f"{now:g} {call.call_id} {agent}")
        super().ring(call, agent, now)


def rung(world: World, setup: QueueSetup, agents: list[Agent], *arrivals: tuple[float, Try]) -> list[str]:
    people = {site: [each for each in agents if each.site == site] for site in (FUZHOU, XIAMEN)}
    on_duty = [Shift(each.id, 0.0, inf) for each in agents]
    day = Day(world.days["normal"], 0, arrivals, on_duty, 1e6, (0.0, 0.0))
    floor = _Watched(replace(world, people=people), day)
    book: Book = floor.run(QueuePolicy(floor, setup))
    assert book.whole.offered <= len(arrivals)
    return floor.rung


def test_a_speaker_goes_first_and_mandarin_callers_get_the_scarce_last(world: World) -> None:
    agents = [agent("a1", PUXIAN), agent("a2")]
    assert rung(world, BOTH, agents, (0.5, call("c1", PUXIAN))) == ["0.5 c1 a1"]
    assert rung(world, BOTH, agents, (0.5, call("c1"))) == ["0.5 c1 a2"]
    assert rung(world, BOTH, agents, (0.5, call("c1")), (1.0, call("c2"))) == ["0.5 c1 a2", "1 c2 a1"]


def test_the_last_call_longest_ago_is_rung(world: World) -> None:
    agents = [agent("a1"), agent("a2")]
    found = rung(world, BOTH, agents, (1.0, call("c1")), (2.0, call("c2")), (500.0, call("c3")))
    assert found == ["1 c1 a1", "2 c2 a2", "500 c3 a1"]


def test_last_calls_of_the_same_second_are_equal(world: World) -> None:
    """The call of a1 ends at 101.6, that of a2 at 101.2; a1 is the later one in the hash table."""
    brief = replace(call("c2"), talk_s=96.5)
    found = rung(world, BOTH, [agent("a1"), agent("a2")], (1.6, call("c1")), (1.7, brief), (500.0, call("c3")))
    assert found == ["1.6 c1 a1", "1.7 c2 a2", "500 c3 a1"]


def test_wrap_up_ends_at_a_second_of_the_clock(world: World) -> None:
    """The talk ends at 100.9, so a1 is free at 110; c2, who looks at every .2, has him at 110.2."""
    found = rung(world, BOTH, [agent("a1")], (0.9, call("c1")), (50.2, call("c2")))
    assert found == ["0.9 c1 a1", "110.2 c2 a1"]


def test_penalties_open(world: World) -> None:
    """At the next look after 17 s; basic knowledge goes before none."""
    agents = [agent("a1"), agent("a2", basic=PUXIAN)]
    assert rung(world, BOTH, agents, (0.5, call("c1", PUXIAN))) == ["17.5 c1 a2"]
    assert rung(world, QueueSetup(Reach.BOTH, inf), agents, (0.5, call("c1", PUXIAN))) == []


def test_scarce_speakers_can_be_spared_for_a_while(world: World) -> None:
    setup = QueueSetup(Reach.BOTH, 17.0, spare_s=12.0)
    assert rung(world, setup, [agent("a1", PUXIAN)], (0.5, call("c1"))) == ["12.5 c1 a1"]


def test_who_waits_looks_once_a_second_in_his_own_rhythm(world: World) -> None:
    """Both wait for the one agent, free at 110.4; c3 looks at 110.5, c2 (longer waiting, another queue) at 110.9."""
    found = rung(
        world, BOTH, [agent("a1", PUXIAN)], (0.4, call("c1")), (50.9, call("c2")), (60.5, call("c3", PUXIAN))
    )
    assert found[:2] == ["0.4 c1 a1", "110.5 c3 a1"]


def test_only_as_many_look_as_members_are_idle(world: World) -> None:
    """Of one queue the first goes first, though the second would look earlier."""
    found = rung(world, BOTH, [agent("a1")], (0.4, call("c1")), (50.9, call("c2")), (60.5, call("c3")))
    assert found[:2] == ["0.4 c1 a1", "110.9 c2 a1"]


def test_weight_keeps_a_member_for_the_heavier_queue_even_if_its_caller_may_not_have_him(world: World) -> None:
    setup = QueueSetup(Reach.BOTH, 60.0, weighted=True)
    found = rung(world, setup, [agent("a1")], (0.0, call("c1", PUXIAN)), (10.0, call("c2")))
    assert found == ["60 c1 a1", "194 c2 a1"]  # a talk without the dialect takes 121.25 s, wrap-up 10 s
    light = QueueSetup(Reach.BOTH, 60.0)
    assert rung(world, light, [agent("a1")], (0.0, call("c1", PUXIAN)), (10.0, call("c2")))[0] == "10 c2 a1"


def test_a_caller_whom_a_phone_rings_for_keeps_the_weight_of_his_queue(world: World) -> None:
    """While the one caller of the heavy queue rings, the one member left is held back from the light one."""
    setup = QueueSetup(Reach.BOTH, 60.0, weighted=True)
    agents = [agent("a1", PUXIAN), agent("a2")]
    assert rung(world, setup, agents, (0.0, call("c1", PUXIAN)), (1.0, call("c2"))) == ["0 c1 a1", "3 c2 a2"]


@pytest.mark.parametrize(
    ("reach", "open_s", "expected"),
    [(Reach.SITE, 17.0, "17 c1 a2"), (Reach.OVERFLOW, inf, "25 c1 a1"), (Reach.BOTH, 17.0, "0 c1 a1")],
)
def test_reach(world: World, reach: Reach, open_s: float, expected: str) -> None:
    agents = [agent("a1", PUXIAN, XIAMEN), agent("a2")]
    assert rung(world, QueueSetup(reach, open_s), agents, (0.0, call("c1", PUXIAN))) == [expected]


def test_a_business_that_a_site_has_nobody_for_is_everybodys(world: World) -> None:
    over_there = [agent("a1", site=XIAMEN)]
    assert rung(world, QueueSetup(Reach.SITE, 17.0), over_there, (0.0, call("c1"))) == ["0 c1 a1"]


def test_who_hangs_up_leaves_the_queue_or_frees_the_member(world: World) -> None:
    agents = [agent("a1")]
    found = rung(world, BOTH, agents, (0.0, call("c1")), (5.0, call("c2", patience_s=20.0)), (6.0, call("c3")))
    assert found == ["0 c1 a1", "110 c3 a1"]
    found = rung(world, BOTH, agents, (0.0, call("c1", patience_s=2.0)), (1.0, call("c2")))
    assert found == ["0 c1 a1", "2 c2 a1"]


def test_names() -> None:
    assert QueueSetup(Reach.BOTH, 17.0).name == "both_open17"
    assert QueueSetup(Reach.SITE, inf).name == "site_never"
    assert QueueSetup(Reach.BOTH, 60.0, 12.0, weighted=True).name == "both_open60_spare12_weight"

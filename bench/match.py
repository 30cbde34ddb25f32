"""The matcher's own cost: CPU time of the event that makes an assignment, 10 calls × 10 agents to 10,000 × 2,000.

Two kinds of assignment are measured. `freed`: an agent's wrap-up ends while so many calls wait and all other agents
talk. `arrived`: a call comes while so many agents are idle, and so many other calls wait that nobody may have. The
time is that of the whole event: the seat's new state, the choice, the offer with its decision, the index kept true.

Agents are those of the example, over and over; calls ask for the dialects and businesses that those agents offer.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count, cycle, islice
from pathlib import Path
from random import Random
from statistics import mean, median
from time import thread_time_ns
from typing import Final

from bench.result import BenchResult, Figure, figure, versions_of
from routing.agents import Agent, load_agents
from routing.ladder_file import load_ladders
from routing.matcher import Matcher, Rules
from routing.offers import Effect, MakeOffer, Offer, Waiting
from tieline.model import AgentId, Business, CallId, Lane, Need, NodeId
from tieline.topology import Topology
from tieline.topology_file import load_topology

EXAMPLES: Final = Path(__file__).resolve().parent.parent / "examples"
SIZES: Final = ((10, 10), (100, 100), (1_000, 500), (10_000, 2_000))
"""Waiting calls and agents."""
GOAL_US: Final = 100.0
GOAL_RATIO: Final = 4.0
WARM_UP: Final = 1000
"""Assignments before those that count: at their first, kinds of calls and agents are compared."""
WAITED_S: Final = 300.0
"""Calls in the pool have waited up to so long."""
STEP_S: Final = 0.001
"""Time between events."""
TALK_S: Final = 180.0
WRAP_UP_S: Final = 0.1
NOBODYS: Final = Business.COMPLAINT
"""What the calls want that wait in vain while a call comes."""

_LANES: Final = (Lane.NORMAL,) * 17 + (Lane.CALLBACK, Lane.IMPORTANT, Lane.LIFE_SAFETY)

Say = Callable[[str], None]


class _Floor:
    """A matcher of all sites with its agents, and the clock."""

    def __init__(
        self, topology: Topology, roster: Mapping[AgentId, Agent], agents: int, nobodys: Business | None
    ) -> None:
        self.now = 1_000_000.0
        self.agents = _staff(roster, agents, without=nobodys)
        self._chance = Random(1)  # noqa: S311 - the same calls each time, no secret
        self._names = count()
        self._homes = {city.id: city.home for city in topology.cities.values()}
        self._needs = list(_needs(topology, self.agents))
        own, ladders = frozenset(topology.sites), load_ladders(topology, roster)
        self.matcher = Matcher(self.agents, Rules(wrap_up_s=WRAP_UP_S), ladders, own)
        for agent in self.agents:
            self.matcher.phone_seen(agent, reachable=True, now=self.later())

    def later(self, by_s: float = STEP_S) -> float:
        """Let time go on."""
        self.now += by_s
        return self.now

    def call(self, *, waited_s: float, business: Business | None = None) -> Waiting:
        """Make a call, of a business or of any."""
        need = self._chance.choice(self._needs)
        name, since = CallId(f"c{next(self._names)}"), self.now - self._chance.uniform(0, waited_s)
        need = replace(need, business=business or need.business)
        return Waiting(name, NodeId("n"), name, need, since, self._homes[need.city])

    def talk(self, offer: Offer) -> None:
        """Let an offer lead to a talk."""
        self.matcher.taken(offer.call.call_id, offer.agent, offer.fence, self.later())
        self.matcher.answered(offer.call.call_id, offer.agent, self.later())

    def end(self, call_id: CallId, agent: AgentId) -> None:
        """Let a talk end, so that talks last as long as they do; then the agent wraps up."""
        self.matcher.tick(self.later(TALK_S / len(self.agents)))
        self.matcher.agent_free(agent, self.later(), call_id)
        self.matcher.call_gone(call_id, self.later())

    def wrap_up(self) -> None:
        """Let time go on, and all be done that is due, until just before the wrap-up ends."""
        self.matcher.tick(self.later(WRAP_UP_S - 2 * STEP_S))


def freed_us(topology: Topology, roster: Mapping[AgentId, Agent], calls: int, agents: int, times: int) -> float:
    """Measure how long it takes to give an agent who comes free one of so many waiting calls, in us."""
    floor = _Floor(topology, roster, agents, None)
    talks = {agent: CallId(f"first{number}") for number, agent in enumerate(floor.agents)}
    for agent, call_id in talks.items():
        floor.matcher.answered(call_id, agent, floor.later())
    for _ in range(calls):
        floor.matcher.call_waiting(floor.call(waited_s=WAITED_S), floor.now)
    spent: list[int] = []
    while len(spent) < times + WARM_UP:
        agent = next(islice(talks, len(spent) * 7 % len(talks), None))
        floor.end(talks.pop(agent), agent)
        floor.wrap_up()
        now = floor.later(2 * STEP_S)
        began = thread_time_ns()
        offers = _offers(floor.matcher.tick(now))
        took = thread_time_ns() - began
        for offer in offers:
            spent.append(took)
            floor.talk(offer)
            talks[offer.agent] = offer.call.call_id
            floor.matcher.call_waiting(floor.call(waited_s=WAITED_S), floor.now)
    return mean(spent[WARM_UP:]) / 1000


def arrived_us(topology: Topology, roster: Mapping[AgentId, Agent], calls: int, agents: int, times: int) -> float:
    """Measure how long it takes to find one of so many idle agents for a call while others wait in vain, in us."""
    floor = _Floor(topology, roster, agents, NOBODYS)
    for _ in range(calls):
        floor.matcher.call_waiting(floor.call(waited_s=WAITED_S, business=NOBODYS), floor.now)
    spent: list[int] = []
    while len(spent) < times + WARM_UP:
        call = floor.call(waited_s=0)
        began = thread_time_ns()
        offers = _offers(floor.matcher.call_waiting(call, floor.now))
        took = thread_time_ns() - began
        for offer in offers:
            spent.append(took)
            floor.talk(offer)
            floor.end(offer.call.call_id, offer.agent)
            floor.matcher.tick(floor.later(WRAP_UP_S))
        if not offers:
            floor.matcher.call_gone(call.call_id, floor.later())
    return mean(spent[WARM_UP:]) / 1000


def run(*, rounds: int, times: int, say: Say) -> BenchResult:
    """Measure all sizes; medians of the rounds.

    Args:
        rounds: How often.
        times: Assignments of each kind and size a round.
        say: Tells what is being done.
    """
    topology = load_topology(EXAMPLES / "fujian.toml")
    roster = load_agents(EXAMPLES / "agents.toml", topology)
    figures: dict[str, Figure] = {}
    slower: list[float] = []
    for calls, agents in SIZES:
        say(f"{calls} waiting calls, {agents} agents")
        found = [
            (freed_us(topology, roster, calls, agents, times), arrived_us(topology, roster, calls, agents, times))
            for _ in range(rounds)
        ]
        freed, arrived = (median(column) for column in zip(*found, strict=True))
        slower.append(max(freed, arrived))
        goal = GOAL_US if (calls, agents) == SIZES[-1] else None
        figures[f"freed_{calls}x{agents}"] = figure(freed, "us", goal=goal)
        figures[f"arrived_{calls}x{agents}"] = figure(arrived, "us", goal=goal)
    figures["largest_to_smallest"] = figure(slower[-1] / slower[0], "ratio", goal=GOAL_RATIO)
    return BenchResult("match", figures, versions_of(()))


def _needs(topology: Topology, agents: Mapping[AgentId, Agent]) -> Iterator[Need]:
    """Yield what callers want: what agents offer, in the cities of their site."""
    chance = Random(2)  # noqa: S311 - as above
    for agent in agents.values():
        homes = [city.id for city in topology.cities.values() if city.home == agent.site]
        for dialect in agent.dialects:
            yield Need(dialect, chance.choice(list(agent.business)), chance.choice(homes), chance.choice(_LANES))


def _staff(roster: Mapping[AgentId, Agent], number: int, *, without: Business | None) -> dict[AgentId, Agent]:
    """Make agents like those of a roster, over and over."""
    staff: dict[AgentId, Agent] = {}
    for index, like in enumerate(islice(cycle(roster.values()), number)):
        business = {known: level for known, level in like.business.items() if known is not without}
        agent = AgentId(f"a{10_000 + index}")
        staff[agent] = replace(like, id=agent, business=business)
    return staff


def _offers(effects: Iterable[Effect]) -> list[Offer]:
    return [effect.offer for effect in effects if isinstance(effect, MakeOffer)]

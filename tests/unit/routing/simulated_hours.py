"""Hours at a site, played with the matcher itself: what was expected of each wait, and how long it was."""

import heapq
import random
from collections.abc import Iterable
from itertools import count

from routing.agents import Agent
from routing.expected_wait import WaitEstimator
from routing.ladders import LadderSet
from routing.matcher import Matcher, Rules
from routing.offers import Effect, MakeOffer, Waiting
from tieline.model import MANDARIN, AgentId, Business, CallId, CityId, DialectId, Level, Need, NodeId, SiteId

PUXIAN = DialectId("puxian")
SITE = SiteId("fuzhou")
PLAYED_S = 3 * 3600.0
TALK_S, WRAP_UP_S = 160.0, 20.0
SPEAKERS = 5
"""Every fifth agent speaks Puxian."""
CALLS_IN_PUXIAN = 0.25


def _agent(number: int) -> Agent:
    dialects = {MANDARIN: Level.FLUENT} | ({} if number % SPEAKERS else {PUXIAN: Level.NATIVE})
    name = AgentId(f"a2{number:03}")
    return Agent(name, SITE, name, dialects, {Business.REPAIR: Level.FLUENT})


class Hours:
    """Agents who talk for exponential times, and calls in two dialects that nobody gives up.

    Args:
        ladders: What the matcher goes by.
        seed: The same seed plays the same hours.
        seats: Agents.
    """

    def __init__(self, ladders: LadderSet, seed: int, seats: int) -> None:
        staff = {agent.id: agent for agent in map(_agent, range(seats))}
        self._chance = random.Random(seed)
        self._matcher = Matcher(staff, Rules(wrap_up_s=WRAP_UP_S), ladders, frozenset((SITE,)))
        self._estimator = WaitEstimator(staff, ladders)
        self._agenda: list[tuple[float, int, str, str]] = []
        self._serial = count()
        self._next_tick = float("inf")
        self._told: dict[str, tuple[float, float]] = {}
        self._found: list[tuple[float, float]] = []
        for name in staff:
            self._matcher.phone_seen(name, reachable=True, now=0.0)

    def play(self, arrivals_a_h: float) -> list[tuple[float, float]]:
        """Play to the last call's end; give estimate and actual wait of each call that had to wait, in seconds."""
        at = 0.0
        while (at := at + self._chance.expovariate(arrivals_a_h / 3600)) < PLAYED_S:
            self._note(at, "call", f"c{next(self._serial)}")
        while self._agenda:
            now, _, what, who = heapq.heappop(self._agenda)
            if what == "end":
                self._serve(self._matcher.agent_free(AgentId(who), now), now)
            elif what == "tick":
                self._next_tick = float("inf")
                self._serve(self._matcher.tick(now), now)
            else:
                self._call(who, now)
        return self._found

    def _call(self, who: str, now: float) -> None:
        dialect = PUXIAN if self._chance.random() < CALLS_IN_PUXIAN else MANDARIN
        need = Need(dialect, Business.REPAIR, CityId("putian"))
        new = Waiting(CallId(who), NodeId("n"), "", need, now, SITE)
        self._serve(self._matcher.call_waiting(new, now), now)
        pool = self._matcher.waiting
        if new.call_id in pool:
            busy_s = TALK_S + WRAP_UP_S
            waits = self._estimator.estimate(pool.values(), self._matcher.seats, busy_s=busy_s, now=now)
            self._told[who] = (now, waits[new.call_id].wait_s or 0.0)

    def _serve(self, effects: Iterable[Effect], now: float) -> None:
        for effect in effects:
            if isinstance(effect, MakeOffer):
                offer = effect.offer
                self._matcher.taken(offer.call.call_id, offer.agent, offer.fence, now)
                self._matcher.answered(offer.call.call_id, offer.agent, now)
                self._note(now + self._chance.expovariate(1 / TALK_S), "end", offer.agent)
                if offer.call.call_id in self._told:
                    begin, estimate = self._told[offer.call.call_id]
                    self._found.append((estimate, now - begin))
        due = self._matcher.next_deadline(now)
        if due is not None and due < self._next_tick:
            self._next_tick = due
            self._note(max(due, now + 0.001), "tick", "")

    def _note(self, at: float, what: str, who: str) -> None:
        heapq.heappush(self._agenda, (at, next(self._serial), what, who))

"""Watches how a site's own cities call, and tells when one calls more than usual. It proposes; it does nothing.

The keeper hands it every event of the bus, so that the bus is read once. Cities that have the site as their backup
are not watched: when they come, their own site is away, and that is no surge.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Final

from tieline import bus
from tieline.clock import Clock
from tieline.database import Database
from tieline.errors import TielineError
from tieline.live import Live
from tieline.model import CityId, SiteId
from tieline.topology import Topology
from trunk_config.store import add_lesson, fetch_usual
from trunk_config.surge import State, calls_in_window
from trunk_config.surge_live import read_watch, write_states, write_watch
from trunk_config.surge_rules import SurgeRules, proposed
from trunk_config.surge_site import Lesson, Look, SiteWatch, called, look, taught
from trunk_config.usual import Cell, Learned, cell_of

EVERY_S: Final = 1.0


class SurgeWatch:
    """Runs once at a site; two of them count alike.

    Args:
        site: Whose cities.
        topology: The network.
        rules: Thresholds and proposals.
        live: The site's Redis.
        database: Keeps what is learned.
        clock: Unix seconds.
    """

    def __init__(
        self, site: SiteId, topology: Topology, rules: SurgeRules, live: Live, database: Database, clock: Clock
    ) -> None:
        self._topology = topology
        self._cities = {city.id: city for city in topology.cities.values() if city.home == site}
        self._rules = rules
        self._live = live
        self._database = database
        self._clock = clock
        self._watch: SiteWatch | None = None
        self._early: list[tuple[CityId, float]] = []
        self._usual: dict[Cell, Learned] | None = None
        self._unwritten: list[Lesson] = []
        self.counters = dict.fromkeys(("changes", "lessons", "failures"), 0)

    def take(self, event: bus.Event) -> None:
        """Take an event of the bus: calls that arrived are counted, refused ones too."""
        if not isinstance(event, bus.CallArrived) or event.city not in self._cities:
            return
        city = CityId(event.city)
        if self._watch is None:
            self._early.append((city, event.at))
        else:
            self._watch = called(self._watch, city, event.at)

    async def run(self) -> None:
        """Look, and learn, until cancelled; whatever is away is asked again a second later."""
        async with asyncio.TaskGroup() as tasks:  # apart, so that a database that hangs holds up no state
            tasks.create_task(_every_second(self.look))
            tasks.create_task(_every_second(self.learn))

    def metrics(self) -> Mapping[str, float]:
        """Give what was counted, and how many cities are in each state."""
        watches = self._watch.watches.values() if self._watch else ()
        states = {f"cities_{state}": sum(watch.state is state for watch in watches) for state in State}
        return {**self.counters, **states, "lessons_unwritten": len(self._unwritten)}

    async def look(self) -> None:
        """Judge every city and tell what changed; raises nothing that waiting can mend."""
        try:
            watch = self._watch or await self._begin()
            now = self._clock()
            found = look(
                watch, self._cities.values(), self._usual or {}, now, self._rules.thresholds, self._rules.usual
            )
            self._watch = found.watch
            self._unwritten += found.lessons
            self.counters["changes"] += len(await write_states(self._live, self._told(found)))
            await write_watch(self._live, found.watch)
        except TielineError:
            self.counters["failures"] += 1

    async def _begin(self) -> SiteWatch:
        """Go on where an earlier watch was; calls that came meanwhile are counted on top."""
        watch = await read_watch(self._live)
        for city, at in self._early:
            watch = called(watch, city, at)
        self._early.clear()
        return watch

    def _told(self, found: Look) -> dict[CityId, bus.SurgeChanged]:
        in_surge = {city for city in self._cities if found.watch.watches[city].state is State.SURGE}
        return {
            city: bus.SurgeChanged(
                at=found.watch.watches[city].since,
                city=city,
                state=found.watch.watches[city].state,
                calls=calls_in_window(found.watch.watches[city]),
                usual=round(found.usual[city], 1),
                proposal=proposed(self._rules, self._topology, in_surge, city),
            )
            for city in self._cities
        }

    async def learn(self) -> None:
        """Read what was learned before, then write what is new; lessons wait while SQL is away."""
        with suppress(TielineError):
            if self._usual is None:
                self._usual = dict(await self._database.run(fetch_usual, reading=True))
            for lesson in tuple(self._unwritten):
                cell = cell_of(lesson.city, lesson.hour)
                city, rules = self._cities[lesson.city], self._rules
                learned = taught(self._usual, city, lesson, rules.thresholds, rules.usual)
                await self._database.run(partial(add_lesson, cell=cell, learned=learned))
                self._usual[cell] = learned
                self._unwritten.remove(lesson)
                self.counters["lessons"] += 1


async def _every_second(work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await work()
        await asyncio.sleep(EVERY_S)

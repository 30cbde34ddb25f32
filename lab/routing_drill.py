"""The routing drill: mixed calls at both sites while the acting matchers are killed and frozen; then without any.

The lab is one of its own. Witnesses outside of our Python: the callers (SIPp), the edge's accounting, and what
Asterisk tells of the agents' legs.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Final

from crm_adapter.policy import load_policy
from crm_adapter.record import CallRecord
from lab.burden import CallersCost, Moment, burden, moment
from lab.calls import Caller, CallRun, RunResult, place_calls
from lab.client import LabClient
from lab.drill import forget
from lab.errors import LabError
from lab.plan import HOME, LabPlan, state_of
from lab.root import Say
from lab.routing_faults import MatcherFaults
from lab.routing_plan import (
    WRAP_UP_S,
    RoutedCall,
    RoutedLane,
    callers_text,
    keys_of,
    routed_lanes,
    routed_phones,
    routed_script,
)
from lab.routing_report import BothDead, Drill, Evidence, RoutingReport, both_dead, number_of, report
from lab.samples import GREETED_MS, KEYS_MS
from lab.scripts import CallerScript, HangUp, Pause, Press, Talks
from lab.setup import make_plan, prepare
from lab.supervisor import Request
from lab.witnesses import LOOK_S, beside, hear_all, lives, tasks_at_rest
from routing.agents import Agent, load_agents
from routing.why import CallDecisions, UnknownCall, fetch_decisions
from tieline import bus
from tieline.errors import RemoteProtocolError
from tieline.live import EVENTS, Live
from tieline.model import AgentId, CallId
from tieline.topology import Site

FIRST_FAULT_S: Final = 5.0
"""Calls talk and wait by then."""
APART: Final = 8
"""Callers who find their site without a matcher, and as many when it is back."""
_NET_MS: Final = 22_000
"""In `hold` at most 10 s, then the static queue, then some seconds of talk."""
_SHORT_MS: Final = 4_000
_CALL_ENDS_S: Final = 60.0
_SETTLED_S: Final = 60.0
_READ: Final = 500

Made = tuple[Sequence[RoutedCall], RunResult]


def routing_plan(instance: int, drill: Drill, say: Say) -> LabPlan:
    """Plan the drill's lab: agents who rest shortly, slow phones, and important users among the callers."""
    state = state_of(HOME / ".tieline", instance)
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    forget(state)
    plan = make_plan(instance, say)
    known = state / "callers.toml"
    known.write_text(callers_text(_lanes(plan, drill)), encoding="utf-8")
    return replace(plan, wrap_up_s=WRAP_UP_S, callers_file=known, phones=routed_phones(_agents(plan).values()))


def drill_routing(instance: int, drill: Drill, say: Say) -> RoutingReport:
    """Run the whole drill in a lab of its own; the lab is down afterwards.

    Raises:
        LabError: The lab did not come up, calls could not be made at all, or a fault could not be made.
    """
    LabClient(state_of(HOME / ".tieline", instance)).down()
    plan = routing_plan(instance, drill, say)
    client = LabClient(plan.state)
    answer = client.up(prepare(plan, say), say)
    try:
        if not answer.ok:
            raise LabError("; ".join(part.reason for part in answer.parts if part.reason))
        return asyncio.run(_Course(client, plan, drill, say).run())
    finally:
        client.down()


class _Course:
    """One drill, from its first call to the report."""

    def __init__(self, client: LabClient, plan: LabPlan, drill: Drill, say: Say) -> None:
        self._client, self._plan, self._drill, self._say = client, plan, drill, say
        self._made: list[Made] = []

    async def run(self) -> RoutingReport:
        async with lives(self._plan) as sites:
            marks = {site: await live.last_id() for site, live in sites.items()}
            at_rest = await tasks_at_rest(sites)
            faults = MatcherFaults(self._client, self._plan.topology, sites, self._say)
            began, before, callers = time.time(), self._moment(), CallersCost(self._plan.state)
            async with beside(_look_at(callers)):
                await asyncio.gather(self._place_all(), self._break(faults))
                during, after = await self._without(faults)
                cost = burden(before, self._moment(), callers.seconds, time.time() - began)
            self._say("all callers are gone; the books …")
            witnessed = await hear_all(self._client, self._plan, sites, began, at_rest, within_s=_SETTLED_S)
            told = {site: await _told(live, marks[site]) for site, live in sites.items()}
            decisions = await _decisions(sites.values(), witnessed.records)
        evidence = Evidence(
            made=self._made,
            told=told,
            witnessed=witnessed,
            decisions=decisions,
            agents=_agents(self._plan),
            faults=faults.made,
            apart=frozenset(during),
        )
        return report(self._drill, evidence, load_policy(), self._both_dead(witnessed.records, during, after), cost)

    def _moment(self) -> Moment:
        return moment(self._client.ask(Request(do="status")).parts)

    async def _break(self, faults: MatcherFaults) -> None:
        if self._drill.faults:
            await asyncio.sleep(FIRST_FAULT_S)
            span_s = self._drill.count / self._drill.rate_per_s
            await faults.break_in_turn(self._drill.faults, span_s / self._drill.faults)

    # The calls -----------------------------------------------------------------------------------------------

    async def _place_all(self) -> None:
        span_s = self._drill.count / self._drill.rate_per_s
        await self._place(_lanes(self._plan, self._drill), routed_script(), span_s)

    async def _place(self, lanes: Sequence[RoutedLane], script: CallerScript, span_s: float) -> None:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(len(lanes)) as threads:
            runs = [_run(self._plan, lane, script, span_s) for lane in lanes]
            placing = (loop.run_in_executor(threads, place_calls, self._client, self._plan, run) for run in runs)
            results = await asyncio.gather(*placing)
        self._made += zip((lane.calls for lane in lanes), results, strict=True)

    # Without a matcher ---------------------------------------------------------------------------------------

    async def _without(self, faults: MatcherFaults) -> tuple[list[str], list[str]]:
        """Let callers find their site without a matcher, and again when it is back; gives their numbers."""
        site = next(iter(self._plan.topology.sites.values()))
        during, after = self._some_of(site)
        self._say(f"both matchers of {site.id} are dead")
        await faults.halt(site)
        await self._place([during], _stays(_NET_MS), 0.0)
        await faults.start(site)
        self._say("they are back")
        await self._place([after], _stays(_SHORT_MS), 0.0)
        return [call.number for call in during.calls], [call.number for call in after.calls]

    def _some_of(self, site: Site) -> tuple[RoutedLane, RoutedLane]:
        """Make two lots of callers of the site's own city, with numbers that have not called yet."""
        lanes = routed_lanes(self._plan.topology, self._drill.count + 20 * APART, 1.0, self._drill.seed)
        city = next(city.id for city in self._plan.topology.cities.values() if city.home == site.id)
        fresh = [call for lane in lanes if lane.city == city for call in lane.calls][-2 * APART :]
        return RoutedLane(city, tuple(fresh[:APART]), 4.0), RoutedLane(city, tuple(fresh[APART:]), 4.0)

    def _both_dead(self, records: Iterable[CallRecord], during: Sequence[str], after: Sequence[str]) -> BothDead:
        site = next(iter(self._plan.topology.sites))
        by_number = {number_of(record): record for record in records}
        lots = [[by_number[number] for number in lot if number in by_number] for lot in (during, after)]
        return both_dead(site, *lots)


def _lanes(plan: LabPlan, drill: Drill) -> tuple[RoutedLane, ...]:
    return routed_lanes(plan.topology, drill.count, drill.rate_per_s, drill.seed)


async def _look_at(callers: CallersCost) -> None:
    while True:
        callers.look()
        await asyncio.sleep(LOOK_S)


def _stays(ms: int) -> Talks:
    steps = (Pause(GREETED_MS), Press("[field3]"), Pause(KEYS_MS + ms), HangUp())
    return Talks(steps, bye_any_time=True)


def _run(plan: LabPlan, lane: RoutedLane, script: CallerScript, span_s: float) -> CallRun:
    city = plan.topology.cities[lane.city]
    source = city.trunk_groups[0].source
    callers = (Caller(f"<sip:{call.number}@{source}>", None, (keys_of(city, call),)) for call in lane.calls)
    return CallRun(
        city=lane.city,
        script=script,
        callers=tuple(callers),
        rate_per_s=lane.rate_per_s,
        limit_s=span_s + _CALL_ENDS_S,
        sends_tone=False,  # nobody listens
    )


def _agents(plan: LabPlan) -> dict[AgentId, Agent]:
    return dict(load_agents(plan.agents_file, plan.topology))


async def _told(live: Live, after: str) -> list[bus.Event]:
    found: list[bus.Event] = []
    while entries := await live.read(EVENTS, after, count=_READ, block_ms=1):
        after = entries[-1][0]
        for _, raw in entries:
            with suppress(RemoteProtocolError):
                found.append(bus.decode_event(raw))
    return found


async def _decisions(sites: Iterable[Live], records: Iterable[CallRecord]) -> dict[CallId, CallDecisions]:
    """Fetch what was decided for each call, from both sites in the order of time."""
    found: dict[CallId, CallDecisions] = {}
    for live in sites:
        for record in records:
            call_id = CallId(record.call_id)
            with suppress(UnknownCall):
                more = (await fetch_decisions(live, call_id)).decisions
                known = found[call_id].decisions if call_id in found else ()
                both = sorted((*known, *more), key=lambda one: one.at)
                found[call_id] = CallDecisions(call_id=call_id, decisions=both)
    return found

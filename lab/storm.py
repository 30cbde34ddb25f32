"""A real storm: one city calls many times as often as usual, on lines so few that a small machine fills them.

The lab is one of its own; the storm's site has two nodes. Witnesses outside of our Python: the callers (SIPp), the
edge's accounting, and Asterisk's own list of channels.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from crm_adapter.policy import load_policy
from lab.burden import CallersCost, burden, moment
from lab.calls import Caller, CallRun, place_calls
from lab.client import LabClient
from lab.drill import forget
from lab.errors import LabError
from lab.plan import HOME, LabPlan, state_of
from lab.root import Say
from lab.second_node import topology_with_second_node
from lab.setup import make_plan, prepare
from lab.storm_books import Disturbed, MadeCall, keep_books
from lab.storm_decisions import decisions
from lab.storm_faults import Killed, QuotasChanged, change_quotas, kill_in_turn
from lab.storm_plan import (
    StormLane,
    most_told_without_redis,
    quotas_text,
    scaled_topology,
    storm_lanes,
    storm_script,
)
from lab.storm_report import Seen, Storm, StormReport, report
from lab.storm_watch import Watch
from lab.supervisor import Request
from lab.witnesses import LOOK_S, beside, hear_all, lives, tasks_at_rest
from tieline.topology import Site
from tieline.topology_file import load_topology
from trunk_config.profiles import load_allowances

FIRST_KILL_S: Final = 8.0
"""The lines are full by then."""
NEW_CAP: Final = 5
"""Of the storming city, by the change: less than it has in use."""
_CALL_ENDS_S: Final = 60.0
_SETTLED_S: Final = 60.0


def storm_plan(instance: int, storm: Storm, say: Say) -> LabPlan:
    """Plan the storm's lab: few lines and channels, a second node at the site that is in storm."""
    store = HOME / ".tieline"
    state = state_of(store, instance)
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    forget(state)
    example = HOME / "examples/fujian.toml"
    full = load_topology(example)
    if storm.city not in full.cities:
        raise LabError(f"no city {storm.city!r}; there are {', '.join(full.cities)}")
    text = scaled_topology(example.read_text(encoding="utf-8"))
    topology_file, quotas_file = state / "topology.toml", state / "quotas.toml"
    topology_file.write_text(topology_with_second_node(text, full.cities[storm.city].home), encoding="utf-8")
    quotas_file.write_text(quotas_text(full, storm.city), encoding="utf-8")
    return make_plan(instance, say, store=store, topology_file=topology_file, quotas_file=quotas_file)


def drill_storm(instance: int, storm: Storm, say: Say) -> StormReport:
    """Let a storm go over a lab of its own; the lab is down afterwards.

    Raises:
        LabError: The lab did not come up, calls could not be made at all, or a fault could not be made.
    """
    LabClient(state_of(HOME / ".tieline", instance)).down()
    plan = storm_plan(instance, storm, say)
    client = LabClient(plan.state)
    answer = client.up(prepare(plan, say), say)
    try:
        if not answer.ok:
            raise LabError("; ".join(part.reason for part in answer.parts if part.reason))
        return asyncio.run(_storm(client, plan, storm, say))
    finally:
        client.down()


@dataclass(slots=True)
class _Course:
    """What happened, as it comes in."""

    watch: Watch
    killed: list[Killed]
    changed: QuotasChanged | None = None


async def _storm(client: LabClient, plan: LabPlan, storm: Storm, say: Say) -> StormReport:
    lanes = storm_lanes(plan.topology, storm.city, storm.factor, storm.seconds, storm.seed)
    site = plan.topology.sites[plan.topology.cities[storm.city].home]
    async with lives(plan) as sites:
        course = _Course(Watch(plan, site, sites), [])
        at_rest = await tasks_at_rest(sites)
        began = time.time()
        before, callers = moment(client.ask(Request(do="status")).parts), CallersCost(plan.state)
        async with beside(course.watch.run()), beside(_look_at(callers)):
            (made, faults), _ = await asyncio.gather(
                _place(client, plan, lanes, storm.seconds), _break(client, plan, site, storm, course, say)
            )
            cost = burden(
                before, moment(client.ask(Request(do="status")).parts), callers.seconds, time.time() - began
            )
            say("all callers are gone; the books …")
            witnessed = await hear_all(client, plan, sites, began, at_rest, within_s=_SETTLED_S)
    node = next((one for one in course.killed if one.what == "node"), None)
    disturbed = Disturbed(node.part if node else "", node.at if node else 0.0, bool(course.killed))
    allowed = load_allowances(plan.quotas_file).messages
    if "redis" in storm.kills:
        allowed = most_told_without_redis(allowed, len(site.nodes))
    seen = Seen(
        looks=course.watch.looks,
        arrivals=[event for event in course.watch.arrivals if event.node in {node.id for node in site.nodes}],
        by_node=len(course.watch.by_node),
        decisions=decisions(course.watch.decision_times),
        killed=course.killed,
        changed=course.changed,
        city_of={entry.call_id: entry.city for entry in witnessed.accounting.entries},
        nodes=len(site.nodes),
        calm=[city.id for city in plan.topology.cities.values() if city.home == site.id and city.id != storm.city],
    )
    books = keep_books(made, witnessed, course.watch.arrivals, load_policy(), disturbed, allowed)
    return report(storm, seen, books, cost, {lane.city: lane.rate_per_s for lane in lanes}, faults)


async def _look_at(callers: CallersCost) -> None:
    while True:
        callers.look()
        await asyncio.sleep(LOOK_S)


async def _break(client: LabClient, plan: LabPlan, site: Site, storm: Storm, course: _Course, say: Say) -> None:
    if storm.changes:
        await asyncio.sleep(storm.seconds / 2)
        course.changed = await change_quotas(plan, site, {storm.city: {"cap": NEW_CAP}})
        say(f"version {course.changed.version} of the quotas: {storm.city} gets {NEW_CAP} lines at most")
        return
    await asyncio.sleep(FIRST_KILL_S)
    await kill_in_turn(client, site, storm.kills, storm.kill_every_s, course.killed, say)


async def _place(
    client: LabClient, plan: LabPlan, lanes: Sequence[StormLane], span_s: float
) -> tuple[list[MadeCall], tuple[str, ...]]:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(len(lanes)) as threads:

        async def one(lane: StormLane) -> tuple[list[MadeCall], str]:
            await asyncio.sleep(lane.after_s)
            run = await loop.run_in_executor(threads, place_calls, client, plan, _run(plan, lane, span_s))
            made = [MadeCall(call, result) for call, result in zip(lane.calls, run.calls, strict=True)]
            return made, f"{lane.city}: {run.faults[:600]}" if run.faults else ""

        placed = await asyncio.gather(*(one(lane) for lane in lanes))
    return [call for made, _ in placed for call in made], tuple(fault for _, fault in placed if fault)


def _run(plan: LabPlan, lane: StormLane, span_s: float) -> CallRun:
    place = plan.topology.cities[lane.city]
    source = place.trunk_groups[0].source
    return CallRun(
        city=lane.city,
        script=storm_script(place),
        callers=tuple(Caller(f"<sip:{call.number}@{source}>") for call in lane.calls),
        rate_per_s=lane.rate_per_s,
        limit_s=span_s + _CALL_ENDS_S,
        sends_tone=False,  # nobody listens
    )

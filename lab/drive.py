"""Driving calls at a steady rate through all nine steps, with every witness heard afterwards.

The lab is one of its own (`lab.drill.drill_plan`): one city with a single line, 100 agents a site. A smaller number
of calls is the same drill.
"""

import asyncio
import resource
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import msgspec

from crm_adapter.policy import load_policy
from lab.books import Books, Evidence, Made, compare
from lab.burden import Burden, CallersCost, burden, moment
from lab.calls import Caller, CallRun, RunResult, place_calls
from lab.client import LabClient
from lab.ear import Ears, ears, listen
from lab.keys import keys_for
from lab.mix import (
    HELD_S,
    UNHEARD,
    Lane,
    Planned,
    lanes,
)
from lab.plan import LabPlan
from lab.root import Say
from lab.sound import MENU_S, Listened, Sound, both_sides, judge
from lab.supervisor import Request
from lab.witnesses import LOOK_S, beside, hear_all, lives, tasks_at_rest
from tieline.live import Live
from tieline.model import SiteId
from tieline.settings import load_settings
from tieline.topology import Address
from trunk_config.admission import LINES

HEARD_EVERY: Final = 20
_SETTLED_S: Final = 30.0
_AFTER_LAST_S: Final = 60.0
_TELL_S: Final = 5.0
_DIGITS: Final = 11
_EARS_HOST: Final = "127.{instance}.25.1"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a drill found.

    Attributes:
        rate_per_s: New calls a second.
        faults: What SIPp met unexpectedly, shortened.
        burden: While the calls were made.
    """

    count: int
    rate_per_s: float
    seed: int
    database: str
    books: Books
    sound: Sound
    burden: Burden
    faults: tuple[str, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether all ended as scripted and nothing differs."""
        return self.books.balance and not self.sound.differences


@dataclass(frozen=True, slots=True)
class _Placed:
    """What became of a lane: its run, and each call's ear."""

    lane: Lane
    run: RunResult


async def run_calls(client: LabClient, plan: LabPlan, count: int, rate_per_s: float, seed: int, say: Say) -> Report:
    """Make the calls in a lab that is up with `lab.drill.drill_plan`, and keep the books.

    Raises:
        LabError: A run of calls could not be made at all.
        ConnectionLost: A site's Redis is gone.
    """
    _allow_many_files()
    planned = lanes(plan.topology, count, rate_per_s, seed)
    calls = [call for lane in planned for call in lane.calls]
    heard = _heard(planned)
    async with (
        lives(plan) as sites,
        ears(_EARS_HOST.format(instance=plan.instance), [call in heard for call in calls]) as (hearing, addresses),
    ):
        at = dict(zip(calls, addresses, strict=True))
        at_rest = await tasks_at_rest(sites)
        began = time.time()
        before = moment(client.ask(Request(do="status")).parts)
        callers = CallersCost(plan.state)
        async with beside(_tell(sites, say)), beside(_watch(callers)):
            placed = await _place(client, plan, planned, count / rate_per_s, at)
        after = moment(client.ask(Request(do="status")).parts)
        cost = burden(before, after, callers.seconds, time.time() - began)
        say("all callers are gone; the books …")
        evidence = await _evidence(client, plan, sites, placed, began, at_rest)
        sound = await asyncio.to_thread(_sound, plan, evidence, hearing, at)
    return Report(
        count=count,
        rate_per_s=rate_per_s,
        seed=seed,
        database=plan.database,
        books=compare(evidence, load_policy()),
        sound=sound,
        burden=cost,
        faults=tuple(_first_lines(one) for one in placed if one.run.faults),
    )


def _heard(planned: Sequence[Lane]) -> set[Planned]:
    """Choose whose sound is decoded: every twentieth call, among those that are answered."""
    answered = [call for lane in planned for call in lane.calls if call.ends not in UNHEARD]
    wanted = -(-sum(len(lane.calls) for lane in planned) // HEARD_EVERY)
    return set(answered[:: max(1, len(answered) // wanted)])


def _allow_many_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


# The calls ---------------------------------------------------------------------------------------------------


async def _place(
    client: LabClient, plan: LabPlan, planned: Sequence[Lane], span_s: float, at: dict[Planned, Address]
) -> list[_Placed]:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(len(planned)) as threads:

        async def one(lane: Lane) -> _Placed:
            await asyncio.sleep(lane.after_s)
            run = _run(plan, lane, span_s, at)
            return _Placed(lane, await loop.run_in_executor(threads, place_calls, client, plan, run))

        return list(await asyncio.gather(*(one(lane) for lane in planned)))


async def _watch(callers: CallersCost) -> None:
    while True:
        callers.look()
        await asyncio.sleep(LOOK_S)


def _run(plan: LabPlan, lane: Lane, span_s: float, at: dict[Planned, Address]) -> CallRun:
    return CallRun(
        city=lane.calls[0].city,
        script=lane.script,
        callers=tuple(_caller(plan, call, at[call]) for call in lane.calls),
        rate_per_s=lane.rate_per_s,
        limit_s=span_s + HELD_S + _AFTER_LAST_S,
    )


def _caller(plan: LabPlan, call: Planned, ear: Address) -> Caller:
    city = plan.topology.cities[call.city]
    source = city.trunk_groups[0].source
    keys = keys_for(city, call.dialect, call.business)
    return Caller(f"<sip:{call.number}@{source}>", ear, (keys, str(call.rating)), source)


async def _tell(sites: dict[SiteId, Live], say: Say) -> None:
    """Say now and then how things stand."""
    began = time.monotonic()
    while True:
        await asyncio.sleep(_TELL_S)
        lines = {site: await live.call("HLEN", LINES) for site, live in sites.items()}
        counts = ", ".join(f"{site} {count}" for site, count in lines.items())
        say(f"{time.monotonic() - began:4.0f} s: lines in use: {counts}")


def _first_lines(one: _Placed) -> str:
    return f"{', '.join(sorted({call.ends for call in one.lane.calls}))}: {one.run.faults[:600]}"


# The books ---------------------------------------------------------------------------------------------------


async def _evidence(
    client: LabClient,
    plan: LabPlan,
    sites: dict[SiteId, Live],
    placed: Sequence[_Placed],
    since: float,
    at_rest: Mapping[SiteId, int],
) -> Evidence:
    made = tuple(
        Made(call, result.is_scripted)
        for one in placed
        for call, result in zip(one.lane.calls, one.run.calls, strict=True)
    )
    heard = await hear_all(client, plan, sites, since, at_rest, within_s=_SETTLED_S)
    return Evidence(made, heard.accounting, heard.records, heard.journal, heard.ticket_calls, heard.leftovers)


def _sound(plan: LabPlan, evidence: Evidence, hearing: Ears, at: dict[Planned, Address]) -> Sound:
    records = {record.number[-_DIGITS:]: record for record in evidence.records}
    packets = hearing.packets()
    calls: list[Listened] = []
    for call, address in at.items():
        if call.ends not in UNHEARD:
            ear = hearing.opened.get(address)
            heard = listen(ear.datagrams, menu_s=MENU_S) if ear else None
            calls.append(Listened(call, packets[address], heard, records.get(call.number)))
    names = {one.record.recording for one in calls if one.heard and one.record and one.record.recording}
    folder = load_settings(plan.settings_file, {}).recordings
    recordings = {name: both_sides(folder / name) for name in names if (folder / name).exists()}
    return judge(calls, recordings)

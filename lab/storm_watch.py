"""Watching a site in a storm: its Redis and its nodes once a second, and every decision as the bus is told it."""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Final

from lab.plan import LabPlan
from lab.sandbox import Sandbox
from lab.storm_lines import Look
from tieline import bus
from tieline.errors import RemoteProtocolError, TielineError
from tieline.live import EVENTS, Live
from tieline.model import SiteId
from tieline.topology import Node, Site
from trunk_config.admission import LINES, MESSAGES
from trunk_config.decision_times import ByVerdict, fetch
from trunk_config.in_force import InForce, maybe_in_force
from trunk_config.render import edge_endpoint

LOOK_EVERY_S: Final = 1.0
_ASK_S: Final = 5.0
_FIELDS: Final = 14
_HANGUP: Final = "hangup"
"""The dialplan's context of the hang-up handler."""
_CONTEXT, _STATE, _CALL_ID, _UNIQUEID = 1, 4, -6, -1
"""Fields of a line of `core show channels concise` (Asterisk 22.10); only what an application was given, in the
middle, can hold their separator."""


class Watch:
    """What a site shows while it is watched.

    Args:
        plan: The lab.
        site: Which site.
        sites: Each site's Redis: a call may go to the other site.

    Attributes:
        looks: At lines and channels.
        decision_times: What the site's AGI servers had counted, look by look.
        arrivals: Every decision that a site's Redis made.
        by_node: Calls that a node let in by its own count.
    """

    def __init__(self, plan: LabPlan, site: Site, sites: Mapping[SiteId, Live]) -> None:
        self._plan, self._site, self._sites = plan, site, sites
        self._live = sites[site.id]
        self._callers = tuple(f"PJSIP/{edge_endpoint(edge)}-" for edge in plan.topology.edges)
        self._box = Sandbox(plan.root, writable=(plan.state,))
        self.looks: list[Look] = []
        self.decision_times: list[Mapping[int, ByVerdict]] = []
        self.arrivals: list[bus.CallArrived] = []
        self.by_node: list[bus.LineHeld] = []

    async def run(self) -> None:
        """Watch until cancelled; a part that is away is part of what is seen."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._look_again_and_again())
            for live in self._sites.values():
                tasks.create_task(self._listen(live))

    async def _look_again_and_again(self) -> None:
        while True:
            began = time.monotonic()
            self.looks.append(await self._look())
            await asyncio.sleep(max(0.1, began + LOOK_EVERY_S - time.monotonic()))

    async def _look(self) -> Look:
        at = time.time()
        (in_force, leases, messages), nodes = await asyncio.gather(
            self._redis(), asyncio.gather(*(self._answered(node) for node in self._site.nodes))
        )
        return Look(at, in_force, leases, messages, {key: call for node in nodes for key, call in node.items()})

    async def _redis(self) -> tuple[InForce | None, Mapping[str, str] | None, int]:
        """Read all in one exchange: the commands of one turn travel together."""
        try:
            in_force, flat, messages, times = await asyncio.gather(
                maybe_in_force(self._live),
                self._live.call("HGETALL", LINES),
                self._live.call("HLEN", MESSAGES),
                fetch(self._live, len(self._site.agi)),
            )
        except TielineError:
            return None, None, 0
        self.decision_times.append(times)
        return in_force, _leases(flat), int(messages)

    async def _answered(self, node: Node) -> dict[str, str]:
        """Ask a node for its answered callers; one that is dead has none."""
        conf = self._plan.state / "conf" / node.id / "etc/asterisk/asterisk.conf"
        asking = await asyncio.create_subprocess_exec(
            *self._box.command(("asterisk", "-C", str(conf), "-rx", "core show channels concise")),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(_ASK_S):
                output, _ = await asking.communicate()
        except TimeoutError:
            return {}
        finally:
            if asking.returncode is None:
                asking.kill()
                await asking.wait()
        return answered_callers(output.decode(errors="replace"), self._callers)

    async def _listen(self, live: Live) -> None:
        """Read the bus on, across every restart of Redis: ids are times, so they go on growing."""
        after = ""
        while True:
            try:
                after = after or await live.last_id()
                entries = await live.read(EVENTS, after, block_ms=500)
            except TielineError:
                await asyncio.sleep(0.1)
                continue
            for entry, raw in entries:
                after = entry
                with contextlib.suppress(RemoteProtocolError):
                    self._take(bus.decode_event(raw))

    def _take(self, event: bus.Event) -> None:
        if isinstance(event, bus.CallArrived):
            self.arrivals.append(event)
        elif isinstance(event, bus.LineHeld):
            self.by_node.append(event)


def answered_callers(listing: str, callers: Sequence[str]) -> dict[str, str]:
    """Read the call id of each answered caller, by Uniqueid, from `core show channels concise`. Pure.

    Args:
        listing: What Asterisk wrote.
        callers: How names of callers' channels begin.
    """
    found: dict[str, str] = {}
    for line in listing.splitlines():
        fields = line.split("!")
        if len(fields) < _FIELDS or fields[_CONTEXT] == _HANGUP:
            continue  # in its hang-up handler: the caller is gone, and has given his line back
        if fields[_STATE] == "Up" and line.startswith(tuple(callers)):
            found[fields[_UNIQUEID]] = fields[_CALL_ID]
    return found


def _leases(flat: Sequence[bytes]) -> dict[str, str]:
    pairs = zip(flat[::2], flat[1::2], strict=True)
    return {uniqueid.decode(): lease.split(b" ")[0].decode() for uniqueid, lease in pairs}

"""The acting matcher, killed or frozen in the middle of calls, and how long it takes until the other one acts."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from typing import Final

from lab.client import LabClient
from lab.errors import LabError
from lab.parts import PartState
from lab.plan import matcher_parts
from lab.root import Say
from lab.supervisor import PartStatus, Request
from routing.keys import HEARTBEAT_KEY, LEASE
from tieline import bus
from tieline.errors import RemoteProtocolError
from tieline.live import Live
from tieline.model import SiteId
from tieline.streams import commands_stream
from tieline.topology import Site, Topology

KILL: Final = "kill"
"""SIGKILL; the supervisor starts it again."""
FREEZE: Final = "freeze"
"""SIGSTOP; after 3 s the supervisor's watchdog kills it."""
THAW: Final = "freeze and thaw"
"""SIGSTOP, and SIGCONT before the watchdog: it goes on with what it had in mind."""
WAYS: Final = (KILL, THAW, FREEZE)
FROZEN_S: Final = 2.2
_STANDBY_S: Final = 30.0
_LIMIT_S: Final = 10.0
_LOOK_S: Final = 0.01
_ASK_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class MatcherFault:
    """An acting matcher that was made to fail.

    Attributes:
        at: Unix seconds.
        acts_after_s: Seconds until the other one acted, None for not within 10 s.
    """

    site: str
    part: str
    how: str
    at: float
    acts_after_s: float | None


class MatcherFaults:
    """Makes the matchers of a lab fail.

    Args:
        client: The lab.
        topology: The network.
        lives: Each site's Redis.
        say: Gets each line of progress.
    """

    def __init__(self, client: LabClient, topology: Topology, lives: Mapping[SiteId, Live], say: Say) -> None:
        self._client = client
        self._topology = topology
        self._lives = lives
        self._say = say
        self.made: list[MatcherFault] = []

    async def break_in_turn(self, count: int, every_s: float) -> None:
        """Make `count` faults, `every_s` apart if the parts are up again by then, of the sites in turn.

        Raises:
            LabError: A standby did not come up.
        """
        sites, ways = cycle(self._topology.sites.values()), cycle(WAYS)
        for _ in range(count):
            turn = time.monotonic()
            self.made.append(await self._break(next(sites), next(ways)))
            await asyncio.sleep(max(0.0, turn + every_s - time.monotonic()))

    async def halt(self, site: Site) -> None:
        """Stop all matchers of a site and keep them stopped."""
        for part in matcher_parts(site):
            await self._ask("kill", part)
            await self._ask("halt", part)

    async def start(self, site: Site) -> None:
        """Start them again; returns when one acts."""
        for part in matcher_parts(site):
            await self._ask("start", part)
        since = time.time()
        async with asyncio.timeout(_STANDBY_S):
            while float(await self._lives[site.id].call("GET", HEARTBEAT_KEY) or 0) < since:  # noqa: ASYNC110 - a key
                await asyncio.sleep(_ASK_S)

    async def _break(self, site: Site, how: str) -> MatcherFault:
        part, holder = await self._acting(site)
        at = time.time()
        await self._ask("kill" if how == KILL else "freeze", part)
        thawing = asyncio.create_task(self._thaw(part, at)) if how == THAW else None
        after_s = await self._acts_after(site, holder, at)
        if thawing:
            await thawing
        self._say(f"{how}: {part}; the other one acts after {after_s} s")
        return MatcherFault(site.id, part, how, at, after_s)

    async def _thaw(self, part: str, at: float) -> None:
        await asyncio.sleep(max(0.0, at + FROZEN_S - time.time()))
        await self._ask("thaw", part)

    async def _acting(self, site: Site) -> tuple[str, bytes]:
        """Find the acting matcher and who holds the lease, once the other one is there to take over.

        Raises:
            LabError: It does not come up.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_STANDBY_S):
                while True:
                    parts = [one for one in await self._parts() if one.name in matcher_parts(site)]
                    holder: bytes = await self._lives[site.id].call("GET", LEASE) or b""
                    acting = [one.name for one in parts if f":{one.pid}:".encode() in holder]
                    if acting and all(one.state is PartState.READY for one in parts):
                        return acting[0], holder
                    await asyncio.sleep(_ASK_S)
        raise LabError(f"the matchers of {site.id} are not both up")

    async def _acts_after(self, site: Site, holder: bytes, at: float) -> float | None:
        """Wait until another holds the lease and has done the first thing: asked the node for a snapshot."""
        live, stream = self._lives[site.id], commands_stream(site.nodes[0].id)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LIMIT_S):
                while await live.call("GET", LEASE) in (None, holder):  # noqa: ASYNC110 - a lease tells nobody
                    await asyncio.sleep(_LOOK_S)
                while True:
                    for entry, raw in await live.read(stream, f"{round(at * 1000)}-0", block_ms=100):
                        with suppress(RemoteProtocolError):
                            if isinstance(bus.decode_command(raw), bus.TakeSnapshot):
                                return round(int(entry.partition("-")[0]) / 1000 - at, 3)
        return None

    async def _parts(self) -> Sequence[PartStatus]:
        return (await asyncio.to_thread(self._client.ask, Request(do="status"))).parts

    async def _ask(self, what: str, part: str) -> None:
        await asyncio.to_thread(self._client.ask, Request(do=what, name=part), timeout_s=60)

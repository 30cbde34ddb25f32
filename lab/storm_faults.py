"""What is done to a site in the middle of a storm: parts killed in turn, and a change of its quotas over HTTP."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import aiohttp

from lab.client import LabClient
from lab.errors import LabError
from lab.plan import LabPlan, agi_part, python_parts
from lab.root import Say
from lab.supervisor import Request
from tieline.database import Database
from tieline.model import CityId
from tieline.principal import Principal, Role
from tieline.settings import load_settings
from tieline.tokens import Tokens
from tieline.topology import Site

KILLS: Final = ("agi", "bridge", "redis", "node")
DOWN_S: Final = 6.0
"""Redis stays down for so long: enough for the nodes to fill what their own count lets in."""
_START_S: Final = 120.0
_CHANGE_S: Final = 10.0
_ADMIN: Final = Principal(role=Role.ADMIN, city=None, site=None, name="drill")


@dataclass(frozen=True, slots=True)
class Killed:
    """A part that was killed, at a Unix time; `what` is one of `KILLS`."""

    what: str
    part: str
    at: float


def victims(site: Site) -> Mapping[str, str]:
    """Name the part of a site behind each word of `KILLS`: of its AGI servers the first, of its nodes the last."""
    names = (agi_part(site, 0), python_parts(site)[0], f"redis-{site.id}", site.nodes[-1].id)
    return dict(zip(KILLS, names, strict=True))


async def kill_in_turn(
    client: LabClient, site: Site, kills: Sequence[str], every_s: float, killed: list[Killed], say: Say
) -> None:
    """Kill one part after the other, `every_s` apart; each gets into `killed` as it dies.

    Raises:
        LabError: A part was not there, or did not come up again.
    """
    for what in kills:
        turn = time.monotonic()
        part = victims(site)[what]
        say(f"SIGKILL: {part}")
        killed.append(Killed(what, part, time.time()))
        await asyncio.to_thread(client.ask, Request(do="kill", name=part))
        if what == "redis":  # the Python parts are started again at once, as systemd would do it
            await asyncio.sleep(DOWN_S)
            await _start(client, part)
        await asyncio.sleep(max(0.0, turn + every_s - time.monotonic()))
        if what == "node":  # dead until the next turn: its lines must be free without it
            await _start(client, part)


async def _start(client: LabClient, part: str) -> None:
    await asyncio.to_thread(client.ask, Request(do="start", name=part), timeout_s=_START_S)


@dataclass(frozen=True, slots=True)
class QuotasChanged:
    """A change that was made.

    Attributes:
        version: The new one.
        asked_at: When the request was sent, Unix seconds.
        answered_at: When its answer was there.
    """

    version: int
    asked_at: float
    answered_at: float


async def change_quotas(plan: LabPlan, site: Site, cities: Mapping[CityId, Mapping[str, int]]) -> QuotasChanged:
    """Change shares of a site over its HTTP API, with a token made for it.

    Args:
        plan: The lab.
        site: Whose quotas.
        cities: New numbers by city.

    Raises:
        LabError: The console refused, or did not answer.
    """
    url = f"http://{site.console}/api/v1/sites/{site.id}/quotas"
    token = await asyncio.to_thread(_token, plan)
    limits = aiohttp.ClientTimeout(total=_CHANGE_S)
    try:
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}, timeout=limits) as http:
            async with http.get(url) as answer:
                base = (await answer.json())["version"]
            body = {"base": base, "why": "drill: a change in the storm", "cities": cities, "confirmed": True}
            asked_at = time.time()
            async with http.patch(url, json=body) as answer:
                told = await answer.json()
            answered_at = time.time()
    except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError) as error:
        raise LabError(f"the console of {site.id} did not change the quotas: {error!r}") from error
    if "version" not in told:
        raise LabError(f"the console of {site.id} refused: {told}")
    return QuotasChanged(told["version"]["version"], asked_at, answered_at)


def _token(plan: LabPlan) -> str:
    database = Database(load_settings(plan.settings_file, {}).database_url, deadline_s=_CHANGE_S)
    try:
        return Tokens(database).new(_ADMIN, by=_ADMIN).text
    finally:
        database.close()

"""`/api/v1/sites/{site}/forecast`: lines that each city needs, and the loss to be expected."""

import asyncio
from collections.abc import Collection
from functools import partial
from typing import Final

import msgspec
from aiohttp import web

from console.access import sender
from console.api_quota import desk_of, must_cover
from console.errors import Refusal
from console.keys import PARTS, STORE
from console.measured_load import DAYS, DAYS_AT_MOST, measured_load
from console.operations import Number, Operation, Words
from console.query import number_of
from tieline.errors import ConfigError, Problem
from tieline.faults import Faults
from trunk_config.erlang import LOAD_AT_MOST
from trunk_config.forecast import Comparison, compare
from trunk_config.loads import FACTOR_AT_MOST, ByCity, parse_by_city
from trunk_config.profiles import Profile
from trunk_config.site_desk import SiteDesk

_PROFILE: Final = Words("profile", "A profile to compare with what is in force.", "")
_WHAT_IF: Final = Words("what_if", "Loads to multiply, e.g. `fuzhou=12,putian=3`.", "")
_LOAD: Final = Words("load", "Offered loads in Erlang instead of measured ones, e.g. `fuzhou=12.4,putian=4.9`.", "")
_DAYS: Final = Number("days", "How many days back the load is measured.", 1, DAYS_AT_MOST, DAYS)


async def forecast(request: web.Request) -> web.Response:
    """Foretell the loss of each city under the quotas in force and, beside it, under a profile.

    The load is that of the busy hour: the median of the busiest hours of the last days. 503 as long as no call ended.
    """
    parts, desk = request.app[PARTS], desk_of(request)
    must_cover(await sender(request), desk)
    days = number_of(request, _DAYS)
    try:
        proposed, factors, loads = _asked(request, desk)
        told = "given"
        if not loads:
            loads, told = await measured_load(
                request.app[STORE], desk.topology, desk.site, days=days, now=parts.clock()
            )
        present = await desk.newest()
        work = partial(compare, desk.topology, present, proposed, loads, factors=factors, loads_from=told)
        found = await asyncio.to_thread(work)  # some hundredths of a second; with thousands of lines, seconds
    except ConfigError as error:
        what = str(error).partition("\n")[0]
        raise Refusal(400, "bad_request", what, "mend every problem", problems=error.problems) from None
    return web.Response(body=msgspec.json.encode(found), content_type="application/json")


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/v1/sites/{site}/forecast",
        name="forecast",
        handler=forecast,
        answer=Comparison,
        parameters=(_PROFILE, _WHAT_IF, _LOAD, _DAYS),
        refusals=((400, "The query is wrong: every reason is in `problems`."),),
    ),
)


def _asked(request: web.Request, desk: SiteDesk) -> tuple[Profile | None, ByCity, ByCity]:
    """Read the profile, the factors and the loads of the query.

    Raises:
        ConfigError: With everything that is wrong with them.
    """
    proposed: Profile | None = None
    factors: ByCity = {}
    loads: ByCity = {}
    faults = Faults()
    cities = desk.topology.cities
    with faults.kept():
        proposed = _maybe_profile(desk.profiles, _text(request, _PROFILE))
    with faults.kept():
        factors = parse_by_city(_text(request, _WHAT_IF), cities, most=FACTOR_AT_MOST, what=_WHAT_IF.name)
    with faults.kept():
        loads = parse_by_city(_text(request, _LOAD), cities, most=LOAD_AT_MOST, what=_LOAD.name)
    faults.refuse_if_any("query")
    return proposed, factors, loads


def _text(request: web.Request, parameter: Words) -> str:
    return request.query.get(parameter.name, parameter.default)


def _maybe_profile(profiles: Collection[Profile], name: str) -> Profile | None:
    """Find the profile that was named, if one was.

    Raises:
        ConfigError: There is none of this name.
    """
    found = next((profile for profile in profiles if profile.name == name), None)
    if name and found is None:
        mend = "use one of " + ", ".join(profile.name for profile in profiles)
        raise ConfigError("query", [Problem("profile", f"unknown: {name[:40]}", mend)])
    return found

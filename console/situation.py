"""What the page shows of the situation outside: notices of outages by place, and how cities call. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ivr_prompts.notice import Cause, Notice, place_key
from tieline import bus
from tieline.topology import Topology
from trunk_config.surge import State


class NoticeView(msgspec.Struct, frozen=True, kw_only=True):
    """A notice as callers are told it; times are Unix seconds, `county` is empty for the whole city."""

    city: str
    county: str
    cause: str
    until: float
    since: float


class SurgeView(msgspec.Struct, frozen=True, kw_only=True):
    """How a city calls, when that is not calmly.

    Attributes:
        state: rising or surge.
        since: Unix seconds.
        calls: Calls of the last five minutes when this was told.
        usual: Calls that are usual in five minutes at that hour.
        proposal: `profile <name>`, `divert <site>` or nothing.
    """

    city: str
    state: str
    since: float
    calls: int
    usual: float
    proposal: str


Notices = Mapping[str, NoticeView]
"""By place, `city` or `city/county`."""
Surges = Mapping[str, SurgeView]
"""By city; a calm one is not there."""


def notices_of(notices: Iterable[Notice]) -> Notices:
    """Show notices that are known from elsewhere."""
    return {
        notice.key: NoticeView(
            city=notice.city, county=notice.county, cause=notice.cause, until=notice.until, since=notice.since
        )
        for notice in notices
    }


def noticed(notices: Notices, event: bus.NoticeChanged) -> Notices:
    """Take in that the notice of a place changed, or is gone."""
    key = place_key(event.city, event.county)
    others = {place: view for place, view in notices.items() if place != key}
    if not event.cause:
        return others
    view = NoticeView(city=event.city, county=event.county, cause=event.cause, until=event.until, since=event.since)
    return {**others, key: view}


def surged(surges: Surges, event: bus.SurgeChanged) -> Surges:
    """Take in how a city calls now."""
    others = {city: view for city, view in surges.items() if city != event.city}
    if event.state == State.CALM:
        return others
    view = SurgeView(
        city=event.city,
        state=event.state,
        since=event.at,
        calls=event.calls,
        usual=event.usual,
        proposal=event.proposal,
    )
    return {**others, event.city: view}


def names(topology: Topology, causes: Mapping[str, Cause]) -> dict[str, Any]:
    """Give the names that notices need, as plain JSON values."""
    return {
        "counties": {county.id: county.name for city in topology.cities.values() for county in city.counties},
        "causes": [{"id": cause.id, "name": cause.name, "english": cause.english} for cause in causes.values()],
    }

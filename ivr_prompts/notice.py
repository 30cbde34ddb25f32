"""A notice: what is known of an outage of a city or one of its counties. Pure, but for loading the causes.

One record for everybody: the command line writes it today, the outage register will write the same. A city or county
has one notice at a time; its place is its name (`key`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from ivr_prompts.texts import DATA
from tieline.errors import Problem
from tieline.model import CityId
from tieline.toml_file import TomlFile
from tieline.topology import Topology

LONGEST_S: Final = 7 * 86400
"""A notice ends after a week at the latest: nobody knows more, and a forgotten one must not be told for ever."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """An outage as callers and agents are told of it.

    Attributes:
        city: Id of the city.
        county: Id of a county of that city, or empty: the whole city.
        cause: Id out of `data/causes.toml`.
        until: When power is expected back, Unix seconds. The notice is gone then.
        by: Who wrote it.
        since: When it was written, Unix seconds.
    """

    city: str
    county: str = ""
    cause: str
    until: float
    by: str
    since: float

    @property
    def key(self) -> str:
        """Name of its place: `city` or `city/county`."""
        return place_key(self.city, self.county)


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause that a notice may name; `name` is Chinese."""

    id: str
    name: str
    english: str


def place_key(city: str, county: str) -> str:
    """Name a place as the copies of notices do."""
    return f"{city}/{county}" if county else city


def load_causes(path: Path = DATA / "causes.toml") -> Mapping[str, Cause]:
    """Read the closed list of causes (its sentences are checked with the other texts).

    Raises:
        ConfigError: The file is faulty.
    """
    file = TomlFile(path)
    group = file.root.table("cause")
    tables = {name: group.table(name) for name in group.names()}
    causes = {name: Cause(name, table.text("text"), table.text("english")) for name, table in tables.items()}
    file.refuse_if_faulty()
    return causes


def faults(notice: Notice, topology: Topology, causes: Mapping[str, Cause]) -> Iterator[Problem]:
    """Yield everything that is wrong with a notice about to be written (at `notice.since`)."""
    yield from place_faults(topology, notice.city, notice.county)
    if notice.cause not in causes:
        yield Problem("cause", f"unknown cause {notice.cause!r}", "use one of " + ", ".join(causes))
    if not notice.until > notice.since:
        yield Problem("until", "the end is in the past", "give a time to come")
    elif notice.until > notice.since + LONGEST_S:
        yield Problem("until", "the end is more than 7 days away", "give an earlier time and set it again later")


def place_faults(topology: Topology, city: str, county: str) -> Iterator[Problem]:
    """Yield what is wrong with the place of a notice."""
    known = topology.cities.get(CityId(city))
    if known is None:
        yield Problem("city", f"unknown city {city!r}", "use one of " + ", ".join(topology.cities))
        return
    counties = [found.id for found in known.counties]
    if county and county not in counties:
        yield Problem("county", f"{city} has no county {county!r}", "use one of " + ", ".join(counties))


def of_city(notices: Iterable[Notice], city: str, now: float) -> tuple[Notice, ...]:
    """Give a city's notices that hold at `now`: the one of the whole city first, then the newest."""
    found = (notice for notice in notices if notice.city == city and notice.until > now)
    return tuple(sorted(found, key=lambda notice: (bool(notice.county), -notice.since, notice.county)))


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final[msgspec.json.Decoder[Notice]] = msgspec.json.Decoder(Notice)


def encode(notice: Notice) -> bytes:
    """Encode a notice for its copy in Redis."""
    return _ENCODER.encode(notice)


def decoded(copies: Iterable[bytes]) -> Iterator[Notice]:
    """Decode copies; one that is none is passed over, because callers can be told the others."""
    for copy in copies:
        try:
            yield _DECODER.decode(copy)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue

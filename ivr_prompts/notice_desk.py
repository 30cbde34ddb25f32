"""The desk where notices are written: checked, stored and audited in one transaction; refused attempts as well."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ivr_prompts import store
from ivr_prompts.notice import LONGEST_S, Cause, Notice, faults, place_faults, place_key
from tieline import audit
from tieline.clock import Clock, iso_utc, system_clock
from tieline.database import Connection, Database
from tieline.errors import Problem
from tieline.model import CityId
from tieline.moment import read_moment
from tieline.principal import Principal, Role
from tieline.refused import DeskName, Kind, Refused
from tieline.topology import Topology

WRITERS: Final = frozenset((Role.ADMIN, Role.OPERATOR, Role.SUPERVISOR, Role.INTEGRATOR))
"""Who may write notices of the cities that he covers; the outage register is an integrator."""

_SET: Final = "notice.set"
_CLEAR: Final = "notice.clear"
_REFUSED: Final = "notice.refuse"


def covers_city(by: Principal, topology: Topology, city: str) -> bool:
    """Tell whether somebody's scope holds a city; who is bound to a site covers the cities that it serves."""
    known = topology.cities.get(CityId(city))
    return any(by.covers(city=CityId(city), site=site) for site in (known.sites if known else (by.site,)))


class NoticeDesk:
    """Writes notices. Its methods block: in a coroutine use a thread.

    Args:
        database: With the schema made.
        topology: Which places there are.
        causes: Which causes there are.
        clock: For tests.
    """

    def __init__(
        self, database: Database, topology: Topology, causes: Mapping[str, Cause], *, clock: Clock = system_clock
    ) -> None:
        self._database = database
        self._topology = topology
        self._causes = causes
        self._clock = clock

    def set(self, city: str, county: str, *, cause: str, until: float | str, by: Principal) -> Notice:
        """Write the notice of a place; it takes the place of an older one.

        Args:
            city: Id of the city.
            county: Id of one of its counties, or empty for the whole city.
            cause: Id of the cause.
            until: When power is expected back: Unix seconds, or a text for `tieline.moment.read_moment`.
            by: Who says so.

        Raises:
            Refused: With everything that is wrong; nothing was changed.
            TielineError: As `Database.transaction`.
        """
        now = self._clock()
        end, about_end = _end(until, now)
        notice = Notice(city=city, county=county, cause=cause, until=end, by=by.name[:120], since=now)
        problems = [*faults(notice, self._topology, self._causes), *about_end]
        kind, problems = self._judged(by, city, problems)
        with self._database.transaction() as connection:
            if problems:
                self._audit(connection, by, _REFUSED, notice.key, after=_reasons(problems))
            else:
                former = store.put_notice(connection, notice)
                self._audit(connection, by, _SET, notice.key, before=_maybe_told(former), after=_told(notice))
        if problems:
            raise Refused(DeskName.NOTICES, kind, f"notice for {notice.key} not set", problems)
        return notice

    def clear(self, city: str, county: str, *, by: Principal) -> Notice:
        """Remove the notice of a place before its end; gives it. Errors as `set`."""
        key = place_key(city, county)
        kind, problems = self._judged(by, city, list(place_faults(self._topology, city, county)))
        with self._database.transaction() as connection:
            former = None if problems else store.take_notice(connection, city, county)
            if former is None:
                kind = kind if problems else Kind.MISSING
                problems = problems or [Problem(key, "there is no notice", "look at `tieline notice list`")]
                self._audit(connection, by, _REFUSED, key, after=_reasons(problems))
            else:
                self._audit(connection, by, _CLEAR, key, before=_told(former))
        if former is None:
            raise Refused(DeskName.NOTICES, kind, f"notice for {key} not cleared", problems)
        return former

    def unreadable(self, city: str, county: str, problems: Sequence[Problem], *, by: Principal) -> Refused:
        """Audit an attempt that could not even be read as a notice, and give its refusal.

        Raises:
            TielineError: As `Database.transaction`.
        """
        key = place_key(city, county)
        with self._database.transaction() as connection:
            self._audit(connection, by, _REFUSED, key, after=_reasons(problems))
        return Refused(DeskName.NOTICES, Kind.UNREADABLE, f"notice for {key} not set", problems)

    def all(self) -> Sequence[Notice]:
        """List the notices that hold now, by place."""
        with self._database.transaction(reading=True) as connection:
            return store.fetch_notices(connection, self._clock())

    def _judged(self, by: Principal, city: str, problems: list[Problem]) -> tuple[Kind, list[Problem]]:
        """Give what speaks against a change; who may not make it learns nothing else."""
        forbidden = list(self._about_right(by, city))
        return (Kind.FORBIDDEN, forbidden) if forbidden else (Kind.INVALID, problems)

    def _about_right(self, by: Principal, city: str) -> Iterator[Problem]:
        if by.role not in WRITERS:
            mend = "ask somebody with role " + " or ".join(sorted(WRITERS))
            yield Problem(f"role {by.role}", "may not write notices", mend)
        elif not covers_city(by, self._topology, city):
            yield Problem(f"scope {by.city or by.site}", f"does not cover {city}", "use a token that covers the city")

    def _audit(
        self,
        connection: Connection,
        by: Principal,
        action: str,
        key: str,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        subject = f"place:{''.join(letter if letter.isprintable() else '?' for letter in key)}"
        audit.record(connection, by, action, subject, before=before, after=after, clock=self._clock)


def _end(until: float | str, now: float) -> tuple[float, list[Problem]]:
    """Read the end; one that cannot be read leaves an end that is no fault of its own."""
    if not isinstance(until, str):
        return until, []
    try:
        return read_moment(until, now), []
    except ValueError as error:
        return now + LONGEST_S, [Problem("until", str(error))]


def _told(notice: Notice) -> dict[str, Any]:
    return {"cause": notice.cause, "until": iso_utc(notice.until)}


def _maybe_told(notice: Notice | None) -> dict[str, Any] | None:
    return _told(notice) if notice else None


def _reasons(problems: Sequence[Problem]) -> dict[str, Any]:
    return {"problems": [str(problem) for problem in problems]}

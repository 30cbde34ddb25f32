"""The desk where quotas are changed: checked, written as a new version, audited; refused attempts are audited, too.

Two who change at once take turns (the site's rows are locked), so the second one is judged against what the first
one left, and told of it. A version with an end time ends with the first transaction after it, whoever asks first:
nothing needs to have run meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any, Final

from tieline import audit
from tieline.clock import Clock, iso_utc, system_clock
from tieline.database import Connection, Database
from tieline.errors import Problem
from tieline.model import SiteId
from tieline.principal import Principal, Role
from tieline.refused import Refused
from tieline.topology import Topology
from trunk_config import store
from trunk_config.change import Change, PutOn, SetShares, Situation, Undo
from trunk_config.judge import check_right, check_site, judge, restored
from trunk_config.profiles import NORMAL, Profiles
from trunk_config.quota import faults
from trunk_config.versions import QuotaVersion, former

SYSTEM: Final = Principal(role=Role.ADMIN, city=None, site=None, name="tieline")
"""Who makes a site's first version, and brings a former one back."""

_ACTIONS: Final = {SetShares: "quota.set", PutOn: "quota.profile", Undo: "quota.undo"}
_REFUSED: Final = "quota.refuse"


def first_version(profiles: Profiles, site: SiteId, now: float, *, version: int = 1) -> QuotaVersion:
    """Give what is in force at a site before anybody changed anything: the file's `normal`.

    Args:
        profiles: Of the file.
        site: Whose.
        now: Unix seconds.
        version: 0 as long as SQL was never asked, so that any version of SQL takes its place.
    """
    quotas = profiles[site, NORMAL].quotas
    why = f"profile `{NORMAL}` of the file"
    return QuotaVersion(site=site, version=version, profile=NORMAL, quotas=quotas, by=SYSTEM.name, why=why, at=now)


class Desk:
    """Changes the quotas of every site in SQL; putting them in force is `trunk_config.in_force`.

    Args:
        database: With the schema made.
        topology: The network.
        profiles: Of the file.
        clock: For tests.
    """

    def __init__(
        self, database: Database, topology: Topology, profiles: Profiles, *, clock: Clock = system_clock
    ) -> None:
        self._database = database
        self._topology = topology
        self._profiles = profiles
        self._clock = clock

    def take_network(self, topology: Topology) -> None:
        """Judge by another network from now on."""
        self._topology = topology

    async def newest(self, site: SiteId) -> QuotaVersion:
        """Fetch what is to be in force now: makes the first version, and ends one that is over.

        Raises:
            Refused: There is no such site.
            TielineError: As `Database.transaction`.
        """
        check_site(self._topology, site)
        found = await self._database.run(partial(store.fetch_newest, site=site), reading=True)
        if found is not None and not found.is_over(self._clock()):
            return found
        return await self._database.run(partial(self._current, site=site))

    async def history(self, site: SiteId, *, newest: int = 20) -> Sequence[QuotaVersion]:
        """Fetch a site's versions, the newest first; errors as `newest`."""
        await self.newest(site)
        return await self._database.run(partial(store.fetch_history, site=site, newest=newest), reading=True)

    async def change(self, change: Change, by: Principal) -> QuotaVersion:
        """Make a new version, or none.

        Raises:
            Refused: With every reason; nothing was changed, and the attempt is in the audit trail.
            TielineError: As `Database.transaction`. After DeadlineExceeded it is not known whether it was made.
        """
        made = await self._database.run(partial(self._change, change=change, by=by))
        if isinstance(made, Refused):
            raise made
        return made

    async def note_unreadable(self, site: SiteId, by: Principal, problems: Sequence[Problem]) -> None:
        """Audit an attempt that could not even be read as a change."""
        await self._database.run(partial(audit_unreadable, site=site, by=by, problems=problems, clock=self._clock))

    def _change(self, connection: Connection, change: Change, by: Principal) -> QuotaVersion | Refused:
        before: QuotaVersion | None = None
        try:
            check_site(self._topology, change.site)
            check_right(by, change.site)
            before = self._current(connection, change.site)
            made = judge(change, by, self._situation(connection, change, before))
        except Refused as refused:
            self._audit_refusal(connection, change, by, refused)
            return refused
        store.add_version(connection, made)
        self._audit(connection, by, _ACTIONS[type(change.what)], before, made)
        return made

    def _situation(self, connection: Connection, change: Change, newest: QuotaVersion) -> Situation:
        named = [change.base, newest.version - 1]
        if isinstance(change.what, Undo) and change.what.to is not None:
            named.append(change.what.to)
        there = [number for number in named if 1 <= number <= newest.version]  # a column takes no huge number
        known = store.fetch_versions(connection, change.site, there)
        return Situation(
            topology=self._topology, profiles=self._profiles, newest=newest, known=known, now=self._clock()
        )

    def _current(self, connection: Connection, site: SiteId) -> QuotaVersion:
        """Lock the site's versions and give the newest, after making the first one or ending one that is over."""
        first = first_version(self._profiles, site, self._clock())
        if store.add_first(connection, first):
            self._audit(connection, SYSTEM, "quota.first", None, first)
        newest = store.fetch_newest(connection, site, lock=True) or first
        return self._return(connection, newest) if newest.is_over(self._clock()) else newest

    def _return(self, connection: Connection, over: QuotaVersion) -> QuotaVersion:
        """Bring back what was in force before a version that is over.

        The network may have changed since then: what does not fit it any more gives way to the file's `normal`.
        """
        now = self._clock()
        past = former(over, self._led_to(connection, over), now)
        made = restored(over, past, by=SYSTEM.name, now=now)
        if any(faults(self._topology, over.site, made.quotas)):
            first = first_version(self._profiles, over.site, now)
            why = f"end time of version {over.version}: version {past.version} does not fit the network any more"
            made = replace(first, version=over.version + 1, why=why)
        store.add_version(connection, made)
        self._audit(connection, SYSTEM, "quota.return", over, made)
        return made

    def _led_to(self, connection: Connection, over: QuotaVersion) -> dict[int, QuotaVersion]:
        """Fetch every version that an end time leads back to, from one to the next."""
        known: dict[int, QuotaVersion] = {}
        number = over.returns_to
        while number is not None:
            known |= store.fetch_versions(connection, over.site, [number])
            number = known[number].returns_to
        return known

    def _audit(
        self,
        connection: Connection,
        by: Principal,
        action: str,
        before: QuotaVersion | None,
        after: QuotaVersion,
    ) -> None:
        audit.record(
            connection,
            by,
            action,
            _subject(after.site),
            before=_told(before) if before else None,
            after=_told(after),
            why=after.why,
            clock=self._clock,
        )

    def _audit_refusal(self, connection: Connection, change: Change, by: Principal, refused: Refused) -> None:
        asked = {**asdict(change.what), "base": change.base, "until": change.until, "confirmed": change.confirmed}
        told = {"asked": asked, "kind": refused.kind, "problems": [str(problem) for problem in refused.problems]}
        audit.record(
            connection,
            by,
            _REFUSED,
            _subject(change.site),
            after=told,
            why=audit.storable(change.why),
            clock=self._clock,
        )


def audit_unreadable(
    connection: Connection,
    site: SiteId,
    by: Principal,
    problems: Sequence[Problem],
    clock: Clock = system_clock,
) -> None:
    """Audit an attempt that could not be judged: it could not be read, or the file of the profiles is faulty."""
    told = {"problems": [str(problem) for problem in problems]}
    audit.record(connection, by, _REFUSED, _subject(site), after=told, clock=clock)


def _subject(site: SiteId) -> str:
    return f"site:{site}"


def _told(version: QuotaVersion) -> Mapping[str, Any]:
    return {
        "version": version.version,
        "profile": version.profile,
        "until": iso_utc(version.until) if version.until is not None else None,
        "quotas": {city: [quota.reserve, quota.cap] for city, quota in version.quotas.items()},
    }

"""The desk where ladders are changed: checked, written as a new version, audited; refused attempts are audited, too.

The ladders are the same for every site, since both sites' matchers compute the same choice. The acting matchers look
for a new version twice a second (`routing.ladder_follower`).
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from routing import store
from routing.agents import Agent
from routing.ladder_file import DATA, ladders_in
from routing.ladder_versions import LadderVersion, difference, not_changed
from routing.ladders import LadderSet
from tieline import audit
from tieline.clock import Clock, system_clock
from tieline.database import Connection, Database, StatementRefused
from tieline.errors import ConfigError, Problem, TielineError
from tieline.model import AgentId
from tieline.principal import Principal, Role
from tieline.refused import Kind, Refused
from tieline.toml_file import TomlFile
from tieline.topology import Topology

CHANGERS: Final = frozenset((Role.ADMIN, Role.SUPERVISOR))
LONGEST: Final = 12_000
"""Characters of a file: three times what ships, and what a request of the API may hold."""
_SUBJECT: Final = "routing:ladders"
_REFUSED: Final = "ladders.refuse"
_FILE: Final = Path("ladders.toml")
_MAKER: Final = "tieline"


class LadderDesk:
    """Changes the ladders of all sites.

    Args:
        database: With the schema made.
        topology: Which dialects there are.
        agents: Those of all sites: a ladder that they cannot fill is refused.
        clock: For tests.
    """

    def __init__(
        self, database: Database, topology: Topology, agents: Mapping[AgentId, Agent], *, clock: Clock = system_clock
    ) -> None:
        self._database = database
        self._topology = topology
        self._agents = agents
        self._clock = clock

    def read(self, version: LadderVersion, *, kept: bool = True) -> LadderSet:
        """Read what a version says: one that was put before, or one that is to be put (not `kept`).

        Raises:
            ConfigError: With every fault: of a version in force, the network or the agents are others since.
        """
        file = TomlFile(_FILE, version.text)
        return ladders_in(file, self._topology, self._agents, version=version.version, kept=kept)

    async def in_force(self, otherwise: LadderSet) -> LadderSet:
        """Fetch the ladders in force; `otherwise` when SQL is away, or they do not fit the network any more."""
        try:
            return self.read(await self.version())
        except TielineError:
            return otherwise

    async def newest_number(self) -> int:
        """Fetch the number of the version in force; errors as `Database.run`."""
        return await self._database.run(store.fetch_newest_number, reading=True)

    async def version(self, number: int | None = None) -> LadderVersion:
        """Fetch a version, without a number the one in force.

        Raises:
            Refused: There is none with this number.
            TielineError: As `Database.run`.
        """
        return await self._database.run(partial(self._fetch, number=number), reading=True)

    async def history(self, *, newest: int = 20) -> Sequence[LadderVersion]:
        """Fetch the versions, the newest first, last what ships; errors as `Database.run`."""
        found = await self._database.run(partial(store.fetch_history, newest=newest), reading=True)
        return [*found, *([shipped()] if len(found) < newest else [])]

    async def put(self, text: str, *, why: str, base: int | None, by: Principal) -> LadderVersion:
        """Make a new version of a file's text, or none.

        Args:
            text: The whole file.
            why: The reason, 1 to 400 characters.
            base: The version that was seen; None for whatever is in force.
            by: Who asks.

        Raises:
            Refused: With every reason; nothing was changed, and the attempt is in the audit trail.
            TielineError: As `Database.run`. After DeadlineExceeded it is not known whether it was made.
        """
        return await self._changed(text, None, why=why, base=base, by=by)

    async def undo(self, to: int | None, *, why: str, base: int | None, by: Principal) -> LadderVersion:
        """Bring the text of a former version back as a new one: of `to`, or of the one before the newest.

        Errors and arguments as `put`.
        """
        return await self._changed(None, to, why=why, base=base, by=by)

    async def note_unreadable(self, by: Principal, problems: Sequence[Problem]) -> Refused:
        """Audit an attempt that could not even be read as a change, and give its refusal."""
        refused = not_changed(Kind.UNREADABLE, problems)
        await self._database.run(partial(self._audit_refusal, refused=refused, why="", by=by))
        return refused

    async def _changed(
        self, text: str | None, to: int | None, *, why: str, base: int | None, by: Principal
    ) -> LadderVersion:
        work = partial(self._change, text=text, to=to, why=why, base=base, by=by)
        try:
            made = await self._database.run(work)
        except StatementRefused:  # another one became the next version in the same moment
            made = await self._database.run(work)
        if isinstance(made, Refused):
            raise made
        return made

    def _change(
        self, connection: Connection, *, text: str | None, to: int | None, why: str, base: int | None, by: Principal
    ) -> LadderVersion | Refused:
        """Judge and write; a refusal is given back, not raised: its line in the audit trail must last."""
        newest, kept = self._fetch(connection, None), text is None
        try:
            _check_right(by)
            if text is None:
                text = self._fetch(connection, newest.version - 1 if to is None else to).text
            made = LadderVersion(
                version=newest.version + 1, text=text, by=by.name[:120], why=why, at=round(self._clock(), 3)
            )
            self._check(connection, made, newest, newest.version if base is None else base, kept=kept)
        except Refused as refused:
            self._audit_refusal(connection, refused=refused, why=why, by=by)
            return refused
        store.add_version(connection, made)
        told = {"version": made.version, "difference": difference(newest, made)}
        before = {"version": newest.version}
        action = "ladders.undo" if kept else "ladders.put"
        audit.record(connection, by, action, _SUBJECT, before=before, after=told, why=why, clock=self._clock)
        return made

    def _check(
        self, connection: Connection, made: LadderVersion, newest: LadderVersion, base: int, *, kept: bool
    ) -> None:
        problems = [*audit.about_why(made.why), *self._faults(made, kept=kept)]
        if made.text == newest.text:
            problems.append(Problem("text", "nothing would change", f"version {newest.version} is the same"))
        if base != newest.version:
            problems.insert(0, Problem("base", f"{base} is not in force, {newest.version} is", "look at it first"))
            seen = self._maybe_fetch(connection, base)
            lines = difference(seen, newest) if seen else ()
            raise not_changed(Kind.STALE, problems, newest=newest.version, difference=lines)
        if problems:
            raise not_changed(Kind.INVALID, problems, newest=newest.version)

    def _faults(self, version: LadderVersion, *, kept: bool) -> Sequence[Problem]:
        if len(version.text) > LONGEST or "\0" in version.text:
            return [Problem("text", f"longer than {LONGEST} characters, or with a NUL", "is this the right file?")]
        try:
            self.read(version, kept=kept)
        except ConfigError as error:
            return error.problems
        return []

    def _fetch(self, connection: Connection, number: int | None) -> LadderVersion:
        if number is None:
            found = store.fetch_history(connection, newest=1)
            return found[0] if found else shipped()
        known = self._maybe_fetch(connection, number)
        if known is None:
            problem = Problem("version", f"there is no version {number}", "look at the history")
            raise not_changed(Kind.INVALID, [problem])
        return known

    @staticmethod
    def _maybe_fetch(connection: Connection, number: int) -> LadderVersion | None:
        if not 0 < number < 1 << 31:  # a column takes no huge number
            return shipped() if number == 0 else None
        return store.fetch_version(connection, number)

    def _audit_refusal(self, connection: Connection, *, refused: Refused, why: str, by: Principal) -> None:
        told: dict[str, Any] = {"kind": refused.kind, "problems": [str(problem) for problem in refused.problems]}
        why = audit.storable(why)
        audit.record(connection, by, _REFUSED, _SUBJECT, after=told, why=why, clock=self._clock)


def shipped() -> LadderVersion:
    """Give the ladders that ship with Tieline: in force until somebody puts others."""
    return LadderVersion(
        version=0, text=DATA.read_text(encoding="utf-8"), by=_MAKER, why="ships with Tieline", at=0.0
    )


def _check_right(by: Principal) -> None:
    """Refuse who may not change ladders: they are the same for all cities and sites."""
    if by.role not in CHANGERS:
        mend = "ask somebody with role " + " or ".join(sorted(CHANGERS))
        raise not_changed(Kind.FORBIDDEN, [Problem(f"role {by.role}", "may not change ladders", mend)])
    if not by.covers():
        scope = by.city or by.site
        mend = "use a token that is bound to no city and no site"
        raise not_changed(Kind.FORBIDDEN, [Problem(f"scope {scope}", "ladders are the same everywhere", mend)])

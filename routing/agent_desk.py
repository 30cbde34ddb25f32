"""The desk where agents are looked at, and asked to log in, to take a break, to be ready: checked and audited.

A wish goes into the trail, then onto the bus of the agent's site, where the matcher takes it. Failure policy: without
SQL nobody changes another one's state; an agent's own wish does not wait for it.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import msgspec
import structlog

from routing.agents import Agent
from routing.keys import SEATS
from routing.seats import EMPTY, Seat
from routing.wishes import ASKABLE, Reason, Wish
from tieline import audit, bus
from tieline.clock import Clock, system_clock
from tieline.database import Database
from tieline.errors import ConnectionLost, DeadlineExceeded
from tieline.live import Live
from tieline.model import AgentId, AgentState, Business, CityId, CountyId, DialectId, Level, SiteId
from tieline.principal import Principal, Role
from tieline.refused import DeskName, Kind, Refused
from tieline.rows import readable

CHIEFS: Final = frozenset((Role.ADMIN, Role.SUPERVISOR))
"""Who may change the state of every agent of his scope; an agent changes his own."""
LONGEST_S: Final = 12 * 3600.0
_SESSION_LENGTH: Final = 64

_log = structlog.get_logger("agents")
_refused: Final = partial(Refused, DeskName.AGENTS)


class AgentShown(msgspec.Struct, frozen=True, kw_only=True):
    """An agent and what he is doing.

    Attributes:
        until: When the state ends by itself, Unix seconds, 0 for never.
        idle_since: Of a ready agent, when he became ready, Unix seconds.
        reason: The call's id when offered or talking, why when not ready.
        node: A node that holds his phone, or empty.
        logged_in: Whether a log-in stands; without log-in control nobody needs one.
        cities: Where he knows his way about; `counties`: more closely.
    """

    id: AgentId
    site: SiteId
    name: str
    state: AgentState
    reason: str
    until: float
    idle_since: float
    node: str
    logged_in: bool
    dialects: Mapping[DialectId, Level]
    business: Mapping[Business, Level]
    cities: Sequence[CityId]
    counties: Sequence[CountyId]


class AgentWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked about an agent.

    Attributes:
        wish: login, logout, ready or not_ready.
        reason: Why not ready: short_break, meal, training; supervisor for chiefs alone, and the agent cannot end it.
        until: When he is ready again by himself, Unix seconds, within 12 hours; 0 for never.
        session: Names the log-in of the agent's desk; the newest one counts.
    """

    wish: Wish
    reason: str = ""
    until: float = 0.0
    session: str = ""


class AgentDesk:
    """The agents of one site.

    Args:
        site: Whose.
        live: The site's Redis.
        database: With the schema made; for the audit trail.
        agents: Of all sites.
        clock: For tests.
    """

    def __init__(
        self,
        site: SiteId,
        live: Live,
        database: Database,
        agents: Mapping[AgentId, Agent],
        *,
        clock: Clock = system_clock,
    ) -> None:
        self._live = live
        self._database = database
        self._agents = {agent.id: agent for agent in agents.values() if agent.site == site}
        self._clock = clock

    async def all(self) -> Sequence[AgentShown]:
        """List the site's agents, by id.

        Raises:
            TielineError: Redis is away.
        """
        seats = await fetch_seats(self._live)
        return [_shown(self._agents[agent], seats.get(agent, EMPTY)) for agent in sorted(self._agents)]

    async def one(self, agent: str) -> AgentShown:
        """Show one agent.

        Raises:
            Refused: There is none of that id at this site.
            TielineError: Redis is away.
        """
        known = self._known(agent)
        return _shown(known, (await fetch_seats(self._live)).get(known.id, EMPTY))

    async def ask(self, agent: str, wish: AgentWish, *, by: Principal) -> None:
        """Pass a wish on. It takes effect within a moment; during a talk, after its wrap-up.

        Raises:
            Refused: It is not allowed, or makes no sense; nothing was changed.
            TielineError: Redis is away, or SQL when it is about somebody else.
        """
        now = self._clock()
        if not _may_ask(by, agent):
            raise _refused(Kind.FORBIDDEN, f"role {by.role} may not change the state of {agent!r}")
        known = self._known(agent)
        if by.role in CHIEFS and not by.covers(site=known.site):
            raise _refused(Kind.FORBIDDEN, f"the agents of {known.site} are beyond the scope of {by.name}")
        if problem := _problem(wish, by, now):
            raise _refused(Kind.INVALID, problem)
        asked = bus.AgentAsked(
            at=now,
            agent=agent,
            wish=wish.wish,
            reason=wish.reason,
            until=wish.until,
            by=by.name,
            session=wish.session,
        )
        try:
            await self._record(agent, wish, by)
        except (ConnectionLost, DeadlineExceeded) as error:
            if by.role is not Role.AGENT:
                raise
            _log.warning(
                "agent's own wish without a line in the trail", agent=agent, wish=wish.wish, error=str(error)
            )
        await self._live.tell(asked)

    async def _record(self, agent: str, wish: AgentWish, by: Principal) -> None:
        after = {"reason": wish.reason, "until": wish.until}
        note = partial(
            audit.record,
            principal=by,
            action=f"agent.{wish.wish}",
            subject=f"agent:{agent}",
            after=after,
            clock=self._clock,
        )
        await self._database.run(note)

    def _known(self, agent: str) -> Agent:
        known = self._agents.get(AgentId(agent))
        if known is None:
            raise _refused(Kind.MISSING, f"no agent {agent!r} at this site")
        return known


async def fetch_seats(live: Live) -> Mapping[AgentId, Seat]:
    """Fetch the seats that the site's matcher keeps.

    Raises:
        TielineError: Redis is away.
    """
    return {AgentId(agent): seat for agent, seat in readable(await live.call("HGETALL", SEATS), Seat).items()}


def _may_ask(by: Principal, agent: str) -> bool:
    return by.role in CHIEFS or (by.role is Role.AGENT and by.name == agent)


def _problem(wish: AgentWish, by: Principal, now: float) -> str:
    """Give what speaks against a wish, or nothing."""
    if wish.wish is not Wish.NOT_READY:
        return "reason and until are of not_ready alone" if wish.reason or wish.until else _about_session(wish)
    allowed = [str(reason) for reason in ASKABLE if reason is not Reason.SUPERVISOR or by.role in CHIEFS]
    if wish.reason not in allowed:
        return f"reason: {wish.reason!r} is none of {', '.join(allowed)}"
    if wish.until and not now < wish.until <= now + LONGEST_S:
        return "until: not within the next 12 hours"
    return _about_session(wish)


def _about_session(wish: AgentWish) -> str:
    known = wish.session.isascii() and wish.session.isprintable() and len(wish.session) <= _SESSION_LENGTH
    return "" if known else f"session: not printable ASCII of at most {_SESSION_LENGTH} characters"


def _shown(agent: Agent, seat: Seat) -> AgentShown:
    return AgentShown(
        id=agent.id,
        site=agent.site,
        name=agent.name,
        state=seat.state,
        reason=seat.reason,
        until=seat.until,
        idle_since=seat.idle_since,
        node=seat.node,
        logged_in=bool(seat.wishes.standing.logged_in),
        dialects=agent.dialects,
        business=agent.business,
        cities=sorted(agent.cities),
        counties=sorted(agent.counties),
    )

"""The desk where transfers are asked for: checked and audited, then told to the matcher of the site.

The answer says that the transfer is on its way: the caller leaves his talk within a moment, and the call's decisions
(`tieline route explain`) tell who took him on. Of a consultation it says that the second phone is dialled. What the
call's site knows of a talk, and what it answers, counts at the desk of another site, too: read from the copy of its
Redis. Failure policy: without SQL only an agent's own caller is moved; while that copy is away only at once.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

import msgspec
import structlog

from routing.agent_desk import CHIEFS, fetch_seats
from routing.agents import Agent
from routing.consult_answer import UNHEARD, in_words, refusal_of
from routing.keys import OFFERS, POOL
from routing.offers import Offer, Step
from tieline import audit, bus
from tieline.clock import Clock, system_clock
from tieline.database import Database
from tieline.errors import ConnectionLost, DeadlineExceeded
from tieline.live import Live
from tieline.model import AgentId, AgentState, Business, SiteId
from tieline.principal import Principal, Role
from tieline.refused import DeskName, Kind, Refused

AGENT: Final = "agent"
BUSINESS: Final = "business"
FORMS: Final = "agent:<agent> or business:<business>[:<dialect>]"

_log = structlog.get_logger("transfers")
_refused: Final = partial(Refused, DeskName.CALLS)


class Transfer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a caller is to go on.

    Attributes:
        to: `agent:<agent>`, or `business:<business>` with `:<dialect>` after it if that is to be another one; of
            `blind` and `consult` alone.
        step: blind: at once. consult: the agent talks with another one first, then complete, join (all three talk)
            or back.
    """

    to: str = ""
    step: Step = Step.BLIND


class TransferDesk:
    """Transfers of callers who talk at one site, or with one of its agents.

    Args:
        site: Whose bus is told.
        live: The site's Redis.
        database: With the schema made; for the audit trail.
        agents: Of all sites.
        abroad: The Redis of other sites, or copies of it: the sites whose callers may talk with agents of this one.
        consults: Whether agents can consult one another: the agent's leg listens for that only in talks that are
            recorded (`TL_TALK` in the dialplan).
        clock: For tests.
    """

    def __init__(
        self,
        site: SiteId,
        live: Live,
        database: Database,
        agents: Mapping[AgentId, Agent],
        *,
        abroad: Mapping[SiteId, Live] = MappingProxyType({}),
        consults: bool = True,
        clock: Clock = system_clock,
    ) -> None:
        self._site = site
        self._live = live
        self._database = database
        self._agents = agents
        self._lives = {**abroad, site: live}
        self._consults = consults
        self._clock = clock

    async def ask(self, call: str, wanted: Transfer, *, by: Principal) -> None:
        """Pass a step on.

        Whether another site's agent is ready is not known here: when he is not, who fits best takes on a caller who
        is sent to him, and a consultation is refused by the matchers.

        Raises:
            Refused: It is not allowed, or makes no sense; nothing was changed.
            TielineError: Redis is away, or SQL when it is about somebody else's caller.
        """
        offer = await self._talk(call, wanted.step)
        if problem := _not_for(by, offer):
            raise _refused(Kind.FORBIDDEN, problem)
        asked = self._read(wanted, offer, by.name)
        await self._check_ready(AgentId(asked.to_agent))
        try:
            await self._record(call, offer.agent, wanted, by)
        except (ConnectionLost, DeadlineExceeded) as error:
            if by.role is not Role.AGENT:
                raise
            _log.warning("agent's own transfer without a line in the trail", call_id=call, error=str(error))
        if wanted.step is Step.CONSULT:
            await self._consult(asked, offer.call.site)
        else:
            await self._live.tell(asked)

    async def _consult(self, asked: bus.TransferAsked, home: SiteId) -> None:
        """Ask, and wait until the second agent's phone is dialled; the answer is told at the call's site, `home`.

        Raises:
            Refused: It does not begin; caller and first agent talk on.
        """
        there, second = self._lives[home], AgentId(asked.to_agent)
        since = await there.last_id()
        await self._live.tell(asked)
        refused = await refusal_of(there, asked.call_id, second, since)
        if refused:
            site = home if refused == UNHEARD else self._agents[second].site
            raise _refused(Kind.CONFLICT, in_words(second, site, refused))

    async def _talk(self, call: str, step: Step) -> Offer:
        """Find the talk of a call, as the call's site knows it."""
        offer = await self._offer_here(call)
        if offer.call.site != self._site:
            offer = await self._offer_at_home(offer, step)
        if not offer.talks:
            raise _refused(Kind.CONFLICT, f"{call} is being offered to {offer.agent}, it does not talk yet")
        return offer

    async def _offer_here(self, call: str) -> Offer:
        raw = await self._live.call("HGET", OFFERS, call)
        if raw is not None:
            return msgspec.json.decode(raw, type=Offer)
        if await self._live.call("HEXISTS", POOL, call):
            raise _refused(Kind.CONFLICT, f"{call} waits for an agent, it does not talk")
        raise _refused(Kind.MISSING, f"no call {call!r} in a talk at {self._site}")

    async def _offer_at_home(self, offer: Offer, step: Step) -> Offer:
        """Read again of another site's caller: that site decides, and it alone knows of a consultation."""
        home, call = offer.call.site, offer.call.call_id
        try:
            raw = await self._lives[home].call("HGET", OFFERS, call)
        except (KeyError, ConnectionLost, DeadlineExceeded):
            if step is Step.BLIND:  # it may be heard all the same
                return offer
            raise _refused(Kind.CONFLICT, f"{home}, whose caller this is, is not seen now") from None
        if raw is None:
            raise _refused(Kind.MISSING, f"no call {call!r} in a talk at {home}")
        return msgspec.json.decode(raw, type=Offer)

    def _read(self, wanted: Transfer, offer: Offer, by: str) -> bus.TransferAsked:
        """Read what is wanted, and see whether anybody there can help."""
        _check_step(wanted, offer)
        if wanted.step is Step.CONSULT and not self._consults:
            raise _refused(
                Kind.INVALID,
                "step: nobody can be consulted where talks are not recorded (setting `recording`): the agent's leg"
                " listens for it in recorded talks only; hand the caller over at once (blind)",
            )
        if wanted.step not in (Step.BLIND, Step.CONSULT):
            return bus.TransferAsked(
                at=self._clock(), call_id=offer.call.call_id, agent=offer.agent, step=wanted.step, by=by
            )
        to = wanted.to
        kind, *parts = to.split(":")
        business, dialect, agent = str(offer.call.need.business), str(offer.call.need.dialect), ""
        match kind, parts:
            case "agent", [agent]:
                pass
            case "business", [business]:
                pass
            case "business", [business, dialect]:
                pass
            case _:
                raise _refused(Kind.INVALID, f"to: {to!r} is not {FORMS}")
        if business not in set(Business):
            raise _refused(Kind.INVALID, f"to: {business!r} is none of {', '.join(Business)}")
        self._check_able(agent, business, dialect, offer)
        if wanted.step is Step.CONSULT and not agent:
            raise _refused(Kind.INVALID, "to: consulted is one agent, by name")
        return bus.TransferAsked(
            at=self._clock(),
            call_id=offer.call.call_id,
            agent=offer.agent,
            step=wanted.step,
            to_agent=agent,
            business=business,
            dialect=dialect,
            by=by,
        )

    def _check_able(self, agent: str, business: str, dialect: str, offer: Offer) -> None:
        dialects = {spoken for one in self._agents.values() for spoken in one.dialects}
        if dialect not in dialects:
            raise _refused(Kind.INVALID, f"to: nobody speaks {dialect!r}")
        able = [
            one.id for one in self._agents.values() if one.trained_for(Business(business)) and one.id != offer.agent
        ]
        if not agent:
            if not able:
                raise _refused(Kind.CONFLICT, f"nobody else is trained for {business}")
        elif AgentId(agent) not in self._agents:
            raise _refused(Kind.INVALID, f"to: no agent {agent!r}")
        elif agent == offer.agent:
            raise _refused(Kind.CONFLICT, f"{agent} talks with this caller already")
        elif agent not in able:
            raise _refused(Kind.CONFLICT, f"{agent} is not trained for {business}")

    async def _check_ready(self, agent: AgentId) -> None:
        known = self._agents.get(agent)
        if known is None or known.site != self._site:
            return
        seat = (await fetch_seats(self._live)).get(agent)
        state = seat.state if seat else AgentState.OFFLINE
        if state is not AgentState.READY:
            raise _refused(Kind.CONFLICT, f"{agent} is {state}")

    async def _record(self, call: str, agent: AgentId, wanted: Transfer, by: Principal) -> None:
        note = partial(
            audit.record,
            principal=by,
            action="call.transfer",
            subject=f"call:{call}",
            after={"from": agent, "step": wanted.step, "to": wanted.to},
            clock=self._clock,
        )
        await self._database.run(note)


def _check_step(wanted: Transfer, offer: Offer) -> None:
    begins = wanted.step in (Step.BLIND, Step.CONSULT)
    if begins and offer.second:
        raise _refused(Kind.CONFLICT, f"{offer.agent} consults {offer.second}")
    if not begins and not offer.second:
        raise _refused(Kind.CONFLICT, f"{offer.agent} consults nobody")
    if not begins and wanted.to:
        raise _refused(Kind.INVALID, "to is of blind and consult alone")


def _not_for(by: Principal, offer: Offer) -> str:
    """Tell why somebody may not move a caller, or nothing."""
    if by.role is Role.AGENT:
        return "" if by.name == offer.agent else "this is another agent's caller"
    if by.role not in CHIEFS:
        return f"role {by.role} may not transfer calls"
    need = offer.call.need
    return "" if by.covers(city=need.city, site=offer.call.site) else f"the call is beyond the scope of {by.name}"

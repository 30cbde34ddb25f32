"""`/api/v1/agents`, `/groups`, `/pool`: who is at work, who waits, and wishes about agents."""

from collections.abc import Sequence
from typing import Final

import msgspec
from aiohttp import web

from console.access import recognised, sender
from console.body import Unreadable, read_body
from console.errors import Refusal
from console.keys import AGENTS, LADDERS, PARTS
from console.operations import Operation, Words
from routing.agent_desk import AgentShown, AgentWish
from routing.groups import Group
from routing.pool_view import PoolShown, fetch_pool
from tieline.model import AgentState
from tieline.refused import DeskName, Kind, Refused

_GROUP: Final = Words("group", "Only members of a group, by its id.", "")
_STATE: Final = Words("state", "Only those in one state, e.g. `ready`.", "")


class AgentList(msgspec.Struct, frozen=True):
    """Agents of this site, by id."""

    agents: Sequence[AgentShown]


class GroupList(msgspec.Struct, frozen=True):
    """Groups with their members."""

    groups: Sequence[Group]


class WishTaken(msgspec.Struct, frozen=True):
    """The wish is on its way; the new state is told by `GET /api/v1/agents/{agent}` and on the live socket."""

    agent: str
    wish: str


async def listed(request: web.Request) -> web.Response:
    """List the agents of this site with what they are doing."""
    await sender(request)
    found = await request.app[AGENTS].all()
    members, state = _members(request), request.query.get(_STATE.name, _STATE.default)
    if state and state not in set(AgentState):
        raise Refusal(400, "bad_request", "state: no state of an agent", "use one of " + ", ".join(AgentState))
    shown = [one for one in found if (members is None or one.id in members) and state in ("", one.state)]
    return _answer(AgentList(shown))


async def one(request: web.Request) -> web.Response:
    """Show one agent; an agent may look at himself."""
    by, agent = await recognised(request), request.match_info["agent"]
    if by.name != agent or by.role != "agent":
        await sender(request)
    return _answer(await request.app[AGENTS].one(agent))


async def ask(request: web.Request) -> web.Response:
    """Ask for another state of an agent: log-in, log-out, ready, not ready.

    An agent asks for himself, a supervisor for everybody of his site. During a talk a wish waits for the end of its
    wrap-up; `ready` ends a wrap-up. Two log-ins of one agent: the newest session counts, wishes of the older one
    change nothing.
    """
    by, agent = await recognised(request), request.match_info["agent"]
    try:
        wish = read_body(await request.read(), AgentWish)
    except Unreadable as error:
        raise Refused(DeskName.AGENTS, Kind.UNREADABLE, "not a wish", error.problems) from None
    await request.app[AGENTS].ask(agent, wish, by=by)
    return _answer(WishTaken(agent, wish.wish))


async def groups(request: web.Request) -> web.Response:
    """List the groups of agents, of all sites."""
    await sender(request)
    return _answer(GroupList(list(request.app[PARTS].staff.groups.values())))


async def pool(request: web.Request) -> web.Response:
    """List who waits at this site: how long, at which step of the ladder, and which agents could take the call.

    A token of one city sees the calls of that city alone.
    """
    by, parts = await sender(request), request.app[PARTS]
    ladders = await request.app[LADDERS].in_force(parts.staff.ladders)
    found = await fetch_pool(parts.live, parts.staff.of(parts.site), ladders, parts.clock())
    seen = [call for call in found.waiting if by.city in (None, call.city)]
    return _answer(PoolShown(at=found.at, waiting=seen))


def _members(request: web.Request) -> Sequence[str] | None:
    wanted, known = request.query.get(_GROUP.name, _GROUP.default), request.app[PARTS].staff.groups
    if not wanted:
        return None
    if wanted not in known:
        raise Refusal(404, "not_found", "no such group", "look at GET /api/v1/groups")
    return known[wanted].members


def _answer(what: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(what), content_type="application/json")


_AGENT: Final = "/api/v1/agents/{agent}"

OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/v1/agents",
        name="listAgents",
        handler=listed,
        answer=AgentList,
        parameters=(_GROUP, _STATE),
        refusals=((400, "The query is wrong."),),
    ),
    Operation(method="GET", path=_AGENT, name="getAgent", handler=one, answer=AgentShown),
    Operation(
        method="POST",
        path=f"{_AGENT}/wishes",
        name="askOfAgent",
        handler=ask,
        takes=AgentWish,
        answer=WishTaken,
        refusals=((422, "`invalid`: the wish makes no sense. `unreadable`: no JSON, or not of this form."),),
    ),
    Operation(method="GET", path="/api/v1/groups", name="listGroups", handler=groups, answer=GroupList),
    Operation(method="GET", path="/api/v1/pool", name="getPool", handler=pool, answer=PoolShown),
)

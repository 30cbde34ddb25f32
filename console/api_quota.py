"""`/api/v1/sites/{site}/quotas`: look at the quotas of this console's site, change them, undo.

Who may change is the desk's to say, and to write down: an attempt of somebody who may not is in the audit trail.
"""

from dataclasses import replace
from typing import Final, TypeVar

import msgspec
from aiohttp import web

from console.access import recognised, sender
from console.body import Unreadable, read_body
from console.errors import Refusal
from console.keys import QUOTAS
from console.operations import Handler, Number, Operation
from console.query import number_of
from console.schemas import ChangeAsked, History, ProfileAsked, ProfileList, SharesAsked, UndoAsked
from tieline.principal import Principal
from tieline.refused import Kind
from trunk_config.change import Change, PutOn, SetShares, Undo, not_changed
from trunk_config.site_desk import Changed, SiteDesk
from trunk_config.standing import Standing

Asked = TypeVar("Asked", bound=ChangeAsked)

_NEWEST: Final = Number("newest", "How many versions at most.", 1, 1000, 20)


async def show(request: web.Request) -> web.Response:
    """Tell how the site stands: what is in force, in use, kept and free.

    A token of one city sees the row of that city alone.
    """
    principal = await sender(request)
    standing = await desk_of(request).standing()
    if principal.city is not None:
        rows = tuple(row for row in standing.cities if row.city == principal.city)
        standing = replace(standing, cities=rows)
    return _answer(standing)


async def history(request: web.Request) -> web.Response:
    """List the versions of the quotas, the newest first: who, when, why."""
    desk = desk_of(request)
    must_cover(await sender(request), desk)
    return _answer(History(await desk.history(newest=number_of(request, _NEWEST))))


async def profiles(request: web.Request) -> web.Response:
    """List the profiles of the site."""
    desk = desk_of(request)
    must_cover(await sender(request), desk)
    return _answer(ProfileList(desk.profiles))


async def set_shares(request: web.Request) -> web.Response:
    """Give some cities other shares; the others keep theirs.

    The first call after the answer is decided by the new version; calls in progress are not touched.
    """
    by, desk = await recognised(request), desk_of(request)
    asked = await _asked(request, desk, by, SharesAsked)
    return await _changed(desk, by, asked, SetShares(asked.cities), until=asked.until)


async def put_on(request: web.Request) -> web.Response:
    """Put a profile on, for ever or until a time."""
    by, desk = await recognised(request), desk_of(request)
    asked = await _asked(request, desk, by, ProfileAsked)
    return await _changed(desk, by, asked, PutOn(asked.profile), until=asked.until)


async def undo(request: web.Request) -> web.Response:
    """Bring the content of a former version back, as a new version."""
    by, desk = await recognised(request), desk_of(request)
    asked = await _asked(request, desk, by, UndoAsked)
    return await _changed(desk, by, asked, Undo(asked.to), until=None)


_PATH: Final = "/api/v1/sites/{site}/quotas"


def _change(method: str, path: str, name: str, handler: Handler, takes: type) -> Operation:
    return Operation(
        method=method,
        path=path,
        name=name,
        handler=handler,
        takes=takes,
        answer=Changed,
        refusals=(
            (
                409,
                "`stale_base`: others changed the quotas meanwhile, see `difference`. `confirm`: a city loses half.",
            ),
            (422, "`invalid`: every reason is in `problems`. `unreadable`: no JSON, or not of this form."),
        ),
    )


OPERATIONS: Final = (
    Operation(method="GET", path=_PATH, name="showQuotas", handler=show, answer=Standing),
    _change("PATCH", _PATH, "setShares", set_shares, SharesAsked),
    _change("POST", f"{_PATH}/profile", "putOnProfile", put_on, ProfileAsked),
    _change("POST", f"{_PATH}/undo", "undoQuotas", undo, UndoAsked),
    Operation(method="GET", path=f"{_PATH}/profiles", name="listProfiles", handler=profiles, answer=ProfileList),
    Operation(
        method="GET",
        path=f"{_PATH}/history",
        name="listQuotaVersions",
        handler=history,
        answer=History,
        parameters=(_NEWEST,),
        refusals=((400, "The query is wrong."),),
    ),
)


def desk_of(request: web.Request) -> SiteDesk:
    """Give the desk of the site in the path.

    Raises:
        Refusal: 404, it is not this console's.
    """
    desk, site = request.app[QUOTAS], request.match_info["site"]
    if site != desk.site:
        raise Refusal(404, "not_found", f"this is the console of {desk.site}", "use the console of that site")
    return desk


def must_cover(principal: Principal, desk: SiteDesk) -> None:
    """Let nobody by whose token is bound to one city; raises Refusal 403."""
    if not principal.covers(site=desk.site):
        raise Refusal(403, "forbidden", f"a token of {principal.city} does not see this", "use one of the site")


async def _asked(request: web.Request, desk: SiteDesk, by: Principal, form: type[Asked]) -> Asked:
    """Read the request's body.

    Raises:
        Refused: It cannot be read; the attempt is audited.
    """
    try:
        return read_body(await request.read(), form)
    except Unreadable as error:
        await desk.note_unreadable(by, error.problems)
        raise not_changed(desk.site, Kind.UNREADABLE, error.problems) from None


async def _changed(
    desk: SiteDesk,
    by: Principal,
    asked: ChangeAsked,
    what: SetShares | PutOn | Undo,
    *,
    until: float | str | None,
) -> web.Response:
    change = Change(site=desk.site, what=what, why=asked.why, base=asked.base, until=until, confirmed=asked.confirmed)
    return _answer(await desk.change(change, by))


def _answer(what: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(what), content_type="application/json")

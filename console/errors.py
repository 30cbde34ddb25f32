"""Every failure as JSON of one form: `{"error": …, "message": …, "hint": …}`."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
import structlog
from aiohttp import web

from console.schemas import ErrorTold
from tieline.errors import AuthFailed, TielineError
from tieline.refused import DeskName, Kind, Refused

_log = structlog.get_logger("console")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""On every answer: the pages load nothing from elsewhere, and no proxy keeps what they show."""


class Refusal(TielineError):
    """A request that is answered with an error.

    Attributes:
        status: HTTP status.
        told: What the client gets.
    """

    def __init__(self, status: int, code: str, message: str, hint: str, **more: Any) -> None:
        """Remember what the client is told; `more` is for the further fields of `ErrorTold`."""
        super().__init__(message)
        self.status = status
        self.told = ErrorTold(error=code, message=message, hint=hint, **more)

    @property
    def code(self) -> str:
        """One word for programs."""
        return self.told.error

    def body(self) -> str:
        """Render the JSON that the client gets."""
        return msgspec.json.encode(self.told).decode()


def refusal_of(error: TielineError) -> Refusal:
    """Translate an error of ours for the client."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, AuthFailed):
        hint = "send `Authorization: Bearer <token>`; make a token with `tieline token new --role monitor`"
        return Refusal(401, "unauthorized", str(error) or "no token", hint)
    if isinstance(error, Refused):
        return _of_refused(error)
    if error.retryable:
        return Refusal(503, "unavailable", "a part that is needed does not answer", "try again in some seconds")
    return Refusal(500, "internal", "the request could not be answered", "look in the log of the console")


_THE_FORM: Final = "the form is in /api/v1/openapi.json"
_TOLD: Final = {
    Kind.INVALID: (422, "mend every problem, then ask again"),
    Kind.UNREADABLE: (422, _THE_FORM),
    Kind.FORBIDDEN: (403, "use a token whose role and scope allow it"),
    Kind.MISSING: (404, "look at what is there, then ask again"),
    Kind.CONFLICT: (409, "look at GET /api/v1/agents, then ask again"),
    Kind.STALE: (409, "look at the difference, then ask again with the newest version as base"),
    Kind.CONFIRM: (409, "ask again with `confirmed`: true"),
}
"""With which status each kind is refused, and what helps the client."""
_HINTS_AT: Final = {
    (DeskName.LADDERS, Kind.STALE): "look at the lines, then ask again with the newest version as base",
    (DeskName.NOTICES, Kind.MISSING): "look at GET /api/v1/notices",
    (DeskName.AGENTS, Kind.MISSING): "look at GET /api/v1/agents; those of another site are at its console",
    (DeskName.CALLS, Kind.MISSING): "calls of another site are at its console; agents: GET /api/v1/agents",
    (DeskName.CALLBACKS, Kind.MISSING): "look at GET /api/v1/callbacks",
    (DeskName.AGENTS, Kind.INVALID): _THE_FORM,
    (DeskName.CALLS, Kind.INVALID): _THE_FORM,
}
"""What helps at one desk, where that is something else."""


def _of_refused(refused: Refused) -> Refusal:
    """Translate what a desk refuses; how a client mends it is said in the words of the API."""
    status, hint = _TOLD[refused.kind]
    hint = _HINTS_AT.get((refused.desk, refused.kind), hint)
    changed = "lines" if refused.desk is DeskName.LADDERS else "difference"
    more = {"newest": refused.newest or 0, "problems": refused.problems, changed: refused.changed}
    return Refusal(status, str(refused.kind), refused.what, hint, **more)


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every failure in the one form, and put the security headers on every answer."""
    try:
        response = await handler(request)
    except web.HTTPException as error:
        hints = {404: "see /api/v1/openapi.json", 405: "use a method of the header Allow"}
        hint = hints.get(error.status, "correct the request")
        response = _answer(Refusal(error.status, error.reason.lower().replace(" ", "_"), error.reason, hint))
        response.headers.update({name: error.headers[name] for name in ("Allow",) if name in error.headers})
    except TielineError as error:
        refusal = refusal_of(error)
        if refusal.status >= 500:
            _log.warning("request failed", path=request.path, error=str(error))
        response = _answer(refusal)
    except Exception:  # noqa: BLE001 - a request's top frame: its client is told, the process goes on
        _log.exception("request broke the handler", path=request.path)
        response = _answer(Refusal(500, "internal", "the request could not be answered", "look in the log"))
    if not response.prepared:
        response.headers.update(HEADERS)
    return response


def _answer(refusal: Refusal) -> web.Response:
    response = web.Response(status=refusal.status, text=refusal.body(), content_type="application/json")
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response

"""Every failure as JSON of one form: `{"error": …, "message": …, "hint": …}`."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
import structlog
from aiohttp import web

from console.schemas import ErrorTold
from ivr_prompts import notice_desk
from routing import agent_desk, ladder_versions, transfer_desk
from routing.callback_desk import NoSuchCallback
from tieline.errors import AuthFailed, TielineError
from trunk_config.change import ChangeRefused, Refused

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
    if isinstance(error, ChangeRefused):
        return _of_change(error)
    if isinstance(error, notice_desk.NoticeRefused):
        return _of_notice(error)
    if isinstance(error, agent_desk.WishRefused):
        status, hint = _OF_WISH[error.kind]
        return Refusal(status, str(error.kind), str(error), hint)
    if isinstance(error, transfer_desk.TransferRefused):
        status, hint = _OF_TRANSFER[error.kind]
        return Refusal(status, str(error.kind), str(error), hint)
    if isinstance(error, NoSuchCallback):
        return Refusal(404, "not_found", str(error), "look at GET /api/v1/callbacks")
    if isinstance(error, ladder_versions.LaddersRefused):
        return _of_ladders(error)
    if error.retryable:
        return Refusal(503, "unavailable", "a part that is needed does not answer", "try again in some seconds")
    return Refusal(500, "internal", "the request could not be answered", "look in the log of the console")


_OF_CHANGE: Final = {
    Refused.FORBIDDEN: (403, "use a token whose role and scope allow it"),
    Refused.STALE: (409, "look at the difference, then ask again with the newest version as base"),
    Refused.CONFIRM: (409, "ask again with `confirmed`: true"),
    Refused.INVALID: (422, "mend every problem, then ask again"),
    Refused.UNREADABLE: (422, "the form is in /api/v1/openapi.json"),
}


def _of_change(error: ChangeRefused) -> Refusal:
    status, hint = _OF_CHANGE[error.kind]
    more = {"newest": error.newest, "problems": error.problems, "difference": error.difference}
    return Refusal(status, str(error.kind), str(error).partition("\n")[0], hint, **more)


_OF_WISH: Final = {
    agent_desk.Refused.FORBIDDEN: (403, "use a token whose role and scope allow it"),
    agent_desk.Refused.INVALID: (422, "the form is in /api/v1/openapi.json"),
    agent_desk.Refused.UNKNOWN: (404, "look at GET /api/v1/agents; those of another site are at its console"),
}

_OF_TRANSFER: Final = {
    transfer_desk.Refused.FORBIDDEN: (403, "use a token whose role and scope allow it"),
    transfer_desk.Refused.INVALID: (422, "the form is in /api/v1/openapi.json"),
    transfer_desk.Refused.UNKNOWN: (404, "calls of another site are at its console; agents: GET /api/v1/agents"),
    transfer_desk.Refused.CONFLICT: (409, "look at GET /api/v1/agents, then ask again"),
}

_OF_NOTICE: Final = {
    notice_desk.Refused.FORBIDDEN: (403, "use a token whose role and scope allow it"),
    notice_desk.Refused.INVALID: (422, "mend every problem, then ask again"),
    notice_desk.Refused.UNREADABLE: (422, "the form is in /api/v1/openapi.json"),
    notice_desk.Refused.MISSING: (404, "look at GET /api/v1/notices"),
}


def _of_notice(error: notice_desk.NoticeRefused) -> Refusal:
    status, hint = _OF_NOTICE[error.kind]
    return Refusal(status, str(error.kind), error.subject, hint, problems=error.problems)


_OF_LADDERS: Final = {
    ladder_versions.Refused.FORBIDDEN: (403, "use a token whose role and scope allow it"),
    ladder_versions.Refused.STALE: (409, "look at the lines, then ask again with the newest version as base"),
    ladder_versions.Refused.INVALID: (422, "mend every problem, then ask again"),
    ladder_versions.Refused.UNREADABLE: (422, "the form is in /api/v1/openapi.json"),
}


def _of_ladders(error: ladder_versions.LaddersRefused) -> Refusal:
    status, hint = _OF_LADDERS[error.kind]
    more = {"newest": error.newest, "problems": error.problems, "lines": error.difference}
    return Refusal(status, str(error.kind), error.subject, hint, **more)


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

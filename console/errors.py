"""Every failure as JSON of one form: `{"error": …, "message": …, "hint": …}`."""

import json
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web

from tieline.errors import AuthFailed, TielineError

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
        code: One word for programs.
        hint: How the client can mend it.
    """

    def __init__(self, status: int, code: str, message: str, hint: str) -> None:
        """Remember what the client is told."""
        super().__init__(message)
        self.status, self.code, self.hint = status, code, hint

    def body(self) -> str:
        """Render the JSON that the client gets."""
        return json.dumps({"error": self.code, "message": str(self), "hint": self.hint}, ensure_ascii=False)


def refusal_of(error: TielineError) -> Refusal:
    """Translate an error of ours for the client."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, AuthFailed):
        hint = "send `Authorization: Bearer <token>`; make a token with `tieline token new --role monitor`"
        return Refusal(401, "unauthorized", str(error) or "no token", hint)
    if error.retryable:
        return Refusal(503, "unavailable", "a part that is needed does not answer", "try again in some seconds")
    return Refusal(500, "internal", "the request could not be answered", "look in the log of the console")


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every failure in the one form, and put the security headers on every answer."""
    try:
        response = await handler(request)
    except web.HTTPException as error:
        hints = {404: "see /api/picture, /api/calls, /api/tickets", 405: "use GET"}
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

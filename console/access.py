"""Who may see what: bearer token → principal → the part of the site that is shown."""

from typing import Final

from aiohttp import web

from console.errors import Refusal
from console.keys import PARTS, TOKENS, ConsoleParts
from tieline.errors import AuthFailed
from tieline.principal import Principal, Role
from tieline.tokens import Tokens

VIEWERS: Final = frozenset((Role.ADMIN, Role.OPERATOR, Role.SUPERVISOR, Role.MONITOR, Role.INTEGRATOR))
"""Who may see all calls of the scope; an agent sees his own desk, which is another page."""

ONLOOKERS: Final = VIEWERS | {Role.AGENT}
"""Who may see the situation outside: notices of outages, and how cities call."""

CALLERS_BACK: Final = VIEWERS - {Role.MONITOR}
"""Who may see whole numbers, to call back."""


async def recognised(request: web.Request) -> Principal:
    """Recognise who sends a request by its `Authorization` header; what he may do is for others to say.

    Raises:
        AuthFailed: No token, or none of ours.
        ConnectionLost: As `Tokens.verify`, when SQL is away.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise AuthFailed("no bearer token")
    return await request.app[TOKENS].verify(token.strip())


async def sender(request: web.Request) -> Principal:
    """Recognise who sends a request, and let him look; errors as `recognised` and `admitted`."""
    return _let_in(await recognised(request), request.app[PARTS], VIEWERS)


async def onlooker(request: web.Request) -> Principal:
    """Recognise who sends a request, and let him look at the situation outside; errors as `sender`."""
    return _let_in(await recognised(request), request.app[PARTS], ONLOOKERS)


async def caller_back(request: web.Request) -> Principal:
    """Recognise who sends a request, and let him see whole numbers; errors as `sender`."""
    return _let_in(await recognised(request), request.app[PARTS], CALLERS_BACK)


async def admitted(token: str, tokens: Tokens, parts: ConsoleParts) -> Principal:
    """Recognise the holder of a token and let him in when he may see anything of this site (`console.sight`).

    Raises:
        AuthFailed: No such token.
        Refusal: 403, not for this role or not for this site.
        ConnectionLost: As `Tokens.verify`, when SQL is away.
    """
    return _let_in(await tokens.verify(token), parts, ONLOOKERS)


def _let_in(principal: Principal, parts: ConsoleParts, roles: frozenset[Role]) -> Principal:
    if principal.role not in roles:
        wanted = ", ".join(sorted(roles))
        raise Refusal(403, "forbidden", f"role {principal.role} may not see this", f"use a token with role {wanted}")
    if principal.site not in (None, parts.site):
        where = f"this is the console of {parts.site}, the token is for {principal.site}"
        raise Refusal(403, "forbidden", where, "use the console of that site")
    city = principal.city
    if city is not None and parts.site not in (
        parts.topology.cities[city].sites if city in parts.topology.cities else ()
    ):
        raise Refusal(403, "forbidden", f"{city} has no calls at {parts.site}", "use the console of its site")
    return principal

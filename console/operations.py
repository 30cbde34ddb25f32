"""The table of the API's operations: routes and the OpenAPI document are both made of it, so they cannot differ."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number in the query.

    Attributes:
        what: For people.
    """

    name: str
    what: str
    lowest: int
    highest: int
    default: int


@dataclass(frozen=True, slots=True)
class Words:
    """A text in the query.

    Attributes:
        what: For people.
    """

    name: str
    what: str
    default: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path.

    Attributes:
        path: With `{site}` and the like.
        name: Unique, for clients that are generated.
        answer: Type of the answer's JSON.
        takes: Type of the request's JSON, or None without one.
        refusals: Statuses of failures besides 401, 403, 404 and 503, each with what it means.
        handler: Its docstring is the description.
    """

    method: str
    path: str
    name: str
    handler: Handler
    answer: type
    takes: type | None = None
    parameters: tuple[Number | Words, ...] = ()
    refusals: tuple[tuple[int, str], ...] = ()

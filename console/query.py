"""Parameters of the query."""

from aiohttp import web

from console.errors import Refusal
from console.operations import Number


def number_of(request: web.Request, parameter: Number) -> int:
    """Read a whole number.

    Raises:
        Refusal: 400, it is none, or out of range.
    """
    text = request.query.get(parameter.name, str(parameter.default))
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(parameter.highest))
    if not digits or not parameter.lowest <= int(text) <= parameter.highest:
        span = f"{parameter.lowest} to {parameter.highest}"
        raise Refusal(400, "bad_request", f"{parameter.name}={text[:20]} is no number from {span}", "correct it")
    return int(text)

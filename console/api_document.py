"""`/api/v1/openapi.json`: what the API offers, for people and for programs that make clients."""

from importlib.metadata import version
from typing import Final

import msgspec
from aiohttp import web

from console import (
    api_agent,
    api_call,
    api_callback,
    api_forecast,
    api_hours,
    api_ladders,
    api_notice,
    api_quota,
    api_refused,
    api_route,
)
from console.openapi import openapi
from console.operations import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    *api_agent.OPERATIONS,
    *api_call.OPERATIONS,
    *api_quota.OPERATIONS,
    *api_forecast.OPERATIONS,
    *api_refused.OPERATIONS,
    *api_callback.OPERATIONS,
    *api_hours.OPERATIONS,
    *api_notice.OPERATIONS,
    *api_route.OPERATIONS,
    *api_ladders.OPERATIONS,
)
"""Every operation of `/api/v1` that is described."""

_DOCUMENT: Final = msgspec.json.encode(openapi(OPERATIONS, version=version("tieline")))


async def document(_: web.Request) -> web.Response:
    """Give the OpenAPI document; needs no token."""
    return web.Response(body=_DOCUMENT, content_type="application/json")

"""An edge's JSON-RPC over a real socket: answers as Kamailio 6.1 gives them, refusals, and edges that are away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.unit.trunk_config.network import TOPOLOGY
from tieline.errors import ConnectionLost, DeadlineExceeded, RemoteProtocolError
from tieline.topology import Address
from trunk_config import edge_rpc
from trunk_config.edge_rpc import call_edge, counted, maybe_refused

pytestmark = pytest.mark.component

DUMP = b"""{
    "jsonrpc": "2.0",
    "result": [
        {"entry": 5, "size": 1, "slot": [{"name": "tg-putian", "value": 2, "type": "int"}]},
        {"entry": 15, "size": 2, "slot": [
            {"name": "tg-longyan", "value": 1, "type": "int"}, {"name": "tg-fuzhou", "value": 4, "type": "int"}]}
    ],
    "id": 1
}"""
"""As recorded: `htable.dump refused` of a Kamailio 6.1 that had refused calls of three groups."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def edge(handler: Handler) -> AsyncIterator[Address]:
    app = web.Application()
    app.router.add_post("/RPC", handler)
    async with TestServer(app) as server:
        assert server.port is not None
        yield Address("127.0.0.1", server.port)


async def dumped(_: web.Request) -> web.Response:
    return web.Response(body=DUMP, content_type="application/json")


async def refused(_: web.Request) -> web.Response:
    return web.json_response({"jsonrpc": "2.0", "error": {"code": 500, "message": "No such table"}, "id": 1})


async def gibberish(_: web.Request) -> web.Response:
    return web.Response(body=b"<html>")


async def silent(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    return web.Response()


async def test_the_counts_of_all_edges_are_added_and_one_that_is_away_is_left_out() -> None:
    [known] = TOPOLOGY.edges
    away = replace(known, rpc=Address("127.0.0.1", 9))
    async with edge(dumped) as one, edge(dumped) as other:
        edges = [replace(known, rpc=one), replace(known, rpc=other), away]
        assert await maybe_refused(edges) == {"tg-putian": 4, "tg-longyan": 2, "tg-fuzhou": 8}
    assert await maybe_refused([away]) is None


async def test_every_failure_of_an_edge_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_rpc, "COUNTS_S", 0.1)
    [known] = TOPOLOGY.edges
    for handler, kind, told in (
        (refused, RemoteProtocolError, "No such table"),
        (gibberish, RemoteProtocolError, "no JSON"),
        (silent, DeadlineExceeded, "htable.dump"),
    ):
        async with edge(handler) as rpc:
            with pytest.raises(kind, match=told):
                await call_edge(rpc, "htable.dump", "refused", deadline_s=0.1)
            assert await maybe_refused([replace(known, rpc=rpc)]) is None
    with pytest.raises(ConnectionLost):
        await call_edge(Address("127.0.0.1", 9), "core.version")


@pytest.mark.parametrize(
    "dump", [None, {}, [{}], [{"slot": [{"name": "x"}]}], [{"slot": [{"name": 1, "value": "y"}]}]]
)
def test_a_dump_of_another_form_counts_nothing(dump: object) -> None:
    assert counted(dump) == {}

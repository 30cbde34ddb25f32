"""`/ws`: one snapshot, then what changes, to a page that named its token in its first message."""

import asyncio
import contextlib
from typing import Final

import msgspec
from aiohttp import WSMsgType, web

from console.about import about
from console.access import admitted
from console.delta import Snapshot, encoded
from console.errors import refusal_of
from console.follower import Watcher
from console.keys import FOLLOWER, NAMES, PARTS, STORE, TOKENS
from console.sight import sight_of
from tieline.endings import cancel_until_done
from tieline.errors import AuthFailed, TielineError
from tieline.principal import Principal

HELLO_S: Final = 5.0
"""So long a page may take to name its token."""
SEND_S: Final = 5.0
"""A message that is not taken in after so long ends the connection."""
VERIFY_AGAIN_S: Final = 60.0
"""A token that was revoked stops seeing after so long at the latest."""
HEARTBEAT_S: Final = 15.0
PAGES_AT_MOST: Final = 500
LONGEST_HELLO: Final = 2048

CLOSE_REFUSED: Final = 4401
CLOSE_FULL: Final = 4429
"""Close codes that the page understands."""


class _Hello(msgspec.Struct, frozen=True):
    """The first message of a page."""

    token: str


async def live_socket(request: web.Request) -> web.WebSocketResponse:
    """Serve one page until it goes, is too slow, or its token is revoked."""
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=LONGEST_HELLO, timeout=1.0)
    await socket.prepare(request)
    if request.app[FOLLOWER].watchers >= PAGES_AT_MOST:
        await socket.close(code=CLOSE_FULL, message=b"too many pages are open")
        return socket
    try:
        token = await _hello(socket)
        principal = await admitted(token, request.app[TOKENS], request.app[PARTS])
    except TielineError as error:
        await _refuse(socket, error)
        return socket
    parts = request.app[PARTS]
    watcher, picture = request.app[FOLLOWER].watch(sight_of(principal))
    try:
        facts = about(parts.topology, parts.site, request.app[STORE].policy, principal)
        names = request.app[NAMES]
        await _send(socket, encoded(Snapshot(now=parts.clock(), picture=picture, about=facts | names)))
        await _serve(request, socket, watcher, token)
    except TimeoutError:
        _cut(request)
    finally:
        request.app[FOLLOWER].unwatch(watcher)
    return socket


async def _hello(socket: web.WebSocketResponse) -> str:
    try:
        message = await socket.receive(timeout=HELLO_S)
    except TimeoutError:
        raise AuthFailed("no token within the time") from None
    if message.type is not WSMsgType.TEXT:
        raise AuthFailed("the first message must hold the token")
    try:
        return msgspec.json.decode(message.data, type=_Hello).token
    except msgspec.MsgspecError:
        raise AuthFailed('the first message must be {"token": "…"}') from None


async def _serve(request: web.Request, socket: web.WebSocketResponse, watcher: Watcher, token: str) -> None:
    """Send what comes until one of these ends: the page, its patience, its right to see."""
    tasks = [
        asyncio.create_task(_forward(socket, watcher)),
        asyncio.create_task(_until_closed(socket)),
        asyncio.create_task(watcher.ended.wait()),
        asyncio.create_task(_until_refused(request, token)),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            await cancel_until_done(task)
    if watcher.ended.is_set():
        async with asyncio.timeout(SEND_S):
            await socket.close(code=watcher.close_code)
    for task in done:
        error = task.exception()
        if isinstance(error, TielineError):
            await _refuse(socket, error)
        elif error is not None:
            raise error


async def _forward(socket: web.WebSocketResponse, watcher: Watcher) -> None:
    while True:
        await _send(socket, await watcher.messages.get())


async def _until_closed(socket: web.WebSocketResponse) -> None:
    async for _ in socket:
        pass  # a page has nothing to say after its token


async def _until_refused(request: web.Request, token: str) -> Principal:
    while True:
        await asyncio.sleep(VERIFY_AGAIN_S)
        await admitted(token, request.app[TOKENS], request.app[PARTS])


async def _send(socket: web.WebSocketResponse, text: str) -> None:
    with contextlib.suppress(ConnectionError):  # gone: the reading side ends the page
        async with asyncio.timeout(SEND_S):
            await socket.send_str(text)


async def _refuse(socket: web.WebSocketResponse, error: TielineError) -> None:
    refusal = refusal_of(error)
    await _send(socket, refusal.body())
    await socket.close(code=CLOSE_REFUSED, message=refusal.code.encode())


def _cut(request: web.Request) -> None:
    """End a connection whose peer takes nothing in; a polite close would wait for it."""
    if request.transport is not None:
        request.transport.abort()

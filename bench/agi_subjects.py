"""The servers that `bench.agi` compares, each run in a process of its own: `python -m bench.agi_subjects NAME`.

All send the same three commands, byte for byte, and take the same answers. Each prints its port when it listens and
ends when its standard input does.
"""

import asyncio
import gc
import select
import socket
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import uvloop
from panoramisk import fast_agi

from agi import commands
from agi.connection import Route
from agi.server import AgiServer, AgiSettings
from agi.session import Session
from bench._measure import allow_many_files

SCRIPT: Final = "menu"
NAMES: Final = ("TL_CITY", "TL_CALL")
PROMPT: Final = "mandarin/menu"
RESULT: Final = {"TL_BUSINESS": "repair"}
COMMANDS: Final = (
    bytes(commands.get_variables(NAMES)),
    bytes(commands.get_data(PROMPT, timeout_ms=5000, max_digits=1)),
    bytes(commands.set_variables({**RESULT, "TL_DONE": SCRIPT})[0]),
)
BACKLOG: Final = 4096


def bare() -> None:
    """One epoll loop and nothing else: the floor. It does not parse, it only counts lines."""
    server = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    server.setblocking(False)
    poll = select.epoll()
    poll.register(server, select.EPOLLIN)
    poll.register(sys.stdin, select.EPOLLIN)
    sys.stdout.write(f"{server.getsockname()[1]}\n")
    sys.stdout.flush()
    peers: dict[int, tuple[socket.socket, int, bytes]] = {}
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == server.fileno():
                _accept(server, poll, peers)
            elif descriptor == sys.stdin.fileno():
                return
            else:
                _serve(descriptor, peers)


def _accept(server: socket.socket, poll: select.epoll, peers: dict[int, tuple[socket.socket, int, bytes]]) -> None:
    while True:
        try:
            peer, _ = server.accept()
        except BlockingIOError:
            return
        peer.setblocking(False)
        peers[peer.fileno()] = (peer, 0, b"")
        poll.register(peer, select.EPOLLIN)


def _serve(descriptor: int, peers: dict[int, tuple[socket.socket, int, bytes]]) -> None:
    peer, sent, buffer = peers[descriptor]
    data = peer.recv(4096)
    buffer += data
    end = b"\n" if sent else b"\n\n"
    if data and not buffer.endswith(end):
        peers[descriptor] = (peer, sent, buffer)
    elif data and sent < len(COMMANDS):
        peer.send(COMMANDS[sent])
        peers[descriptor] = (peer, sent + 1, b"")
    else:
        del peers[descriptor]
        peer.close()


async def _script(session: Session) -> Mapping[str, str]:
    await session.get_variables(*NAMES)
    await session.gather([PROMPT], max_digits=1, timeout_ms=5000)
    return RESULT


async def tieline() -> None:
    """Our server as it is run: uvloop, deadlines, limits and counters on."""
    server = AgiServer({SCRIPT: Route(_script, deadline_s=60.0)}, AgiSettings(port=0, backlog=BACKLOG))
    await server.start()
    await _until_told(server.address[1])
    await server.stop(drain_s=0)


async def _panoramisk_script(request: Any) -> None:
    for command in COMMANDS:
        await request.send_command(command.decode()[:-1])


async def panoramisk() -> None:
    """Panoramisk's server as its manual shows it, but with our backlog, else bursts lose connections."""
    application = fast_agi.Application(loop=asyncio.get_running_loop())
    application.add_route(SCRIPT, _panoramisk_script)
    server = await asyncio.start_server(application.handler, "127.0.0.1", 0, backlog=BACKLOG)
    await _until_told(server.sockets[0].getsockname()[1])
    server.close()


async def _until_told(port: int) -> None:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    loop.add_reader(sys.stdin, told.set)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await told.wait()
    loop.remove_reader(sys.stdin)


ON_UVLOOP: Final[Mapping[str, Callable[[], Coroutine[Any, Any, None]]]] = {"tieline": tieline}
ON_ASYNCIO: Final[Mapping[str, Callable[[], Coroutine[Any, Any, None]]]] = {
    "panoramisk": panoramisk,
    "tieline-asyncio": tieline,
}


def main(name: str) -> None:
    """Run one subject until the standard input ends."""
    allow_many_files()
    gc.freeze()  # what was imported is no work of a session, for any subject
    if name == "bare":
        bare()
    elif name in ON_UVLOOP:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(ON_UVLOOP[name]())
    else:
        asyncio.run(ON_ASYNCIO[name]())


if __name__ == "__main__":
    main(sys.argv[1])

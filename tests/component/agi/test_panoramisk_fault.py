"""Why panoramisk's FastAGI server is not on the call path: one early close, and it serves nobody ever again.

`Application.handler` reads until the blank line; at the end of the stream `read()` gives b'' without suspending, so
the loop spins and no other task runs. A port scan or a TCP health check is enough. When this test fails, panoramisk
has mended it: then read agi/server.py's other reasons (limits, deadlines, 520, HANGUP) before thinking again.
"""

import socket
import subprocess
import sys

import pytest

pytestmark = pytest.mark.component

SERVER = """
import asyncio, sys
from panoramisk import fast_agi

async def main():
    application = fast_agi.Application(loop=asyncio.get_running_loop())

    async def menu(request):
        await request.send_command("NOOP")

    application.add_route("menu", menu)
    server = await asyncio.start_server(application.handler, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
HEADERS = b"agi_network: yes\nagi_network_script: menu\n\n"
ANSWERS_WITHIN_S = 1.0


def _served(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), ANSWERS_WITHIN_S) as call:
        call.sendall(HEADERS)
        try:
            return call.recv(100) == b"NOOP\n"
        except TimeoutError:
            return False


def test_one_early_close_ends_panoramisks_service_for_good() -> None:
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        assert _served(port)
        socket.create_connection(("127.0.0.1", port), ANSWERS_WITHIN_S).close()
        assert not _served(port), "panoramisk survives an early close now: see this module's docstring"
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()

"""Asking a part whether it is ready, by using it; never by waiting a while."""

import asyncio
import contextlib
import socket
from typing import Final

from lab.parts import AnswersLine, AnswersSip

_EVERY_S: Final = 0.05
_ONCE_S: Final = 0.5


async def until_answers(probe: AnswersSip | AnswersLine) -> None:
    """Ask again and again until the answer is right; the caller sets the deadline."""
    while True:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_ONCE_S):
                if await _answers(probe):
                    return
        await asyncio.sleep(_EVERY_S)


async def _answers(probe: AnswersSip | AnswersLine) -> bool:
    if isinstance(probe, AnswersSip):
        return await _sip_answers(probe)
    reader, writer = await asyncio.open_connection(
        probe.address.host, probe.address.port, local_addr=(probe.address.host, 0)
    )
    try:
        writer.write(probe.ask)
        answer = b""
        while len(answer) < len(probe.expect):
            more = await reader.read(1024)
            if not more:
                return False
            answer += more
        return answer.startswith(probe.expect)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _sip_answers(probe: AnswersSip) -> bool:
    loop = asyncio.get_running_loop()
    host = probe.address.host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.setblocking(False)
        door.bind((host, 0))
        port = door.getsockname()[1]
        await loop.sock_sendto(door, _options(host, port, probe.address.port), (host, probe.address.port))
        return (await loop.sock_recv(door, 4096)).startswith(b"SIP/2.0 ")


def _options(host: str, port: int, target: int) -> bytes:
    lines = (
        f"OPTIONS sip:{host}:{target} SIP/2.0",
        f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bKlab{port}",
        "Max-Forwards: 1",
        f"From: <sip:lab@{host}>;tag=lab{port}",
        f"To: <sip:{host}:{target}>",
        f"Call-ID: lab-{port}@{host}",
        "CSeq: 1 OPTIONS",
        "Content-Length: 0",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()

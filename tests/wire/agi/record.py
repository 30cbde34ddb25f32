"""Records the fixtures of this folder from a running Asterisk (see README.md); not part of the suite.

Listens as a FastAGI server. A connection for script `0NAME` is led through the commands of `SCENARIOS[NAME]`, and
everything is written to `NAME.txt`: Asterisk's bytes as they are, our commands as lines that begin with `> `.
"""

import asyncio
import contextlib
import sys
from pathlib import Path

from agi import commands

HOSTILE = 'a,b="c\\d" ${EXTEN} $[1+1] ) endpos=7 林😀'
PLAIN = {"TL_P1": "林秀英 a.b:c;d+e@f/g|h=i*j#k%l&m-n_o", "TL_P2": "", "TL_P3": " x "}
READ_BACK = commands.get_variables((*PLAIN, "TL_H1", "TL_UNSET", "CALLERID(name)", "CALLERID(num)", "TL_LAST"))
CHECK = b'GET FULL VARIABLE "${TL_P1}|${TL_P2}|${TL_P3}|${TL_H1}"\n'

SCENARIOS: dict[str, list[bytes]] = {
    "plain": [
        b"NOOP\n",
        commands.channel_status(),
        commands.get_variables(("CHANNEL(accountcode)", "CALLERID(name)")),
        commands.playback(["beep"]),
        commands.set_variable("TL_DONE", "0plain"),
    ],
    "refusals": [
        b"MAKE TEA\n",
        b"GET DATA\n",
        b"WAIT FOR DIGIT\n",
        b"EXEC NoSuchApplication\n",
        b"SPEECH SET\n",
        commands.get_data("no-such-file", timeout_ms=100, max_digits=1),
        b'STREAM FILE "no-such-file" ""\n',
        commands.channel_status(),
    ],
    "hostile_values": [
        *commands.set_variables({**PLAIN, "TL_H1": HOSTILE, "TL_LAST": "last"}),
        READ_BACK,
        CHECK,
    ],
    "forged_headers": [READ_BACK],
    "sip_caller": [READ_BACK],
    "line_feed_in_name": [READ_BACK],
    "hangup_twice_idle": [b"NOOP\n", b"", b""],
    "dead_channel": [
        commands.get_variables(("CALLERID(num)",)),
        commands.set_variable("TL_DONE", "x"),
        commands.answer(),
    ],
    "digit_get_data": [commands.get_data("tt-monkeys", timeout_ms=3000, max_digits=1), commands.channel_status()],
    "digits_terminated": [commands.get_data("tt-monkeys", timeout_ms=3000, max_digits=5)],
    "digits_read": [
        commands.read(["tt-monkeys", "tt-weasels"], timeout_ms=2000, max_digits=4),
        commands.read_outcome(),
    ],
    "digits_early": [
        commands.read(["beep", "tt-monkeys", "tt-weasels"], timeout_ms=2000, max_digits=4),
        commands.read_outcome(),
    ],
    "digit_background": [commands.background(["tt-monkeys", "tt-weasels"]), commands.channel_status()],
    "stream_file": [b'STREAM FILE "tt-monkeys" "123"\n'],
    "silence": [
        commands.get_data("beep", timeout_ms=300, max_digits=4),
        commands.read(["beep", "beep"], timeout_ms=300, max_digits=4),
        commands.read_outcome(),
        commands.background(["beep", "beep"]),
        b'WAIT FOR DIGIT "200"\n',
    ],
    "hangup_in_command": [
        commands.get_data("tt-monkeys", timeout_ms=3000, max_digits=1),
        commands.answer(),
        commands.get_variables(("CALLERID(num)",)),
        commands.set_variable("TL_DONE", "x"),
    ],
    "hangup_in_read": [
        commands.read(["tt-monkeys", "tt-weasels"], timeout_ms=3000, max_digits=1),
        commands.read_outcome(),
    ],
    "hangup_idle": [b"NOOP\n", b"", commands.get_variables(("CALLERID(num)",))],
    "hangup_own": [commands.hangup(), b"", commands.get_variables(("CALLERID(num)",))],
    "missing_last_prompt": [
        commands.read(["beep", "no-such-file"], timeout_ms=300, max_digits=1),
        commands.read_outcome(),
        commands.read(["no-such-file", "beep"], timeout_ms=300, max_digits=1),
        commands.read_outcome(),
    ],
}


async def _reply(reader: asyncio.StreamReader) -> bytes:
    """Read lines up to the end of one answer, `HANGUP` lines included."""
    taken = b""
    while True:
        line = await reader.readline()
        taken += line
        if not line or line[:4] in (b"200 ", b"510 ", b"511 ", b"520 "):
            return taken


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    taken = await reader.readuntil(b"\n\n")
    name = taken.split(b"agi_network_script: 0", 1)[1].split(b"\n", 1)[0].partition(b"?")[0].decode()
    for step in SCENARIOS[name]:
        if not step:  # wait for what comes by itself
            taken += await reader.readline()
            continue
        writer.write(step)
        taken += b"> " + step + await _reply(reader)
        if reader.at_eof():
            break
    if name.startswith("hangup"):
        with contextlib.suppress(OSError):  # AGIEXITONHANGUP: Asterisk has closed already
            writer.write_eof()
        taken += await reader.read()
    writer.close()
    target = Path(__file__).parent / f"{name}.txt"
    target.write_bytes(taken)
    sys.stderr.write(f"{target.name}: {len(taken)} bytes\n")


async def main(host: str, port: int) -> None:
    """Record until stopped."""
    server = await asyncio.start_server(_serve, host, port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))

"""Record what a real Asterisk says on AMI during one scripted call, byte for byte.

Run `python -m tests.live.ami_bridge.record SCRIPT OUTFILE [--all]`; tests/wire/ami_bridge/README.md tells the rest.
"""

import argparse
import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.live.ami_bridge.private_asterisk import (
    ADDRESS,
    AGENT,
    AGENT_ADDRESS,
    CALLER_ADDRESS,
    SECRET,
    USERNAME,
    private_asterisk,
)
from tests.live.ami_bridge.small_phone import SmallPhone

CALL_ID = "019aa5d4-1c00-7abc-8def-0123456789ab"
CALLER_NAME = "福州市民陈小明"
HOSTILE_NAMES = (
    r"说\"引号\",${SHELL(id)},\r\nEvent: Hangup",
    "福州".encode("gbk").decode("utf-8", "surrogateescape"),
    "😀" * 20,
    "x" * 300,
)


class Tap:
    """A raw AMI connection that keeps every byte it reads."""

    def __init__(self) -> None:
        self.seen = bytearray()
        self._grown = asyncio.Event()

    async def open(self, port: int) -> None:
        self._reader, self._writer = await asyncio.open_connection(ADDRESS, port)
        self._pump = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while data := await self._reader.read(65536):
            self.seen += data
            self._grown.set()

    def send(self, *lines: str) -> None:
        """Send one action."""
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def until(self, text: str, start: int = 0) -> str:
        """Wait until `text` was received after `start` and give everything from there."""
        async with asyncio.timeout(15):
            while text.encode() not in self.seen[start:]:
                self._grown.clear()
                await self._grown.wait()
        return self.seen[start:].decode()

    async def close(self) -> None:
        self.send("Action: Logoff", "ActionID: off")
        await self._pump
        self._writer.close()
        await self._writer.wait_closed()


def channel_of(text: str) -> str:
    return next(line[9:] for line in text.split("\r\n") if line.startswith("Channel: PJSIP/edge-"))


async def one_call(tap: Tap) -> None:
    """Register an agent, let a caller talk to him, list channels and contacts meanwhile, and hang up."""
    agent = SmallPhone(AGENT_ADDRESS, ADDRESS, AGENT)
    async with agent, SmallPhone(CALLER_ADDRESS, ADDRESS) as caller:
        await agent.register()
        await tap.until("ContactStatus: Reachable")
        await caller.call("95598", CALLER_NAME, "+8659187654321", CALL_ID)
        for key in "12":
            start = len(tap.seen)
            caller.press(key)
            await tap.until("Event: DTMFEnd", start)
        channel = channel_of(tap.seen.decode(errors="replace"))
        tap.send(
            "Action: Setvar", "ActionID: s1", f"Channel: {channel}", "Variable: TL_GO", f"Value: agent:{AGENT}:7"
        )
        await tap.until("DialStatus: ANSWER")
        await agent.answered.wait()
        tap.send("Action: CoreShowChannels", "ActionID: c1")
        await tap.until("Event: CoreShowChannelsComplete")
        tap.send("Action: PJSIPShowContacts", "ActionID: c2")
        await tap.until("Event: ContactListComplete")
        await caller.hang_up()
        await agent.ended.wait()
        await tap.until("Event: Hangup\r\n")
        await tap.until("Event: Hangup\r\n", tap.seen.index(b"Event: Hangup\r\n") + 1)
        start = len(tap.seen)
        await agent.register(0)
        await tap.until("ContactStatus: Removed", start)


async def _connected(tap: Tap, caller: SmallPhone, call_id: str) -> str:
    """Bring a caller to the agent; gives the agent's channel."""
    start = len(tap.seen)
    await caller.call("95598", CALLER_NAME, "+8659187654321", call_id)
    for key in "12":
        pressed = len(tap.seen)
        caller.press(key)
        await tap.until("Event: DTMFEnd", pressed)
    channel = channel_of(await tap.until("Event: DTMFEnd", start))
    tap.send("Action: Setvar", "ActionID: s1", f"Channel: {channel}", "Variable: TL_GO", f"Value: agent:{AGENT}:7")
    talking = await tap.until("BridgeNumChannels: 2", start)
    return next(line[13:] for line in talking.split("\r\n") if line.startswith("DestChannel: "))


async def transfers(tap: Tap) -> None:
    """Hold, a blind and an attended transfer, and the static queue, once answered and once abandoned."""
    async with SmallPhone(AGENT_ADDRESS, ADDRESS, AGENT) as agent:
        await agent.register()
        await tap.until("ContactStatus: Reachable")
        for number in range(4):
            start, call_id = len(tap.seen), f"019aa5d4-1c00-7abc-8def-0123456789{number:02x}"
            async with SmallPhone(CALLER_ADDRESS, ADDRESS) as caller:
                if number == 0:
                    leg = await _connected(tap, caller, call_id)
                    await caller.hold(on=True)
                    await caller.hold(on=False)
                    tap.send(
                        "Action: BlindTransfer", "ActionID: b1", f"Channel: {leg}", "Context: inbound", "Exten: park"
                    )
                    await tap.until("Event: BlindTransfer", start)
                elif number == 1:
                    await _connected(tap, caller, call_id)
                    await agent.call("700", "agent", AGENT, "consultation")
                    await agent.join_callers()
                    await tap.until("Event: AttendedTransfer", start)
                else:
                    agent.answers = number == 2
                    await caller.call("queue", CALLER_NAME, "+8659187654321", call_id)
                    await tap.until("Event: AgentConnect" if agent.answers else "Event: DialBegin", start)
                await caller.hang_up()
            await all_gone(tap)


async def all_gone(tap: Tap) -> None:
    """Ask for the channels until there are none."""
    for number in itertools.count():
        start = len(tap.seen)
        tap.send("Action: CoreShowChannels", f"ActionID: g{number}")
        if "ListItems: 0" in await tap.until("Event: CoreShowChannelsComplete", start):
            return


async def hostile_calls(tap: Tap) -> None:
    """Place one short call for each caller name that somebody might hope to break something with."""
    for number, name in enumerate(HOSTILE_NAMES):
        start = len(tap.seen)
        async with SmallPhone(CALLER_ADDRESS, ADDRESS) as caller:
            await caller.call("park", name, "anonymous", f"019aa5d4-1c00-7abc-8def-0123456789{number:02x}")
            await caller.hang_up()
        await tap.until("\r\nEvent: Hangup\r\n", start)


async def record(script: Callable[[Tap], Awaitable[None]], *, everything: bool) -> bytes:
    """Start an Asterisk, run the script, give the stream."""
    with private_asterisk(filtered=not everything) as asterisk:
        tap = Tap()
        await tap.open(asterisk.port)
        tap.send("Action: Login", "ActionID: l1", f"Username: {USERNAME}", f"Secret: {SECRET}")
        await tap.until("Event: FullyBooted")
        try:
            await script(tap)
        finally:
            await tap.close()
    return bytes(tap.seen)


SCRIPTS = {"one_call": one_call, "transfers": transfers, "hostile_calls": hostile_calls}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("script", choices=SCRIPTS)
    parser.add_argument("out", type=Path)
    parser.add_argument("--all", action="store_true", help="no event filter: everything Asterisk tells")
    chosen = parser.parse_args()
    chosen.out.write_bytes(asyncio.run(record(SCRIPTS[chosen.script], everything=chosen.all)))

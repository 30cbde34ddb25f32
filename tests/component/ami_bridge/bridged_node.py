"""A bridge between a scripted node and a real Redis, and what its tests say and wait for."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TypeVar

from ami_bridge.bridge import Bridge
from ami_bridge.node_link import NodeLink, Patience
from ami_bridge.outbox import Outbox
from tests.component.ami_bridge.scripted_ami import SECRET, ScriptedAmi
from tieline import bus
from tieline.live import EVENTS, Live

CALL = "019aa5d4-1c00-7abc-8def-0123456789ab"
ENTRY, UID = "PJSIP/edge-00000000", "fuzhou-1-1.0"
NOW = 1_795_250_000.0
HEARTBEATS = {"tl:hb:agi:0": "TL_HB_AGI_0", "tl:hb:agi:1": "TL_HB_AGI_1", "tl:hb:matcher": "TL_HB_MATCHER"}
QUICK = Patience(1, 1, 0.05, 0.3, 0.02, 0.1)
Told = TypeVar("Told", bound=bus.Message)


class Reader:
    """Reads the bus from its start."""

    def __init__(self, live: Live) -> None:
        self.events: list[bus.Event] = []
        self._live, self._after = live, "0-0"

    async def until(self, kind: type[Told], fits: Callable[[Told], bool] = lambda _: True) -> Told:
        """Read on until an event fits, and give it; those before it are skipped."""
        async with asyncio.timeout(10):
            while True:
                for entry, raw in await self._live.read(EVENTS, self._after, count=1, block_ms=200):
                    self._after = entry
                    event = bus.decode_event(raw)
                    self.events.append(event)
                    if isinstance(event, kind) and fits(event):
                        return event


@contextlib.asynccontextmanager
async def bridged(
    peer: ScriptedAmi, live: Live, *, outbox: Outbox | None = None, patience: Patience = QUICK, every_s: float = 30.0
) -> AsyncIterator[Bridge]:
    node = NodeLink("fuzhou-1", "127.0.0.1", peer.port, "tieline", SECRET)
    bridge = Bridge(
        node,
        live,
        HEARTBEATS,
        lambda: NOW,
        caller=replace(node, username="tieline-call"),
        patience=patience,
        outbox=outbox,
        snapshot_every_s=every_s,
        confirm_after_s=0.05,
    )
    task = asyncio.create_task(bridge.run())
    try:
        yield bridge
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def channel(name: str = ENTRY, uniqueid: str = UID, application: str = "Dial") -> str:
    head = f"Event: CoreShowChannel\nChannel: {name}\nChannelState: 6\nAccountCode: {CALL}\nUniqueid: {uniqueid}\n"
    return f"{head}Linkedid: {UID}\nApplication: {application}"


def hangup(uniqueid: str = UID) -> str:
    return (
        f"Event: Hangup\nPrivilege: call,all\nChannel: {ENTRY}\nAccountCode: {CALL}\nUniqueid: {uniqueid}\nCause: 16"
    )


async def passing(condition: Callable[[], bool], peer: ScriptedAmi) -> None:
    """Look again with each ping of the bridge until a condition holds."""
    while not condition():
        await peer.heard("Ping", 1 + len(await peer.heard("Ping")))


async def told_to_follow(live: Live) -> None:
    """Wait until the bridge blocks on its command stream: what is commanded before that is old."""
    async with asyncio.timeout(5):
        while b"cmd=xread" not in await live.call("CLIENT", "LIST"):
            pass

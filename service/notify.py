"""Liveness for whoever supervises the process (systemd, or the lab's supervisor): READY, WATCHDOG, STOPPING.

The protocol is sd_notify(3): datagrams to the socket named by NOTIFY_SOCKET. The watchdog ping comes from the event
loop that serves the calls, so a frozen loop stops it and the supervisor kills the process (`WatchdogSec=3`): the
only thing that frees the callers of a frozen AGI server.
"""

import asyncio
import os
import socket

PING_EVERY_S = 0.5


class Notifier:
    """Speaks to the supervisor named in the environment; silent without one."""

    def __init__(self, address: str) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address

    @classmethod
    def from_environment(cls) -> "Notifier":
        """Take the socket from NOTIFY_SOCKET."""
        return cls(os.environ.get("NOTIFY_SOCKET", ""))

    def tell(self, state: str) -> None:
        """Send one state such as `READY=1`; a supervisor that is gone is no reason to stop serving."""
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as door:
            try:
                door.sendto(state.encode(), self._address)
            except OSError:
                return

    async def ping(self) -> None:
        """Ping the watchdog until cancelled."""
        while True:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(PING_EVERY_S)

"""A scripted AMI peer on a loopback socket: says what Asterisk says, and whatever else a test wants."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

SECRET = "right"
Handler = Callable[[dict[str, str]], str | None]
"""Takes an action's headers and gives the answer without its ActionID (None: stay silent)."""

LISTS = {
    "CoreShowChannels": "CoreShowChannelsComplete",
    "PJSIPShowContacts": "ContactListComplete",
    "QueueStatus": "QueueStatusComplete",
}


class ScriptedAmi:
    """Accepts connections; what is said unasked goes to the newest one.

    Attributes:
        actions: Every action received, over all connections, in order.
        answers: What to answer to actions of one name instead of the usual.
        items: Events of the lists, each as text without ActionID.
        connections: How often somebody connected.
    """

    def __init__(self) -> None:
        self.actions: list[dict[str, str]] = []
        self.answers: dict[str, Handler] = {}
        self.items: dict[str, list[str]] = {name: [] for name in LISTS}
        self.connections = 0
        self.peer = ""
        self.port = 0
        self._writer: asyncio.StreamWriter | None = None
        self._heard = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen, on the same port as before when started again."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut the connection."""
        if self._server is not None:
            self._server.close()
            self.cut()
            for talk in tuple(self._talks):
                await talk
            await self._server.wait_closed()
            self._server = None

    def cut(self) -> None:
        """Cut the connection without a word."""
        if self._writer is not None:
            self._writer.transport.abort()

    def close(self) -> None:
        """Close the connection in order."""
        assert self._writer is not None
        self._writer.write_eof()

    def say(self, text: str) -> None:
        """Send something, lines divided by LF, as one packet."""
        self.send(text.strip().replace("\n", "\r\n").encode() + b"\r\n\r\n")

    def send(self, raw: bytes) -> None:
        """Send raw bytes."""
        assert self._writer is not None
        self._writer.write(raw)

    async def heard(self, name: str, times: int = 1) -> list[dict[str, str]]:
        """Wait until an action of one name was received so often, and give those."""
        found: list[dict[str, str]] = []

        def enough() -> bool:
            found[:] = [action for action in self.actions if action["Action"] == name]
            return len(found) >= times

        async with asyncio.timeout(10), self._heard:
            await self._heard.wait_for(enough)
        return found

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        self.connections += 1
        self._writer = writer
        self.peer = writer.get_extra_info("peername")[0]
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        try:
            while packet := await reader.readuntil(b"\r\n\r\n"):
                lines = packet.decode().split("\r\n")[:-2]
                action = dict(line.split(": ", 1) for line in lines)
                self._answer(action, writer)
                async with self._heard:
                    self.actions.append(action)
                    self._heard.notify_all()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            self._talks.discard(task)

    def _answer(self, action: dict[str, str], writer: asyncio.StreamWriter) -> None:
        def say(text: str) -> None:
            writer.write(text.strip().replace("\n", "\r\n").encode() + b"\r\n\r\n")

        name, action_id = action["Action"], f"ActionID: {action['ActionID']}"
        if name in self.answers:
            text = self.answers[name](action)
            if text is not None:
                first, _, rest = text.partition("\n")
                say(f"{first}\n{action_id}\n{rest}")
        elif name == "Login" and action["Secret"] != SECRET:
            say(f"Response: Error\n{action_id}\nMessage: Authentication failed")
        elif name in LISTS:
            say(f"Response: Success\n{action_id}\nEventList: start\nMessage: follows")
            for item in self.items[name]:
                first, _, rest = item.partition("\n")
                say(f"{first}\n{action_id}\n{rest}")
            say(f"Event: {LISTS[name]}\n{action_id}\nEventList: Complete\nListItems: 0")
        else:
            say(f"Response: Success\n{action_id}\nMessage: done")
            if name == "Login":
                say("Event: FullyBooted\nPrivilege: system,all\nStatus: Fully Booted")


@contextlib.asynccontextmanager
async def scripted_ami() -> AsyncIterator[ScriptedAmi]:
    """Run a scripted peer for one test."""
    peer = ScriptedAmi()
    await peer.start()
    try:
        yield peer
    finally:
        await peer.stop()

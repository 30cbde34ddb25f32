"""An installation with scripted peers: fuzhou-1 and edge-1 take everything, unless told otherwise."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from click.testing import CliRunner, Result

from service.cli import main
from service.conf_apply import Applied, apply
from service.node_switch import expected
from service.render import render_configuration, render_in_memory
from tests.component.ami_bridge.scripted_ami import ScriptedAmi
from tieline.database import Database
from tieline.settings import Settings, load_settings
from tieline.store import AuditRow, fetch_audit
from tieline.topology import Address

ROOT = Path(__file__).resolve().parents[3]
QUEUES = "fuzhou-1/queues.conf"
BOOTED = "Response: Success\nMessage: Authentication accepted\n\nEvent: FullyBooted\nStatus: Fully Booted"
COMPLAINT = "[2026] WARNING[3] app_queue.c: Unknown keyword in queue 'x': y at line 3 of queues.conf\n"
OF_A_CALL = "[2026] WARNING[9][C-00000001] app_dial.c: Unable to create channel\n"


class Node(ScriptedAmi):
    """fuzhou-1: takes everything, unless told otherwise.

    Attributes:
        grumbles: What each reload in turn writes into the log.
        lists: What it lists, by action.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log = Path()
        self.grumbles: list[str] = []
        self.lists: dict[str, list[str]] = {"QueueSummary": [], "PJSIPShowEndpoints": [], "ShowDialPlan": []}
        self.answers = {
            "Login": lambda _: BOOTED,
            "Reload": self._reload,
            "Getvar": self._mark,
            **dict.fromkeys(self.lists, self._list),
        }

    @property
    def reloads(self) -> list[str]:
        return [action["Module"] for action in self.actions if action["Action"] == "Reload"]

    def _write(self, text: str) -> None:
        with self.log.open("a") as log:
            log.write(text)

    def _reload(self, _: dict[str, str]) -> str:
        self._write(OF_A_CALL + (self.grumbles.pop(0) if self.grumbles else ""))
        return "Response: Success\nMessage: Module Reloaded"

    def _mark(self, action: dict[str, str]) -> str:
        self._write(f"[2026] ERROR[3] pbx_functions.c: Function {action['Variable'][:-2]} not registered\n")
        return "Response: Success\nValue: "

    def _list(self, action: dict[str, str]) -> str:
        packets = [f"{item}\nActionID: {action['ActionID']}" for item in self.lists[action["Action"]]]
        end = f"Event: End\nActionID: {action['ActionID']}\nEventList: Complete"
        return "\n\n".join(["Response: Success\nEventList: start", *packets, end])


@dataclass
class Edge:
    """edge-1: has taken in `trunks`, unless it refuses."""

    trunks: list[tuple[str, str]] = field(default_factory=list)
    refuses: str = ""
    methods: list[str] = field(default_factory=list)

    async def rpc(self, request: web.Request) -> web.Response:
        method = (await request.json())["method"]
        self.methods.append(method)
        if method == self.refuses:
            return web.json_response({"jsonrpc": "2.0", "id": 1, "error": {"code": 500, "message": "bad list"}})
        if method == "htable.dump":
            slot = [{"name": "tg-putian", "value": 3, "type": "int"}]
            return web.json_response({"jsonrpc": "2.0", "id": 1, "result": [{"entry": 5, "size": 1, "slot": slot}]})
        rows = [{"table": 1, "group": 1, "item": {"ip": ip, "port": 0, "tag": tag}} for ip, tag in self.trunks]
        return web.json_response({"jsonrpc": "2.0", "id": 1, "result": rows})


@dataclass
class Installation:
    """What is installed: everything as rendered."""

    settings: Settings
    settings_file: Path
    node: Node
    edge: Edge

    def file(self, name: str) -> Path:
        owner, file = name.split("/")
        [path] = [path for path in (self.settings.conf_out / owner).rglob(file) if not path.name.startswith(".")]
        return path

    def spoil(self, name: str) -> str:
        """Install something older; gives it."""
        path = self.file(name)
        path.write_text(path.read_text() + "; older\n")
        return path.read_text()

    async def apply(self) -> Applied:
        return await apply(self.settings, only=("fuzhou-1", "edge-1"))


@asynccontextmanager
async def served(edge: Edge) -> AsyncIterator[Address]:
    app = web.Application()
    app.router.add_post("/RPC", edge.rpc)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield Address("127.0.0.1", int(site.name.rsplit(":", 1)[1]))
    finally:
        await runner.cleanup()


@asynccontextmanager
async def installation(folder: Path) -> AsyncIterator[Installation]:
    node, edge = Node(), Edge()
    await node.start()
    async with served(edge) as rpc:
        text = (ROOT / "examples/fujian.toml").read_text()
        text = text.replace("127.0.21.1:5038", f"127.0.0.1:{node.port}").replace("127.0.10.1:8060", str(rpc))
        (folder / "network.toml").write_text(text)
        settings_file = folder / "settings.toml"
        settings_file.write_text(
            f'topology = "network.toml"\nagents = "{ROOT}/examples/agents.toml"\n'
            f'quotas = "{ROOT}/examples/quotas.toml"\nstate = "state"\n'
        )
        settings = load_settings(settings_file, {})
        render_configuration(settings)
        node.log = settings.state / "nodes/fuzhou-1/log/messages.log"
        node.log.write_text(COMPLAINT)  # of long ago
        rendering = render_in_memory(settings)
        wanted = expected(rendering.plan, next(iter(rendering.plan.topology.nodes.values())), rendering.files)
        node.lists["QueueSummary"] = [f"Event: QueueSummary\nQueue: {name}" for name in wanted.queues]
        node.lists["PJSIPShowEndpoints"] = [f"Event: EndpointList\nObjectName: {name}" for name in wanted.endpoints]
        node.lists["ShowDialPlan"] = [
            f"Event: ListDialplan\nContext: {name}\nPriority: {number}\nRegistrar: pbx_config"
            for name, count in wanted.dialplan.items()
            for number in range(count)
        ]
        yield Installation(settings, settings_file, node, edge)
    await node.stop()


async def command(installed: Installation, *words: str) -> Result:
    """Run a command; it has a loop of its own, so a thread, too."""
    asked = [*words, "--settings", str(installed.settings_file)]
    return await asyncio.to_thread(CliRunner().invoke, main, asked)


def audit_rows(settings: Settings) -> list[AuditRow]:
    """The audit trail, the oldest first."""
    database = Database(settings.database_url)
    with database.transaction(reading=True) as connection:
        rows = list(reversed(fetch_audit(connection)))
    database.close()
    return rows

"""`conf apply` against scripted peers: what a node or an edge refuses is rolled back everywhere, and told."""

import asyncio
import fcntl
import json
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner

from ami_bridge.actions import Reloadable
from service import edge_switch, node_switch
from service.cli import main
from service.conf_apply import LOCK, Applied, apply
from service.edge_switch import check_configuration
from service.node_switch import expected
from service.render import render_configuration, render_in_memory
from tests.component.ami_bridge.scripted_ami import ScriptedAmi
from tieline.database import Database
from tieline.errors import ConfigError, NotReady
from tieline.settings import Settings, load_settings
from tieline.store import AuditRow, fetch_audit
from tieline.topology import Address

pytestmark = pytest.mark.component

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


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_switch, "RELOAD_S", 1.0)
    monkeypatch.setattr(edge_switch, "RPC_S", 1.0)


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


@pytest.fixture
async def installed(tmp_path: Path) -> AsyncIterator[Installation]:
    node, edge = Node(), Edge()
    await node.start()
    async with served(edge) as rpc:
        text = (ROOT / "examples/fujian.toml").read_text()
        text = text.replace("127.0.21.1:5038", f"127.0.0.1:{node.port}").replace("127.0.10.1:8060", str(rpc))
        (tmp_path / "network.toml").write_text(text)
        settings_file = tmp_path / "settings.toml"
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


async def test_what_is_taken_stays_and_the_former_is_kept(installed: Installation) -> None:
    older = installed.spoil(QUEUES)
    installed.spoil("fuzhou-1/pjsip.conf")
    installed.spoil("fuzhou-1/hold.conf")
    done = await installed.apply()
    assert done.ok, done
    assert done.changed == ("fuzhou-1/hold.conf", "fuzhou-1/pjsip.conf", QUEUES)
    assert installed.node.reloads == ["app_queue.so", "pbx_config.so", "res_pjsip.so"]
    assert "; older" not in installed.file(QUEUES).read_text()
    kept = installed.file(QUEUES).with_name(".queues.conf.former")
    assert kept.read_text() == older
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert {line.split(":")[0] for line in done.not_told} == {"fuzhou", "xiamen"}  # no Redis here
    assert (await installed.apply()).changed == ()


async def test_what_a_node_complains_about_is_rolled_back(installed: Installation) -> None:
    older = installed.spoil(QUEUES)
    installed.node.grumbles = [COMPLAINT]
    done = await installed.apply()
    assert (done.ok, done.rolled_back) == (False, True)
    assert done.refused == ("fuzhou-1: app_queue.c: Unknown keyword in queue 'x': y at line 3 of queues.conf",)
    assert installed.file(QUEUES).read_text() == older
    assert installed.node.reloads == ["app_queue.so"] * 2


@pytest.mark.parametrize(
    ("file", "action", "told"),
    [
        (QUEUES, "QueueSummary", "queue net-"),
        ("fuzhou-1/pjsip.conf", "PJSIPShowEndpoints", "endpoint "),
        ("fuzhou-1/hold.conf", "ShowDialPlan", " priorities"),
    ],
)
async def test_what_a_node_does_not_list_is_rolled_back(
    installed: Installation, file: str, action: str, told: str
) -> None:
    older = installed.spoil(file)
    installed.node.lists[action].pop()
    done = await installed.apply()
    assert done.rolled_back is True
    [refused] = done.refused
    assert told in refused
    assert installed.file(file).read_text() == older


async def test_a_node_that_refuses_the_former_files_too_is_told(installed: Installation) -> None:
    installed.spoil(QUEUES)
    installed.node.grumbles = [COMPLAINT, COMPLAINT]
    done = await installed.apply()
    assert done.rolled_back is False
    assert done.refused[1].startswith("and the former files again: fuzhou-1: app_queue.c")


async def test_what_the_edge_makes_something_else_of_is_rolled_back_at_the_nodes_too(installed: Installation) -> None:
    older = [installed.spoil(QUEUES), installed.spoil("edge-1/trunks.list")]
    installed.edge.trunks = [("127.0.24.1", "fuzhou:tg-fuzhou")]
    done = await installed.apply()
    assert done.rolled_back is True
    assert "edge-1: trunk group 127.0.24.2 xiamen:tg-xiamen: missing" in done.refused
    assert [installed.file(QUEUES).read_text(), installed.file("edge-1/trunks.list").read_text()] == older
    assert installed.node.reloads == ["app_queue.so"] * 2
    assert installed.edge.methods.count("permissions.addressReload") == 2


async def test_who_is_interrupted_leaves_nothing_half_done(installed: Installation) -> None:
    older = installed.spoil(QUEUES)
    silent = asyncio.Event()

    def say_nothing(_: dict[str, str]) -> None:
        silent.set()

    installed.node.answers["Reload"], usual = say_nothing, installed.node.answers["Reload"]
    task = asyncio.create_task(installed.apply())
    await silent.wait()
    assert installed.file(QUEUES).read_text() != older
    installed.node.answers["Reload"] = usual
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert installed.file(QUEUES).read_text() == older
    assert installed.node.reloads == ["app_queue.so"] * 2


async def test_an_edge_that_refuses_a_list_says_why(installed: Installation) -> None:
    installed.spoil("edge-1/dispatcher.list")
    installed.edge.refuses = "dispatcher.reload"
    done = await installed.apply()
    assert done.refused[0] == "edge-1: dispatcher.reload: bad list"


async def test_nothing_is_changed_while_a_node_is_away(installed: Installation) -> None:
    older = installed.spoil(QUEUES)
    await installed.node.stop()
    done = await installed.apply()
    assert (done.ok, done.rolled_back) == (False, None)
    assert "no answer" in done.refused[0]
    assert installed.file(QUEUES).read_text() == older


async def test_what_only_a_restart_takes_in_is_put_in_place_and_told(installed: Installation) -> None:
    installed.spoil("fuzhou-1/rtp.conf")
    done = await installed.apply()
    assert (done.ok, done.restart, done.reloaded) == (True, ("fuzhou-1/rtp.conf",), ())
    assert installed.node.connections == 0


async def test_a_kamailio_cfg_that_kamailio_refuses_is_not_installed(
    installed: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    older = installed.spoil("edge-1/kamailio.cfg")
    program = tmp_path / "bin/kamailio"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\ntest "$1 $2" = "-c -f" && test -s "$3" && echo "ERROR: line 3" && exit 255\n')
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    done = await installed.apply()
    assert (done.ok, done.refused) == (False, ("edge-1/kamailio.cfg: ERROR: line 3",))
    program.write_text("#!/bin/sh\nexit 0\n")
    assert await check_configuration(installed.file("edge-1/kamailio.cfg")) == ""
    assert installed.file("edge-1/kamailio.cfg").read_text() == older
    monkeypatch.setenv("PATH", "/nowhere")
    done = await installed.apply()
    assert (done.restart, done.unchecked) == (
        ("edge-1/kamailio.cfg",),
        ("edge-1/kamailio.cfg: this host has no kamailio",),
    )


async def test_two_at_once_and_unknown_names_are_refused(installed: Installation) -> None:
    with pytest.raises(ConfigError, match="edge-9"):
        await apply(installed.settings, only=("edge-9",))
    with (installed.settings.conf_out / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(NotReady):
            await installed.apply()


async def test_the_command_line_shows_masks_applies_and_audits(installed: Installation) -> None:
    path = installed.file("fuzhou-1/manager.conf")
    secret = next(line for line in path.read_text().splitlines() if line.startswith("secret"))
    path.write_text(path.read_text().replace(secret, "secret = older"))

    async def run(*words: str) -> Any:
        asked = [*words, "--settings", str(installed.settings_file)]
        return await asyncio.to_thread(CliRunner().invoke, main, asked)

    shown = await run("conf", "diff")
    assert (shown.exit_code, shown.stdout.count("secret = ***")) == (1, 2)
    assert secret not in shown.stdout
    done = await run("conf", "apply", "--only", "fuzhou-1", "--why", "new secret", "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["ok"], told["reloaded"]) == (0, True, [f"fuzhou-1 {Reloadable.MANAGER}"])
    assert (await run("conf", "diff")).exit_code == 0
    installed.spoil(QUEUES)
    installed.node.grumbles = [COMPLAINT]
    refused = await run("conf", "apply", "--only", "fuzhou-1", "--why", "new queue")
    assert refused.exit_code == 1
    assert "every file is as it was" in refused.stderr
    assert [(row.action, row.subject, row.why) for row in audit_rows(installed.settings)] == [
        ("conf.apply", "conf:fuzhou-1", "new secret"),
        ("conf.apply.refused", "conf:fuzhou-1", "new queue"),
    ]


def audit_rows(settings: Settings) -> list[AuditRow]:
    """The audit trail, the oldest first."""
    database = Database(settings.database_url)
    with database.transaction(reading=True) as connection:
        rows = list(reversed(fetch_audit(connection)))
    database.close()
    return rows

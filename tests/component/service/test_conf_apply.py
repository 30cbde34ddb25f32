"""`conf apply` against scripted peers: what a node or an edge refuses is rolled back everywhere, and told."""

import asyncio
import fcntl
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import Result

from ami_bridge.actions import Reloadable
from service import node_switch
from service.conf_apply import LOCK, apply
from service.edge_switch import check_configuration
from tests.component.service.installation import COMPLAINT, QUEUES, Installation, audit_rows, command, installation
from tieline.errors import ConfigError, NotReady
from tieline.topology import TrunkState
from trunk_config import edge_rpc
from trunk_config.trunk_file import with_state

pytestmark = pytest.mark.component


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_switch, "RELOAD_S", 1.0)
    monkeypatch.setattr(edge_rpc, "RPC_S", 1.0)


@pytest.fixture
async def installed(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installation(tmp_path) as made:
        yield made


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

    async def run(*words: str) -> Result:
        return await command(installed, *words)

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


async def test_a_trunk_group_whose_blocking_is_refused_is_in_service_in_the_file_too(installed: Installation) -> None:
    network = installed.settings.topology
    text = network.read_text()
    refused = await command(installed, "trunk", "block", "tg-putian", "--why", "new card")  # xiamen-1 is not there
    assert (refused.exit_code, "xiamen-1: " in refused.stderr) == (1, True)
    assert network.read_text() == text
    assert [row.action for row in audit_rows(installed.settings)] == ["trunk.block.refused"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("trunk", "block", "tg-nowhere", "--why", "new card"), "no such trunk group"),
        (("trunk", "block", "tg-putian", "--why", " "), "no reason given"),
        (("conf", "apply", "--only", "nowhere", "--why", "new card"), "nowhere"),
    ],
)
async def test_what_is_wrong_before_anything_is_done_is_audited(
    installed: Installation, words: tuple[str, ...], said: str
) -> None:
    text = installed.settings.topology.read_text()
    refused = await command(installed, *words)
    assert (refused.exit_code, said in refused.stderr) == (2, True), refused.output
    assert (installed.settings.topology.read_text(), installed.node.connections) == (text, 0)
    [row] = audit_rows(installed.settings)
    assert (row.action, said in str(row.after)) == (f"{words[0]}.{words[1]}.refused", True)


async def test_a_trunk_group_is_blocked_alone_not_with_what_else_waits(installed: Installation) -> None:
    network = installed.settings.topology
    installed.spoil(QUEUES)
    text = network.read_text()
    refused = await command(installed, "trunk", "block", "tg-putian", "--why", "new card")
    assert (refused.exit_code, QUEUES in refused.stderr) == (2, True)
    assert (network.read_text(), installed.node.connections) == (text, 0)


async def test_a_trunk_group_out_of_service_is_not_put_into_service_by_the_way(installed: Installation) -> None:
    network = installed.settings.topology
    text = with_state(network.read_text(), "tg-putian", TrunkState.OUT_OF_SERVICE)
    network.write_text(text)
    refused = await command(installed, "trunk", "unblock", "tg-putian", "--why", "new card")
    assert (refused.exit_code, "out of service" in refused.stderr) == (2, True)
    assert network.read_text() == text
    listed = json.loads((await command(installed, "trunk", "list", "--json")).stdout)
    [putian] = [row for row in listed if row["id"] == "tg-putian"]
    assert (putian["state"], putian["channels"], putian["access"]) == ("out_of_service", 60, 0)
    assert [row["refused"] for row in listed[:2]] == [0, 3]
    installed.edge.refuses = "htable.dump"
    listed = json.loads((await command(installed, "trunk", "list", "--json")).stdout)
    assert {row["refused"] for row in listed} == {None}
    assert "?" in (await command(installed, "trunk", "list")).stdout

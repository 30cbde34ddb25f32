"""How commands come in, whatever state Redis and the node are in."""

import asyncio
import contextlib
from typing import Any, cast

import pytest

from ami_bridge import commands
from ami_bridge.actions import Action
from ami_bridge.client import Client
from ami_bridge.commands import CommandFollower
from ami_bridge.correlator import Reply
from ami_bridge.node_link import NodeLink
from tieline import bus
from tieline.live import Live
from tieline.redis_link import ScriptError

pytestmark = pytest.mark.unit

NOW = 100.0


class Stream:
    """In place of Redis: refuses at first, as while it loads its data, then gives what it has, once."""

    def __init__(self, *told: bus.Command) -> None:
        self.entries = [(f"{number}-0", bus.encode(one)) for number, one in enumerate(told, 1)]
        self.asked = 0
        self.read_out = asyncio.Event()

    async def last_id(self, stream: str) -> str:
        self.asked += 1
        if self.asked == 1:
            raise ScriptError(f"LOADING {stream}")
        return "0-0"

    async def read(self, stream: str, after: str) -> list[tuple[str, bytes]]:
        entries, self.entries = self.entries, []
        if not entries:
            self.read_out.set()
            await asyncio.Event().wait()
        return entries


class Node:
    """In place of a node: does everything, the first thing only when it may.

    Attributes:
        done: What it was told, by action and agent.
    """

    def __init__(self, *, is_up: bool) -> None:
        self.is_up = is_up
        self.done: list[tuple[str, str]] = []
        self.may = asyncio.Event()
        self.all_done = asyncio.Event()

    async def do(self, action: Action, *, deadline_s: float) -> Reply:
        self.done.append((action.name, dict(action.headers()).get("Interface", "")))
        await self.may.wait()
        if action.name == "QueueStatus":
            self.all_done.set()
        return Reply(success=True, message="")


def follower(stream: Stream, node: Node) -> CommandFollower:
    return CommandFollower(
        "fuzhou-1",
        cast("Live", cast("Any", stream)),
        cast("Client", cast("Any", node)),
        NodeLink("fuzhou-1", "127.0.0.1", 5038, "tieline-call", ""),
        lambda: NOW,
        take_snapshot=lambda: None,
        leg_of=lambda _call_id, _agent: "",
    )


@contextlib.asynccontextmanager
async def following(one: CommandFollower) -> Any:
    task = asyncio.create_task(one.run())
    async with asyncio.timeout(5):
        yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def member(agent: str) -> bus.SetQueueMember:
    return bus.SetQueueMember(at=NOW, agent=agent, paused=True)


WHOLE = bus.SetNetQueues(at=NOW, queues=(), paused={})


async def test_a_redis_that_loads_its_data_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "RETRY_S", 0)
    stream, node = Stream(bus.TakeSnapshot(at=NOW)), Node(is_up=True)
    one = follower(stream, node)
    async with following(one):
        await stream.read_out.wait()
    assert (stream.asked, one.done) == (2, 1)


async def test_setting_all_of_the_nets_members_replaces_the_changes_that_still_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(commands, "RETRY_S", 0)
    stream, node = Stream(member("a1001"), member("a1002"), WHOLE), Node(is_up=True)
    async with following(follower(stream, node)):
        await stream.read_out.wait()
        node.may.set()
        await node.all_done.wait()
    assert node.done == [("QueueStatus", "")]


async def test_while_the_link_is_down_no_changes_of_the_net_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "RETRY_S", 0)
    stream, node = Stream(member("a1001"), member("a1002")), Node(is_up=False)
    one = follower(stream, node)
    async with following(one):
        await stream.read_out.wait()
    assert (node.done, one.failed) == ([], 2)

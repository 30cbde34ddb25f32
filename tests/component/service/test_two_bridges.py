"""Two processes with bridges for one node: one is linked to it, the other takes over when that one ends."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from service.context import SiteContext
from service.parts.bridge import bridges
from service.parts.shared import Shared
from tests.component.ami_bridge.scripted_ami import SECRET, ScriptedAmi, scripted_ami
from tests.component.service.calling_back import FUZHOU, TOPOLOGY
from tieline.live import Live
from tieline.topology import Address

pytestmark = pytest.mark.component


@pytest.fixture
async def node() -> AsyncIterator[ScriptedAmi]:
    async with scripted_ami() as one:
        yield one


def process(node: ScriptedAmi, live: Live) -> Shared:
    """A process of a site with one node."""
    only = replace(FUZHOU.nodes[0], ami=Address("127.0.0.1", node.port))
    context = SimpleNamespace(
        site=replace(FUZHOU, nodes=(only,), local_address=""),
        topology=TOPOLOGY,
        secrets=SimpleNamespace(ami_password=SECRET, ami_caller_password=SECRET),
    )
    return Shared(cast("SiteContext", context), (), live, cast("Any", None), ExitStack())


async def asked_for_the_lease(live: Live, times: int) -> None:
    """Wait until the lease was asked for so often, by whomever."""
    await live.call("CONFIG", "RESETSTAT")
    pattern = "cmdstat_evalsha:calls="
    while True:
        stats = (await live.call("INFO", "commandstats")).decode()
        if pattern in stats and int(stats.split(pattern)[1].split(",")[0]) >= times:
            return


async def test_a_second_bridge_links_only_once_the_first_has_ended(node: ScriptedAmi, live: Live) -> None:
    first, second = process(node, live), process(node, live)
    acting = f"bridging_{FUZHOU.nodes[0].id}"
    async with AsyncExitStack() as began_first:
        await began_first.enter_async_context(bridges(first))
        await node.heard("CoreShowChannels")
        async with bridges(second):
            await asked_for_the_lease(live, 6)
            assert (first.metrics[acting]()["acting"], second.metrics[acting]()["acting"]) == (True, False)
            assert node.connections == 1
            await began_first.aclose()
            await node.heard("CoreShowChannels", 2)
            assert (first.metrics[acting]()["acting"], second.metrics[acting]()["acting"]) == (False, True)

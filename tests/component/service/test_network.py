"""A network that was applied is taken in by the running services, and only then."""

import pytest

from service.network import NetworkWatch, tell_site
from tests.unit.trunk_config.network import TOPOLOGY, out_of_service
from tieline import bus
from tieline.errors import ConfigError
from tieline.live import Live, commands_stream
from tieline.model import NodeId
from tieline.topology import Topology

pytestmark = pytest.mark.component


async def test_a_network_is_read_again_when_it_was_applied(live: Live) -> None:
    file = [TOPOLOGY]
    taken: list[Topology] = []
    watch = NetworkWatch(live, lambda: file[0])

    async def take(topology: Topology) -> None:
        taken.append(topology)

    watch.subscribe(take)
    file[0] = out_of_service(TOPOLOGY, "tg-putian")
    await watch.look()
    assert taken == []
    await tell_site(live, [NodeId("fuzhou-1")], now=1000.0)
    await watch.look()
    await watch.look()
    assert taken == [file[0]]
    [(_, asked)] = await live.read(commands_stream("fuzhou-1"), "0-0")
    assert isinstance(bus.decode_command(asked), bus.TakeSnapshot)
    await live.call("FLUSHALL")
    await watch.look()
    assert watch.metrics() == {"networks_taken": 1, "networks_refused": 0}


async def test_a_file_that_is_faulty_by_now_changes_nothing(live: Live) -> None:
    taken: list[Topology] = []

    def read() -> Topology:
        raise ConfigError("fujian.toml", [])

    async def take(topology: Topology) -> None:
        taken.append(topology)

    watch = NetworkWatch(live, read)
    watch.subscribe(take)
    await tell_site(live, [], now=1000.0)
    await watch.look()
    assert (taken, watch.metrics()["networks_refused"]) == ([], 1)

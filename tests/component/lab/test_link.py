"""The link between two sites is cut and joined again, in a lab with a network of its own and in no other."""

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from lab.client import LabClient
from lab.errors import LabError
from lab.link import cut, heal
from lab.own_network import netns_command
from lab.parts import AnswersLine, Exits, Part
from lab.plan import HOME
from tests.support.lab import lab_client, orders_of, redis_part
from tieline.model import SiteId
from tieline.topology import Address
from tieline.topology_file import load_topology

pytestmark = pytest.mark.component

SITES = load_topology(HOME / "examples/fujian.toml").sites
FUZHOU, XIAMEN = SITES[SiteId("fuzhou")], SITES[SiteId("xiamen")]
AT_XIAMEN = Address(XIAMEN.redis.host, 6379)
SILENT = 7
CONNECT = f"""
import socket, sys
door = socket.socket()
door.settimeout(0.5)
door.bind((sys.argv[1], 0))
try:
    door.connect(("{AT_XIAMEN.host}", {AT_XIAMEN.port}))
except TimeoutError:
    sys.exit({SILENT})
"""


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[LabClient]:
    """A Redis in Xiamen, in a network namespace of its own."""
    argv = ("redis-server", "--bind", AT_XIAMEN.host, "--save", "", "--dir", str(tmp_path))
    ready = AnswersLine(AT_XIAMEN, b"PING\r\n", b"+PONG")
    part = msgspec.structs.replace(redis_part(tmp_path), argv=(*argv, "--protected-mode", "no"), ready=ready)
    with lab_client(tmp_path) as client:
        assert client.up(orders_of(tmp_path, part), print, wrapper=netns_command()).ok
        yield client


def connecting(client: LabClient, source: str) -> int:
    argv = (sys.executable, "-c", CONNECT, source)
    log = str(client.state / "connect.log")
    return client.run(Part(name="connect", argv=argv, ready=Exits(), log=log, in_root=False))


def test_a_cut_is_silent_between_the_two_sites_alone_and_heals(alone: LabClient) -> None:
    edge = "127.0.10.1"
    assert connecting(alone, FUZHOU.local_address) == 0
    for _ in range(2):  # a second cut changes nothing
        cut(alone, FUZHOU, XIAMEN)
    assert connecting(alone, FUZHOU.local_address) == SILENT
    assert connecting(alone, XIAMEN.local_address) == 0
    assert connecting(alone, edge) == 0
    heal(alone)
    assert connecting(alone, FUZHOU.local_address) == 0
    cut(alone, XIAMEN, FUZHOU)
    assert connecting(alone, FUZHOU.local_address) == SILENT


def test_a_lab_in_the_machines_own_network_is_not_cut(tmp_path: Path) -> None:
    with lab_client(tmp_path) as client:
        assert client.up(orders_of(tmp_path, redis_part(tmp_path)), print).ok
        with pytest.raises(LabError, match="--netns"):
            cut(client, FUZHOU, XIAMEN)

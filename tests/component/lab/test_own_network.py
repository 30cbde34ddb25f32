"""A lab in a network namespace of its own: reachable through its socket alone."""

import socket
from pathlib import Path

import pytest

from lab.own_network import netns_command
from lab.parts import AnswersLine
from lab.supervisor import Request
from tests.support.lab import lab_client, orders_of, redis_part

pytestmark = pytest.mark.component


def test_what_listens_inside_cannot_be_reached_from_outside(tmp_path: Path) -> None:
    part = redis_part(tmp_path)
    assert isinstance(part.ready, AnswersLine)
    address = part.ready.address
    with lab_client(tmp_path) as client:
        assert client.up(orders_of(tmp_path, part), lambda _line: None, wrapper=netns_command()).ok
        assert client.ask(Request(do="status")).listening == (str(address),)
        with socket.socket() as door:
            assert door.connect_ex((address.host, address.port)) != 0

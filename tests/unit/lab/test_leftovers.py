"""Reading the kernel's socket tables."""

import pytest

from lab.leftovers import is_loopback, parse_socket
from tieline.topology import Address

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0100007F:1F90", Address("127.0.0.1", 8080)),
        ("00000000:13C4", Address("0.0.0.0", 5060)),
        ("00000000000000000000000001000000:0016", Address("::1", 22)),
        ("00000000000000000000000000000000:0016", Address("::", 22)),
    ],
)
def test_addresses_of_proc_net(text: str, address: Address) -> None:
    assert parse_socket(text) == address


def test_only_loopback_is_hidden_from_outside() -> None:
    assert [is_loopback(Address(host, 1)) for host in ("127.3.21.1", "::1", "0.0.0.0", "::", "10.0.0.1")] == [
        True,
        True,
        False,
        False,
        False,
    ]

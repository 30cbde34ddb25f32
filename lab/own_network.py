"""Bring the loopback of a fresh network namespace up, then run a program: `python -m lab.own_network X …`."""

import fcntl
import os
import socket
import struct
import sys
from typing import Final

_GET_FLAGS: Final = 0x8913
_SET_FLAGS: Final = 0x8914
_UP: Final = 0x1
_REQUEST: Final = struct.Struct("16sH14x")
"""struct ifreq of netdevice(7): name, flags."""


def loopback_up() -> None:
    """Set the interface `lo` up.

    Raises:
        OSError: Not allowed: this process has no network namespace of its own.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        answer = fcntl.ioctl(door, _GET_FLAGS, _REQUEST.pack(b"lo", 0))
        _name, flags = _REQUEST.unpack(answer)
        fcntl.ioctl(door, _SET_FLAGS, _REQUEST.pack(b"lo", flags | _UP))


def is_alone() -> bool:
    """Tell whether this process has no network interface but the loopback."""
    return [name for _number, name in socket.if_nameindex()] == ["lo"]


def netns_command() -> tuple[str, ...]:
    """Give the command that runs a program where nothing but its own loopback can be reached.

    Without root a lab always runs so: SIPp sends keys from a raw socket, which an ordinary user may open only in a
    namespace of his own (SIPp 3.8, "Can't create raw IPv4 socket").
    """
    mapped = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    return ("unshare", *mapped, "--net", sys.executable, "-m", "lab.own_network")


if __name__ == "__main__":
    loopback_up()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - becomes the program that its own command line names

"""What a lab has running and listening, read from /proc: for `status`, for a clean start, for the tests."""

import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from lab.process import family
from tieline.topology import Address

MARK: Final = "LAB_OF_TIELINE"
"""Environment variable that each process of a lab is started with; its value is the lab's state directory."""

_WILDCARDS: Final = ("0.0.0.0", "::")  # noqa: S104 - recognised here, never bound
_EPHEMERAL: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_TCP_LISTEN: Final = "0A"
_UDP_UNCONNECTED: Final = "07"


def processes_of(state: Path) -> tuple[int, ...]:
    """Give the ids of all processes of the lab in `state`.

    They carry its mark, descend from one that does, or write to one of its logs: Redis and PostgreSQL write their
    titles over their environment, and outlive bwrap for a moment when that is killed.
    """
    wanted = f"{MARK}={state}".encode()
    marked = [pid for pid in _pids() if wanted in _environment(pid) or _writes_below(pid, state)]
    return tuple(sorted({member for pid in marked for member in family(pid)}))


def listening(pids: Iterable[int]) -> Mapping[Address, int]:
    """Give what these processes listen on (TCP and UDP): address to process id.

    Left out are UDP sockets on the wildcard address with a port that the kernel chose: clients look so. PJSIP's
    DNS client is one; it cannot be turned off (Asterisk 22.10 res_pjsip, pj_dns_resolver_create).
    """
    found: dict[Address, int] = {}
    tables: dict[str, dict[str, Address]] = {}
    for pid in pids:
        namespace = _network(pid)
        if namespace not in tables:
            tables[namespace] = dict(_sockets(pid))
        for inode in _inodes(pid):
            if inode in tables[namespace]:
                found[tables[namespace][inode]] = pid
    return found


def is_loopback(address: Address) -> bool:
    """Tell whether nobody outside the machine can reach an address."""
    return address.host.startswith("127.") or address.host == "::1"


def _pids() -> Iterator[int]:
    return (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())


def _environment(pid: int) -> tuple[bytes, ...]:
    try:
        return tuple(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
    except OSError:
        return ()


def _writes_below(pid: int, state: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/fd/1").readlink().is_relative_to(state)
    except OSError:
        return False


def _network(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return ""


def _inodes(pid: int) -> Iterator[str]:
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            target = str(entry.readlink())
            if target.startswith("socket:["):
                yield target[8:-1]
    except OSError:
        return


def _sockets(pid: int) -> Iterator[tuple[str, Address]]:
    """Read the kernel's tables: local address, state and inode are columns 1, 3 and 9 (proc_net_tcp(5))."""
    lowest, highest = (int(port) for port in _EPHEMERAL.read_text().split())
    for table, state in (
        ("tcp", _TCP_LISTEN),
        ("tcp6", _TCP_LISTEN),
        ("udp", _UDP_UNCONNECTED),
        ("udp6", _UDP_UNCONNECTED),
    ):
        try:
            rows = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            columns = row.split()
            address = parse_socket(columns[1])
            is_client = table.startswith("udp") and address.host in _WILDCARDS and lowest <= address.port <= highest
            if columns[3] == state and not is_client:
                yield columns[9], address


def parse_socket(text: str) -> Address:
    """Parse an address of /proc/net: hex in words of the host's byte order, then the port, e.g. `0100007F:1F90`."""
    host, port = text.split(":")
    words = [host[start : start + 8] for start in range(0, len(host), 8)]
    packed = b"".join(struct.pack("=I", int(word, 16)) for word in words)
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return Address(socket.inet_ntop(family, packed), int(port, 16))

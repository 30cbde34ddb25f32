"""Cutting the link between two sites of a lab in a network namespace of its own: packets vanish without a word.

As a program (`python -m lab.link cut A B`, `… heal`, networks as `127.0.21.0/24`) it changes the network namespace
that it runs in, and refuses one with a way out. All addresses are the loopback's, so there is no cable to pull:
packets between the two networks are routed into a device with nobody behind it. A routing rule of type `blackhole`
would tell the sender at once, which no cut cable does. Needs `ip` (iproute2) on the host.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from lab.client import LabClient
from lab.errors import LabError
from lab.parts import Exits, Part
from tieline.topology import Site

_HOLE: Final = "cut"
_FAR_END: Final = "cut-end"
_RULE: Final = "95"
_LOCAL_RULE: Final = "100"
"""Where the rule of the kernel's own first look (0: the loopback's addresses) goes, so that ours comes before it."""

Command = tuple[str, ...]


def network_of(site: Site) -> str:
    """Give the network of a site: all its machines and phones are in it."""
    return site.local_address.rsplit(".", 1)[0] + ".0/24"


def hole_commands() -> Iterator[Command]:
    """Make the device without a far side, once for a namespace."""
    yield ("ip", "link", "add", _HOLE, "type", "veth", "peer", "name", _FAR_END)
    yield ("ip", "link", "set", _HOLE, "arp", "off", "up")
    yield ("ip", "link", "set", _FAR_END, "up")
    yield ("ip", "route", "add", "default", "dev", _HOLE, "table", _RULE)
    yield ("ip", "rule", "add", "pref", _LOCAL_RULE, "table", "local")
    yield ("ip", "rule", "del", "pref", "0")


def cut_commands(one: str, other: str) -> Iterator[Command]:
    """Send what goes between two networks, in both directions, into the hole."""
    for source, target in ((one, other), (other, one)):
        yield ("ip", "rule", "add", "pref", _RULE, "from", source, "to", target, "lookup", _RULE)


def cut(client: LabClient, one: Site, other: Site) -> None:
    """Cut the link between two sites of a running lab.

    Raises:
        LabError: No lab is up, or it shares its network with the machine.
    """
    _inside(client, "cut", network_of(one), network_of(other))


def heal(client: LabClient) -> None:
    """Join again whatever was cut.

    Raises:
        LabError: No lab is up, or it shares its network with the machine.
    """
    _inside(client, "heal")


def _inside(client: LabClient, *words: str) -> None:
    log = client.state / "log" / "link.log"
    log.unlink(missing_ok=True)
    argv = (sys.executable, "-m", "lab.link", *words)
    status = client.run(Part(name="link", argv=argv, ready=Exits(), log=str(log), in_root=False, ready_s=10))
    if status:
        raise LabError(log.read_text(errors="replace").strip() or f"the link could not be changed (status {status})")


def main(words: Sequence[str]) -> int:
    """Do what the command line says, in the network namespace of this process."""
    try:
        _change(words)
    except (LabError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _change(words: Sequence[str]) -> None:
    names = {name for _, name in socket.if_nameindex()}
    if not names <= {"lo", _HOLE, _FAR_END}:
        raise LabError("this lab shares its network with the machine: start it with `tieline lab up --netns`")
    rules = [line for line in _ip(("ip", "rule")).splitlines() if line.startswith(f"{_RULE}:")]
    if words[0] == "heal":
        for _ in rules:
            _ip(("ip", "rule", "del", "pref", _RULE))
        return
    if _HOLE not in names:
        for command in hole_commands():
            _ip(command)
        # Else the kernel drops what comes from a loopback address with an error to the sender.
        Path(f"/proc/sys/net/ipv4/conf/{_HOLE}/route_localnet").write_text("1")
    for command in cut_commands(*words[1:]):
        if not any(line.endswith(" ".join(command[5:])) for line in rules):
            _ip(command)


def _ip(command: Command) -> str:
    # An ordinary user's PATH lacks the directory of `ip`.
    path = {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | path)
    if done.returncode:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

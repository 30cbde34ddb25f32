"""Lets one edge read its lists again over its JSON-RPC, and looks at what it has taken in.

Kamailio loads a line it does not understand as something else and says OK, so its tables are read back. Its own
`kamailio.cfg` can be checked beforehand but takes a restart, which is left to whoever watches the calls.
"""

import asyncio
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tieline.errors import TielineError
from tieline.topology import Address, Topology
from trunk_config.edge_rpc import call_edge
from trunk_config.render import all_trunks, site_sets, trunk_tag

CHECK_S: Final = 20.0
TRUNKS: Final = "trunks.list"
DISPATCHER: Final = "dispatcher.list"
CONFIGURATION: Final = "kamailio.cfg"
_RELOADS: Final[Mapping[str, str]] = {TRUNKS: "permissions.addressReload", DISPATCHER: "dispatcher.reload"}


def methods_of(names: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Say what to call for changed files, and which files only a restart takes in."""
    methods = tuple(method for name, method in _RELOADS.items() if name in names)
    return methods, tuple(sorted(set(names) - set(_RELOADS)))


@dataclass(frozen=True, slots=True)
class EdgeTables:
    """What an edge knows when it has taken everything in.

    Attributes:
        trunks: Address and tag of each trunk group.
        nodes: Dispatcher set and address of each node.
    """

    trunks: frozenset[tuple[str, str]]
    nodes: frozenset[tuple[int, str]]


def edge_tables(topology: Topology) -> EdgeTables:
    """Read out of the topology, not out of a file that may be faulty, what an edge is to know. Pure."""
    sets = site_sets(topology.sites.values())
    return EdgeTables(
        trunks=frozenset((trunk.source, trunk_tag(city, trunk)) for city, trunk in all_trunks(topology)),
        nodes=frozenset((sets[node.site], f"sip:{node.sip}") for node in topology.nodes.values()),
    )


class EdgeSwitch:
    """One edge.

    Args:
        rpc: Its JSON-RPC.
    """

    def __init__(self, rpc: Address) -> None:
        self._rpc = rpc

    async def there(self) -> list[str]:
        """Tell what is wrong with the edge before anything is changed."""
        try:
            await call_edge(self._rpc, "core.version")
        except TielineError as error:
            return [str(error)]
        return []

    async def reload(self, methods: Collection[str]) -> list[str]:
        """Reload lists; gives what was refused."""
        refused = []
        for method in methods:
            try:
                await call_edge(self._rpc, method)
            except TielineError as error:
                refused.append(str(error))
        return refused

    async def unlike(self, methods: Collection[str], wanted: EdgeTables) -> list[str]:
        """Tell where tables that were reloaded are not as they should be."""
        try:
            trunks = await self._trunks(wanted.trunks) if _RELOADS[TRUNKS] in methods else []
            nodes = await self._nodes(wanted.nodes) if _RELOADS[DISPATCHER] in methods else []
        except TielineError as error:
            return [str(error)]
        except (KeyError, TypeError) as error:
            return [f"an answer of another form than expected: {error!r}"]
        return [*trunks, *nodes]

    async def _trunks(self, wanted: Collection[tuple[str, str]]) -> list[str]:
        rows = await call_edge(self._rpc, "permissions.addressDump")
        return _unequal("trunk group", wanted, {(row["item"]["ip"], row["item"]["tag"]) for row in rows})

    async def _nodes(self, wanted: Collection[tuple[int, str]]) -> list[str]:
        sets = (await call_edge(self._rpc, "dispatcher.list"))["RECORDS"]
        there = {(one["SET"]["ID"], row["DEST"]["URI"]) for one in sets for row in one["SET"]["TARGETS"]}
        return _unequal("node", wanted, there)


async def check_configuration(path: Path) -> str | None:
    """Let a Kamailio of this host check a `kamailio.cfg` that is not in use yet.

    Returns:
        What is wrong, empty for nothing; None when this host has no Kamailio.
    """
    program = shutil.which("kamailio")
    if program is None:
        return None
    process = await asyncio.create_subprocess_exec(
        program, "-c", "-f", str(path), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(CHECK_S):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return f"no answer of `kamailio -c` within {CHECK_S:g} s"
    if process.returncode == 0:
        return ""
    said = [line for line in output.decode("utf-8", "replace").splitlines() if "ERROR" in line or "CRITICAL" in line]
    return "\n".join(said) or f"`kamailio -c` ended with {process.returncode}"


def _unequal(what: str, wanted: Collection[tuple[Any, str]], there: Collection[tuple[Any, str]]) -> list[str]:
    missing = [f"{what} {first} {second}: missing" for first, second in sorted(set(wanted) - set(there))]
    return missing + [f"{what} {first} {second}: too many" for first, second in sorted(set(there) - set(wanted))]

"""`tieline conf apply`: the rendered configuration gets into use as a whole, or nothing does.

The order: render in memory, let `kamailio -c` see a changed `kamailio.cfg`, put the files in place by renames, reload
what has changed and nothing else, read back. When any node or edge refuses, every file goes back and what was
reloaded is reloaded again. No reload touches a call in progress.
"""

import asyncio
import fcntl
from collections.abc import Awaitable, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from ami_bridge.actions import Reloadable
from ami_bridge.node_link import NodeLink
from service.conf_files import ChangedFile, Swap, by_owner, changed_files, staged
from service.edge_switch import CONFIGURATION, EdgeSwitch, check_configuration, edge_tables, methods_of
from service.network import tell_site
from service.node_switch import NodeSwitch, expected, modules_of
from service.plan import AMI_USER
from service.render import Rendering, render_in_memory
from tieline import secrets_file
from tieline.clock import Clock, system_clock
from tieline.errors import ConfigError, NotReady, Problem, TielineError
from tieline.live import Live
from tieline.model import NodeId
from tieline.secrets_file import Secrets
from tieline.settings import Settings
from tieline.topology import Edge, Node, Site

LOCK: Final = ".apply.lock"

_log = structlog.get_logger("service")


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of an attempt.

    Attributes:
        ok: Everything is in use that can be without a restart.
        changed: Files that differed.
        reloaded: What was told to read its files again, e.g. `fuzhou-1 pbx_config.so`.
        restart: Files that are in place but are read at a start only.
        refused: What refused, and why.
        rolled_back: None when there was nothing to roll back; False when the former files were not taken either.
        unchecked: What could not be checked beforehand.
        not_told: Sites whose Redis did not answer: their Tieline goes on with the former access until its restart.
    """

    ok: bool
    changed: tuple[str, ...] = ()
    reloaded: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    rolled_back: bool | None = None
    unchecked: tuple[str, ...] = ()
    not_told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    """One node or edge whose files change.

    Attributes:
        tasks: Modules or RPC methods to call.
        restart: Files that only a restart takes in.
    """

    owner: str
    files: Mapping[str, ChangedFile]
    tasks: tuple[str, ...]
    restart: tuple[str, ...]


async def apply(settings: Settings, *, only: Collection[str] = (), clock: Clock = system_clock) -> Applied:
    """Bring what the topology, the agents and the menus say into use.

    Args:
        settings: Of the installation.
        only: Nodes and edges of this host; empty for all. Each host applies its own.
        clock: For tests.

    Raises:
        ConfigError: What is to be rendered is faulty, or `only` names what does not exist; nothing was changed.
        NotReady: Somebody else applies at this moment.
    """
    with _alone(settings):
        secrets = secrets_file.load(settings.secrets)
        rendering = render_in_memory(settings)
        check_only(rendering, only)
        changes = changed_files(rendering, only)
        wrong, unchecked = await _check(changes)
        if wrong:
            return Applied(ok=False, changed=_names(changes), refused=wrong)
        done = await _Switchover(rendering, secrets, changes).run()
        if not done.ok:
            return done
        reloaded = {name.split()[0] for name in done.reloaded}
        not_told = await _tell_sites(settings, rendering, secrets, reloaded, clock)
        return Applied(
            ok=True,
            changed=done.changed,
            reloaded=done.reloaded,
            restart=done.restart,
            unchecked=unchecked,
            not_told=not_told,
        )


def check_only(rendering: Rendering, only: Collection[str]) -> None:
    """Check names of nodes and edges.

    Raises:
        ConfigError: With each that does not exist.
    """
    known = {*rendering.plan.paths, *rendering.plan.edge_dirs}
    unknown = [Problem(f"--only {name}", "no node and no edge", ", ".join(sorted(known))) for name in only]
    unknown = [problem for problem, name in zip(unknown, only, strict=True) if name not in known]
    if unknown:
        raise ConfigError("--only", unknown)


class _Switchover:
    """Puts changed files in use, or back."""

    def __init__(self, rendering: Rendering, secrets: Secrets, changes: Sequence[ChangedFile]) -> None:
        self._rendering = rendering
        self._changes = changes
        topology = rendering.plan.topology
        self._edges: Mapping[str, Edge] = {edge.id: edge for edge in topology.edges}
        self._nodes: Mapping[str, Node] = {str(node.id): node for node in topology.nodes.values()}
        self._secrets = secrets
        self._parts = [self._part(owner, files) for owner, files in by_owner(changes)]
        self._switches: dict[str, NodeSwitch] = {}

    async def run(self) -> Applied:
        swap = Swap(self._changes)
        async with AsyncExitStack() as stack:
            for part in self._parts:
                if part.owner in self._nodes and part.tasks:
                    switch = self._node_switch(self._nodes[part.owner])
                    self._switches[part.owner] = switch
                    await stack.enter_async_context(switch.linked())
            refused = await _all(self._there(part) for part in self._parts if part.tasks)
            if refused:
                return Applied(ok=False, changed=_names(self._changes), refused=tuple(refused))
            tried = False
            try:
                refused = await self._put(swap)
                tried = True
            finally:
                if not tried:  # interrupted, or a fault of ours: half of it must not stay
                    await self._put_back(swap, ())
            if refused:
                return await self._put_back(swap, refused)
        return Applied(
            ok=True,
            changed=_names(self._changes),
            reloaded=tuple(f"{part.owner} {task}" for part in self._parts for task in part.tasks),
            restart=tuple(f"{part.owner}/{name}" for part in self._parts for name in part.restart),
        )

    async def _put(self, swap: Swap) -> list[str]:
        try:
            swap.stage()
            swap.put()
        except OSError as error:
            return [str(error)]
        reload_and_look = (self._reload_and_look(part) for part in self._parts if part.tasks)
        return await _all(reload_and_look)

    async def _put_back(self, swap: Swap, refused: Sequence[str]) -> Applied:
        try:
            swap.put_back()
            again = await _all(self._reload(part) for part in self._parts if part.tasks)
        except OSError as error:
            again = [str(error)]
        told = (*refused, *(f"and the former files again: {what}" for what in again))
        return Applied(ok=False, changed=_names(self._changes), refused=told, rolled_back=not again)

    def _part(self, owner: str, files: Mapping[str, ChangedFile]) -> _Part:
        if owner in self._nodes:
            return _Part(owner, files, *modules_of(files.keys()))
        return _Part(owner, files, *methods_of(files.keys()))

    def _node_switch(self, node: Node) -> NodeSwitch:
        plan = self._rendering.plan
        site: Site = plan.topology.sites[node.site]
        link = NodeLink(
            node=node.id,
            host=node.ami.host,
            port=node.ami.port,
            username=AMI_USER,
            secret=self._secrets.ami_password,
            local_address=site.local_address,
        )
        return NodeSwitch(link, plan.paths[node.id].root / "log" / "messages.log")

    async def _there(self, part: _Part) -> list[str]:
        switch = self._switches.get(part.owner) or EdgeSwitch(self._edges[part.owner].rpc)
        return [f"{part.owner}: {what}" for what in await switch.there()]

    async def _reload(self, part: _Part) -> list[str]:
        if part.owner in self._switches:
            refused = await self._switches[part.owner].reload([Reloadable(task) for task in part.tasks])
        else:
            refused = await EdgeSwitch(self._edges[part.owner].rpc).reload(part.tasks)
        return [f"{part.owner}: {what}" for what in refused]

    async def _reload_and_look(self, part: _Part) -> list[str]:
        refused = await self._reload(part)
        if refused:
            return refused
        if part.owner in self._switches:
            node, rendering = self._nodes[part.owner], self._rendering
            wanted = expected(rendering.plan, node, rendering.files)
            found = await self._switches[part.owner].unlike([Reloadable(task) for task in part.tasks], wanted)
        else:
            edge = EdgeSwitch(self._edges[part.owner].rpc)
            found = await edge.unlike(part.tasks, edge_tables(self._rendering.plan.topology))
        return [f"{part.owner}: {what}" for what in found]


async def _check(changes: Sequence[ChangedFile]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Let Kamailio see its changed configurations beforehand; gives what is wrong and what is unchecked."""
    wrong, unchecked = [], []
    for change in changes:
        if change.path.name != CONFIGURATION:
            continue
        swap = Swap([change])
        try:
            swap.stage()
            said = await check_configuration(staged(change))
        finally:
            swap.put_back()
        if said is None:
            unchecked.append(f"{change.name}: this host has no kamailio")
        elif said:
            wrong.append(f"{change.name}: {said}")
    return tuple(wrong), tuple(unchecked)


async def _tell_sites(
    settings: Settings, rendering: Rendering, secrets: Secrets, reloaded: Collection[str], clock: Clock
) -> tuple[str, ...]:
    """Tell every site that the network was applied; gives those that could not be told."""

    async def tell(site: Site) -> str:
        live = Live(
            f"redis://:{secrets.redis_password}@{site.redis}/0",
            deadline_s=settings.redis_deadline_s,
            local_address=site.local_address,
        )
        try:
            nodes: list[NodeId] = [node.id for node in site.nodes if node.id in reloaded]
            await tell_site(live, nodes, now=clock())
        except TielineError as error:
            return f"{site.id}: {error}"
        finally:
            await live.close()
        return ""

    told = await asyncio.gather(*(tell(site) for site in rendering.plan.topology.sites.values()))
    return tuple(error for error in told if error)


async def _all(work: "Iterator[Awaitable[list[str]]]") -> list[str]:
    return [what for found in await asyncio.gather(*work) for what in found]


def _names(changes: Sequence[ChangedFile]) -> tuple[str, ...]:
    return tuple(change.name for change in changes)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    settings.conf_out.mkdir(parents=True, exist_ok=True)
    with (settings.conf_out / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotReady("somebody else applies the configuration at this moment") from None
        yield

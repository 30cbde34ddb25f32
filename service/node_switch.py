"""Lets one Asterisk node read its configuration again, and finds out what it made of it.

Asterisk answers "Module Reloaded" also when it has refused half of the file. So three things are looked at: its
answer, what it lists afterwards, and what it has written into its log between the reload and a mark.
"""

import asyncio
import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ami_bridge import actions
from ami_bridge.actions import Action, Reloadable
from ami_bridge.client import Client
from ami_bridge.dispatch import Dispatcher
from ami_bridge.node_link import NodeLink
from ami_bridge.queue_actions import QueueSummary
from ami_bridge.wire import Packet, header
from tieline.errors import DeadlineExceeded, RemoteProtocolError, TielineError
from tieline.switch_plan import SwitchPlan
from tieline.topology import Node
from trunk_config.render import edge_endpoint, node_endpoint, peers_of

RELOAD_S: Final = 10.0
"""A reload answers when it is done; 200 endpoints take well under a second."""
MARK_S: Final = 5.0
_LOOK_EVERY_S: Final = 0.02

_DIALPLAN: Final = ("extensions", "globals", "inbound", "agi", "hold", "agent", "peer", "transfer", "net", "hangup")
_RELOADS: Final[Mapping[str, Reloadable]] = {
    **{f"{name}.conf": Reloadable.DIALPLAN for name in _DIALPLAN},
    "pjsip.conf": Reloadable.PJSIP,
    "queues.conf": Reloadable.QUEUES,
    "musiconhold.conf": Reloadable.MUSIC,
    "manager.conf": Reloadable.MANAGER,
}

_COMPLAINT: Final = re.compile(
    r"(?:WARNING|ERROR)\[[^]]*\](?:\[[^]]*\])? "
    r"((?:config|config_options|sorcery|res_sorcery_config|pbx_config|pjsip_configuration|loader)\.c: .*"
    r"|app_queue\.c: Unknown .*|pbx\.c: Unable to register .*)"
)
"""Complaints about configuration; those about calls, which go on meanwhile, come from other files."""
_CONTEXT: Final = re.compile(r"\[([^]]+)\]")
_PRIORITY: Final = re.compile(r"(?:exten|same)\s*=>")


def modules_of(names: Collection[str]) -> tuple[tuple[Reloadable, ...], tuple[str, ...]]:
    """Say which modules must be reloaded for changed files, and which files only a restart takes in."""
    modules = {_RELOADS[name] for name in names if name in _RELOADS}
    return tuple(sorted(modules)), tuple(sorted(name for name in names if name not in _RELOADS))


def complaints(log: str) -> list[str]:
    """Pick what Asterisk says of its configuration out of a piece of its log. Pure."""
    return [found[1] for line in log.splitlines() if (found := _COMPLAINT.search(line))]


def priorities(texts: Collection[str]) -> Counter[str]:
    """Count the priorities of each context of a dialplan. Pure."""
    counts: Counter[str] = Counter()
    for text in texts:
        context = ""
        for line in text.splitlines():
            if found := _CONTEXT.match(line):
                context = found[1]
            elif _PRIORITY.match(line.lstrip()):
                counts[context] += 1
    return counts


@dataclass(frozen=True, slots=True)
class Expected:
    """What a node lists when it has taken everything in.

    Attributes:
        dialplan: Priorities by context.
    """

    endpoints: frozenset[str]
    queues: frozenset[str]
    dialplan: Counter[str]


def expected(plan: SwitchPlan, node: Node, files: Mapping[Path, str]) -> Expected:
    """Read out of the plan and the rendered files what a node is to list. Pure."""
    etc = plan.paths[node.id].etc
    phones = (phone.agent for phone in plan.phones if phone.site == node.site)
    return Expected(
        endpoints=frozenset(
            (
                *phones,
                *(edge_endpoint(edge) for edge in plan.topology.edges),
                *(node_endpoint(peer) for peer in peers_of(plan.topology, node)),
            )
        ),
        queues=frozenset(queue.name for queue in plan.queues if queue.site == node.site),
        dialplan=priorities([files[etc / f"{name}.conf"] for name in _DIALPLAN]),
    )


class NodeSwitch:
    """One node, over a link of our own beside the bridge's.

    Args:
        link: How to reach its AMI.
        log: Its log file, on this host.
    """

    def __init__(self, link: NodeLink, log: Path) -> None:
        self._log = log
        self._client = Client(link, Dispatcher(), on_up=_nothing, on_down=_nothing)

    @asynccontextmanager
    async def linked(self) -> AsyncIterator[None]:
        """Keep the link during the block; who asks meanwhile waits for it within his deadline."""
        async with self._client.linked():
            yield

    async def there(self) -> list[str]:
        """Tell what is wrong with the node before anything is changed."""
        try:
            await self._list(QueueSummary())
            self._log.stat()
        except (TielineError, OSError) as error:
            return [str(error)]
        return []

    async def reload(self, modules: Sequence[Reloadable]) -> list[str]:
        """Reload modules, one after the other.

        Returns:
            What the node refused; empty when nothing.
        """
        try:
            before = self._log.stat().st_size
            refused = []
            for module in modules:
                reply = await self._client.do(actions.Reload(module), deadline_s=RELOAD_S)
                refused += [] if reply.success else [f"{module}: {reply.message}"]
            return [*refused, *complaints(await self._logged_since(before))]
        except (TielineError, OSError) as error:
            return [str(error)]

    async def unlike(self, modules: Collection[Reloadable], wanted: Expected) -> list[str]:
        """Tell what the node does not list as it should; it may have more than we know of."""
        looks = {
            Reloadable.PJSIP: self._endpoints,
            Reloadable.QUEUES: self._queues,
            Reloadable.DIALPLAN: self._contexts,
        }
        try:
            return [found for module, look in looks.items() if module in modules for found in await look(wanted)]
        except TielineError as error:
            return [str(error)]

    async def _endpoints(self, wanted: Expected) -> list[str]:
        there = {header(item, "ObjectName") for item in await self._list(actions.PJSIPShowEndpoints())}
        return [f"endpoint {name}: missing" for name in sorted(wanted.endpoints - there)]

    async def _queues(self, wanted: Expected) -> list[str]:
        there = {header(item, "Queue") for item in await self._list(QueueSummary())}
        return [f"queue {name}: missing" for name in sorted(wanted.queues - there)]

    async def _contexts(self, wanted: Expected) -> list[str]:
        there = Counter(
            header(item, "Context") or ""
            for item in await self._list(actions.ShowDialPlan())
            if header(item, "Registrar") == "pbx_config" and header(item, "Priority")
        )
        return [
            f"context {name}: {there[name]} of {wanted.dialplan[name]} priorities"
            for name in sorted(wanted.dialplan)
            if there[name] != wanted.dialplan[name]
        ]

    async def _list(self, action: Action) -> Sequence[Packet]:
        reply = await self._client.do(action, deadline_s=RELOAD_S)
        if not reply.success:
            raise RemoteProtocolError(f"{action.name}: {reply.message}")
        return reply.items

    async def _logged_since(self, position: int) -> str:
        """Read what was logged since a position, up to a mark that is set now."""
        mark = f"TIELINE_APPLY_{secrets.token_hex(4)}"
        await self._client.do(actions.MarkLog(mark))
        try:
            async with asyncio.timeout(MARK_S):
                while True:
                    with self._log.open("rb") as log:
                        log.seek(position)
                        text = log.read().decode("utf-8", "replace")
                    if mark in text:
                        return text.partition(mark)[0]
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            raise DeadlineExceeded(f"{self._log}: what Asterisk says of its configuration", MARK_S) from None


def _nothing(*_: object) -> None:
    """Take no notice."""

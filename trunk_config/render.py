"""Render the switch plan into what Asterisk and Kamailio read. Pure: a plan in, file names and texts out.

The templates are `asterisk-conf/**/*.j2`, one file per concern. A value that would change the meaning of a line
(newline, semicolon, an opening of an expression) is refused before anything is written.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import jinja2

from tieline import variables
from tieline.errors import LocalProtocolError
from tieline.model import SiteId
from tieline.switch_plan import NodePaths, SwitchPlan
from tieline.topology import City, Edge, Node, Site, Topology, TrunkGroup
from trunk_config.caps import node_share
from trunk_config.modules import MODULES

TEMPLATES: Final = Path(__file__).resolve().parent.parent / "asterisk-conf"
MARKED: Final = "Rendered by `tieline conf render` from asterisk-conf/ and the topology. Edit those, not this file."
FAILOVER_MS: Final = 500
MENU_LIMIT_S: Final = 300
"""Longer than any sane menu talk: a guard against a script that hangs, not a limit for callers."""
HOLD_LIMIT_S: Final = 3600
QUEUE_LIMIT_S: Final = 1800
RTP_TIMEOUT_S: Final = 30
RTP_TIMEOUT_HOLD_S: Final = 300
EDGE_WORKERS: Final = 4
_FORBIDDEN: Final = ("\n", "\r", "\0", ";", "${", "$[", "#{")


def _checked(value: Any) -> Any:
    """Refuse a text that would not stay one value in a configuration line."""
    if isinstance(value, jinja2.Undefined):
        return value
    text = str(value)
    bad = [mark for mark in _FORBIDDEN if mark in text]
    if bad and not isinstance(value, _Verbatim):
        raise LocalProtocolError(f"value {text!r} holds {bad[0]!r}, which a configuration line must not")
    return value


class _Verbatim(str):
    """A text made by us that may hold anything (the marker line, event filters)."""

    __slots__ = ()


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        finalize=_checked,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - configuration text, not HTML; `_checked` guards the values
    )
    environment.filters["verbatim"] = _Verbatim
    return environment


def edge_endpoint(edge: Edge) -> str:
    """Name the PJSIP endpoint of an edge on every node; entry channels are `PJSIP/<this>-…`."""
    return f"{edge.id}"


def node_endpoint(node: Node) -> str:
    """Name the PJSIP endpoint of a node on every other one; the dialplan's context `peer` builds the same name."""
    return f"node-{node.id}"


def peers_of(topology: Topology, node: Node) -> Iterator[Node]:
    """Yield the nodes that a node may call: the others of its site, and those at the far ends of its tie lines."""
    for site in (node.site, *topology.tied_to(node.site)):
        yield from (other for other in topology.sites[site].nodes if other.id != node.id)


def all_trunks(topology: Topology) -> Iterator[tuple[City, TrunkGroup]]:
    """Yield the trunk groups with their cities; an edge knows all, or it could not count whom it refuses."""
    for city in topology.cities.values():
        for trunk in city.trunk_groups:
            yield city, trunk


def trunk_tag(city: City, trunk: TrunkGroup) -> str:
    """Say what the edge is to know of a trunk group: `city:group`, with `:<state>` while it takes no new calls."""
    return f"{city.id}:{trunk.id}" + ("" if trunk.in_service else f":{trunk.state}")


def render_node(plan: SwitchPlan, node: Node) -> dict[str, str]:
    """Render every file of one node's configuration directory.

    Returns:
        File name (flat, as Asterisk includes them) to text.
    """
    environment = _environment()
    values = _node_values(plan, node)
    return {
        Path(name).name.removesuffix(".j2"): environment.get_template(name).render(values)
        for name in environment.list_templates(extensions=["j2"])
        if not name.startswith("edge/")
    }


def render_edge(plan: SwitchPlan, edge: Edge) -> dict[str, str]:
    """Render the files of one edge: `kamailio.cfg`, `dispatcher.list`, `trunks.list`."""
    environment = _environment()
    topology = plan.topology
    numbers = site_sets(topology.sites.values())
    values = {
        "marked": _Verbatim(MARKED),
        "edge": {"sip": edge.sip, "rpc": edge.rpc, "dir": plan.edge_dirs[edge.id]},
        "hotline": topology.hotline,
        "workers": EDGE_WORKERS,
        "failover_ms": FAILOVER_MS,
        "cities": [
            {"id": city.id, "order": [str(numbers[city.home]), str(numbers[city.backup])]}
            for city in topology.cities.values()
        ],
        "sites": [
            {
                "id": site.id,
                "set": numbers[site.id],
                "nodes": site.nodes,
                "weights": _weights(len(site.nodes)),
            }
            for site in topology.sites.values()
        ],
        "ways_out": [trunk for _, trunk in all_trunks(topology) if trunk.outbound],
        "trunks": [{"source": trunk.source, "tag": trunk_tag(city, trunk)} for city, trunk in all_trunks(topology)],
    }
    return {
        Path(name).name.removesuffix(".j2"): environment.get_template(name).render(values)
        for name in environment.list_templates(extensions=["j2"])
        if name.startswith("edge/")
    }


def render_all(plan: SwitchPlan) -> Iterator[tuple[Path, str]]:
    """Render nodes and edges; yields absolute path and text."""
    for site in plan.topology.sites.values():
        for node in site.nodes:
            for name, text in render_node(plan, node).items():
                yield plan.paths[node.id].etc / name, text
    for edge in plan.topology.edges:
        for name, text in render_edge(plan, edge).items():
            yield plan.edge_dirs[edge.id] / name, text


def site_sets(sites: Iterable[Site]) -> Mapping[SiteId, int]:
    """Number the sites as dispatcher sets, from 1, in the order of the topology."""
    return {site.id: number for number, site in enumerate(sites, start=1)}


def _weights(nodes: int) -> list[int]:
    """Share 100 per cent over the nodes; Kamailio wants the sum to be 100."""
    share, rest = divmod(100, nodes)
    return [share + (1 if place < rest else 0) for place in range(nodes)]


def _arguments(names: Iterable[str]) -> str:
    """Render channel variables as the one argument of a script: `${A}|${B}`."""
    return _Verbatim(variables.BETWEEN.join(f"${{{name}}}" for name in names))


def _peer_values(topology: Topology, node: Node) -> dict[str, Any]:
    """Say what a node is to know of the others; the channels of a tie line are shared by the nodes of this site."""
    sharers = len(topology.sites[node.site].nodes)
    return {
        "peers": [
            {"node": peer.id, "site": peer.site, "endpoint": node_endpoint(peer), "sip": peer.sip}
            for peer in peers_of(topology, node)
        ],
        "ties": [
            {"site": site, "channels": -(-line.channels // sharers)}
            for site, line in topology.tied_to(node.site).items()
        ],
    }


def _node_values(plan: SwitchPlan, node: Node) -> dict[str, Any]:
    topology = plan.topology
    site = topology.sites[node.site]
    paths = plan.paths[node.id]
    return {
        "marked": _Verbatim(MARKED),
        "node": _itself(node, paths),
        "modules": [f"{module}.so" for module in MODULES],
        "hotline": topology.hotline,
        "edges": [{"endpoint": edge_endpoint(edge), "host": edge.sip.host} for edge in topology.edges],
        **_peer_values(topology, node),
        "agents": [
            {"id": phone.agent, "password": phone.password} for phone in plan.phones if phone.site == node.site
        ],
        "cities": [
            {"id": city, "node_cap": cap} for (place, city), cap in plan.node_caps.items() if place == node.id
        ],
        "queues": [queue for queue in plan.queues if queue.site == node.site],
        "agi_servers": site.agi,
        "sounds": plan.sounds,
        "moh": plan.moh,
        "journal": paths.journal,
        "recordings": plan.recordings,
        "recording": plan.recording,
        **_net_values(plan, site),
        "ami_users": plan.ami_users,
        "ami_permit": plan.ami_permit,
        "ami_disabled": ",".join(plan.ami_disabled),
        "script_arguments": _arguments(variables.SCRIPT_ARGUMENTS),
        "fact_arguments": _arguments(variables.FACTS),
        **_times(plan),
    }


def _itself(node: Node, paths: NodePaths) -> dict[str, Any]:
    """Give where a node is on the network and on its disk."""
    return {
        "id": node.id,
        "site": node.site,
        "sip": node.sip,
        "ami": node.ami,
        "rtp_from": node.rtp_from,
        "rtp_to": node.rtp_to,
        "root": paths.root,
        "etc": paths.etc,
        "agi_bin": paths.agi_bin,
    }


def _times(plan: SwitchPlan) -> dict[str, Any]:
    """Give how long a node lets each part of a call last."""
    return {
        "ring_s": plan.ring_s,
        "wrap_up_s": plan.wrap_up_s,
        "menu_limit_s": MENU_LIMIT_S,
        "hold_limit_s": HOLD_LIMIT_S,
        "hold_first_s": plan.hold.first_s,
        "hold_every_s": plan.hold.every_s,
        "queue_limit_s": QUEUE_LIMIT_S,
        "rtp_timeout_s": RTP_TIMEOUT_S,
        "rtp_timeout_hold_s": RTP_TIMEOUT_HOLD_S,
    }


def _net_values(plan: SwitchPlan, site: Site) -> dict[str, Any]:
    """Give what a node goes by while no script decides."""
    nodes = len(site.nodes)
    return {
        "net_prompt": "&".join(f"{plan.sounds}/{name}" for name in plan.net_menu.prompts),
        "net_messages": node_share(plan.net_refusals.at_once, nodes),
        "net_refusals": [
            {"city": city, "cause": cause.value, "say": "&".join(f"{plan.sounds}/{name}" for name in names)}
            for (city, cause), names in plan.net_refusals.prompts.items()
        ],
        "node_lines": node_share(site.lines, nodes),
        "net_choices": [{"digit": digit, "business": business} for digit, business in plan.net_menu.choices],
    }

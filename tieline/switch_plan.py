"""The switch plan: everything Asterisk and Kamailio are to know, typed.

Each room turns its data into a part (trunk_config: caps, routing: phones and queues, ivr_prompts: the menu of the
safety net); `service.plan` joins the parts, `trunk_config.render` writes them out. Pure data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tieline.model import AgentId, Business, CityId, NodeId, RefusalCause, SiteId
from tieline.topology import Topology


@dataclass(frozen=True, slots=True)
class Phone:
    """An agent's SIP account at every node of the site."""

    agent: AgentId
    site: SiteId
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class QueueMember:
    """A member of a static queue; a higher penalty is rung later."""

    agent: AgentId
    penalty: int


@dataclass(frozen=True, slots=True)
class StaticQueue:
    """One queue of the safety net: callers of a dialect while no matcher decides."""

    site: SiteId
    name: str
    members: tuple[QueueMember, ...]


@dataclass(frozen=True, slots=True)
class NetMenu:
    """The Mandarin menu of the safety net.

    Attributes:
        prompts: Sound files relative to the sounds directory, without extension.
        choices: What each digit means; any other key leads to an agent.
    """

    prompts: tuple[str, ...]
    choices: tuple[tuple[str, Business], ...]


@dataclass(frozen=True, slots=True)
class NetRefusals:
    """What refused callers hear in Mandarin when the node itself refuses them.

    Attributes:
        prompts: Sound files by city and cause, as those of `NetMenu`.
        at_once: Callers of each site who may hear one at once.
    """

    prompts: Mapping[tuple[CityId, RefusalCause], tuple[str, ...]]
    at_once: int


@dataclass(frozen=True, slots=True)
class HoldTimes:
    """When waiting callers are told how it stands: first after so long, then every so often, seconds."""

    first_s: int
    every_s: int


@dataclass(frozen=True, slots=True)
class NodePaths:
    """Where a node keeps its files (absolute).

    Attributes:
        root: Holds lib, spool, run and log.
        etc: Configuration.
        journal: Directory of the hang-up journal.
        agi_bin: Directory of stdio AGI scripts.
    """

    root: Path
    etc: Path
    journal: Path
    agi_bin: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiUser:
    """One user of a node's manager interface.

    Attributes:
        read: Classes of events.
        write: Classes of actions.
        filters: `eventfilter` lines; an event passes when any of them lets it.
    """

    name: str
    secret: str = field(repr=False)
    read: tuple[str, ...]
    write: tuple[str, ...]
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchPlan:
    """What is rendered.

    Attributes:
        node_caps: What a city may use of one node under the profile `normal` (`trunk_config.caps`).
        ami_permit: Networks that may log in at AMI, `address/mask`.
        ring_s: How long an agent's phone rings.
    """

    topology: Topology
    paths: Mapping[NodeId, NodePaths]
    edge_dirs: Mapping[str, Path]
    sounds: Path
    moh: Path
    recordings: Path
    recording: bool
    phones: tuple[Phone, ...]
    queues: tuple[StaticQueue, ...]
    net_menu: NetMenu
    net_refusals: NetRefusals
    hold: HoldTimes
    node_caps: Mapping[tuple[NodeId, CityId], int]
    ami_users: tuple[AmiUser, ...]
    ami_permit: tuple[str, ...]
    ami_disabled: tuple[str, ...]
    ring_s: int
    wrap_up_s: int

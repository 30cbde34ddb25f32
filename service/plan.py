"""Join the rooms' parts into the switch plan."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from ami_bridge.filters import (
    CALLER_READ_CLASSES,
    CALLER_WRITE_CLASSES,
    NEVER_MADE,
    READ_CLASSES,
    WRITE_CLASSES,
    caller_filters,
    event_filters,
)
from ivr_prompts.catalogue import load_catalogue
from ivr_prompts.flow import menu_files
from ivr_prompts.menus import Act, load_menus
from ivr_prompts.refusal import REASONS, refusal_files
from ivr_prompts.waiting import WaitingRules, load_waiting
from routing.agents import Agent, load_agents
from routing.static_queues import static_queues
from service.context import journal_dir, load_network
from tieline.faults import Faults
from tieline.model import MANDARIN, Business
from tieline.secrets_file import Secrets
from tieline.settings import Settings
from tieline.switch_plan import AmiUser, HoldTimes, NetMenu, NetRefusals, NodePaths, Phone, SwitchPlan
from tieline.topology import Node, Topology
from trunk_config.caps import node_caps
from trunk_config.profiles import Profiles, load_allowances, load_profiles
from trunk_config.quota import Allowances
from trunk_config.render import edge_endpoint

AMI_USER: Final = "tieline"
AMI_CALLER: Final = "tieline-call"
"""Calls customers back; see `ami_bridge.filters`."""
AGI_BIN: Final = Path(__file__).resolve().parent.parent / "agi"
"""Holds `stdio_hangup.py`, which Asterisk itself starts."""


@dataclass(frozen=True, slots=True)
class PlanData:
    """What the plan is made of beside settings and secrets: read from files, and sound."""

    topology: Topology
    agents: tuple[Agent, ...]
    profiles: Profiles
    allowances: Allowances
    waiting: WaitingRules
    net_menu: NetMenu


def load_plan_data(settings: Settings) -> PlanData:
    """Read what the plan is made of.

    Raises:
        ConfigError: With the faults of all files; agents and quotas are read against the topology and are not looked
            at when it is faulty.
    """
    faults = Faults()
    with faults.kept():
        topology = load_network(settings)
        with faults.kept():
            agents = tuple(load_agents(settings.agents, topology).values())
        with faults.kept():
            profiles = load_profiles(settings.quotas, topology)
            allowances = load_allowances(settings.quotas)
    with faults.kept():
        waiting = load_waiting()
    with faults.kept():
        menu = net_menu()
    faults.refuse_if_any()
    return PlanData(topology, agents, profiles, allowances, waiting, menu)


def build_plan(settings: Settings, data: PlanData, secrets: Secrets) -> SwitchPlan:
    """Make the plan for every node and edge of the topology."""
    topology, everyone = data.topology, data.agents
    return SwitchPlan(
        topology=topology,
        paths={node.id: _paths(settings, node) for node in topology.nodes.values()},
        edge_dirs={edge.id: settings.conf_out / edge.id for edge in topology.edges},
        sounds=settings.sounds,
        moh=settings.sounds / "moh",
        recordings=settings.recordings,
        recording=settings.recording,
        phones=tuple(Phone(agent.id, agent.site, secrets.agent_password(agent.id)) for agent in everyone),
        queues=tuple(static_queues(topology, everyone)),
        net_menu=data.net_menu,
        net_refusals=net_refusals(topology, data.allowances),
        hold=HoldTimes(data.waiting.first_s, data.waiting.every_s),
        node_caps=node_caps(topology, data.profiles),
        ami_users=_ami_users(topology, secrets),
        ami_permit=tuple(_permit(topology)),
        ami_disabled=NEVER_MADE,
        ring_s=round(settings.ring_s),
        wrap_up_s=round(settings.wrap_up_s),
    )


def _paths(settings: Settings, node: Node) -> NodePaths:
    return NodePaths(
        root=settings.state / "nodes" / node.id,
        etc=settings.conf_out / node.id / "etc" / "asterisk",
        journal=journal_dir(settings, node.site),
        agi_bin=AGI_BIN,
    )


def net_menu() -> NetMenu:
    """Take the safety net's Mandarin menu from the same data as the menu that Python leads through.

    The opening comes first as everywhere: it tells that the call is recorded. Keys that need Python (another dialect,
    repeat) are left out: in the net any other key leads to an agent.
    """
    catalogue = load_catalogue(None)
    menus = load_menus(catalogue.texts)
    main = menus.menus[menus.known]
    kept = tuple(option for option in main.options if option.act in (Act.BUSINESS, Act.AGENT))
    return NetMenu(
        prompts=(
            *(file for prompt in menus.opening for file in catalogue.sentence(prompt, MANDARIN)),
            *menu_files(replace(main, options=kept), catalogue, MANDARIN),
        ),
        choices=tuple((option.digit, Business(option.target)) for option in kept if option.act is Act.BUSINESS),
    )


def net_refusals(topology: Topology, allowances: Allowances) -> NetRefusals:
    """Take what a node says to those it refuses by itself from the same data as Python does, in Mandarin alone."""
    catalogue = load_catalogue(None)
    say = partial(refusal_files, catalogue, dialects=[MANDARIN], notices=(), now=0.0)
    prompts = {
        (city, cause): say(city=city, prompt=prompt) for city in topology.cities for cause, prompt in REASONS.items()
    }
    return NetRefusals(prompts, allowances.messages)


def _ami_users(topology: Topology, secrets: Secrets) -> tuple[AmiUser, ...]:
    bridge = AmiUser(
        name=AMI_USER,
        secret=secrets.ami_password,
        read=READ_CLASSES,
        write=WRITE_CLASSES,
        filters=event_filters(edge_endpoint(edge) for edge in topology.edges),
    )
    caller = AmiUser(
        name=AMI_CALLER,
        secret=secrets.ami_caller_password,
        read=CALLER_READ_CLASSES,
        write=CALLER_WRITE_CLASSES,
        filters=caller_filters(),
    )
    return bridge, caller


def _permit(topology: Topology) -> Iterable[str]:
    """AMI logs in from the site's own address, and from loopback, where everything on one machine comes from."""
    yield "127.0.0.0/255.0.0.0"
    for site in topology.sites.values():
        if not site.local_address.startswith("127."):
            yield f"{site.local_address}/255.255.255.255"

"""What the parts of a site share: data read once at start, validated as a whole."""

from dataclasses import dataclass
from pathlib import Path

from routing.agents import load_agents
from routing.callback_rules import CallbackRules, load_callback_rules
from routing.groups import load_groups
from routing.hours import Hours, load_hours
from routing.known_callers import KnownCallers, load_known_callers, with_life_safety
from routing.ladder_file import load_ladders
from routing.staff import Staff
from tieline import secrets_file
from tieline.clock import system_clock
from tieline.errors import ConfigError, Problem
from tieline.loopback import shift_loopback
from tieline.model import SiteId
from tieline.secrets_file import Secrets
from tieline.settings import Settings
from tieline.topology import Site, Topology
from tieline.topology_file import load_topology
from trunk_config.profiles import Profiles, load_allowances, load_profiles
from trunk_config.quota import Allowances
from trunk_config.surge_rules import SurgeRules, load_surge_rules


@dataclass(frozen=True, slots=True)
class SiteContext:
    """What the parts of a site share: data read once at start, validated as a whole."""

    settings: Settings
    topology: Topology
    site: Site
    staff: Staff
    secrets: Secrets
    profiles: Profiles
    allowances: Allowances
    surge: SurgeRules
    hours: Hours
    callback: CallbackRules
    callers: KnownCallers


def load_network(settings: Settings) -> Topology:
    """Read the topology.

    Raises:
        ConfigError: It is faulty.
    """
    return shift_loopback(load_topology(settings.topology), settings.loopback_instance)


def load_context(settings: Settings, site: str) -> SiteContext:
    """Read topology, agents, quotas and secrets.

    Raises:
        ConfigError: Any of them is faulty, or the site is unknown.
    """
    topology = load_network(settings)
    if site not in topology.sites:
        known = ", ".join(topology.sites)
        raise ConfigError("--site", [Problem("--site", f"unknown site {site!r}", f"known: {known}")])
    profiles = load_profiles(settings.quotas, topology)
    agents = load_agents(settings.agents, topology)
    allowances = load_allowances(settings.quotas)
    staff = Staff(agents, load_groups(settings.groups, topology, agents), load_ladders(topology, agents))
    return SiteContext(
        settings=settings,
        topology=topology,
        site=topology.sites[SiteId(site)],
        staff=staff,
        secrets=secrets_file.load(settings.secrets),
        profiles=profiles,
        allowances=allowances,
        surge=load_surge_rules(profiles, settings.surge),
        callback=load_callback_rules(settings.callback),
        callers=with_life_safety(load_known_callers(settings.callers, topology), allowances.safety_numbers),
        hours=load_hours(system_clock(), settings.hours, settings.holidays),
    )


def journal_dir(settings: Settings, site: str) -> Path:
    """Where the journals of a site's nodes are on this host."""
    return settings.journal / site

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
from tieline.faults import Faults
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
    """Read everything that the parts of a site share.

    Raises:
        ConfigError: With the faults of all files, or the site is unknown. What is read against a file that is itself
            faulty (most against the topology) is not looked at.
    """
    faults = Faults()
    with faults.kept():
        topology = load_network(settings)
        with faults.kept():
            known = _known_site(topology, site)
        with faults.kept():
            profiles = load_profiles(settings.quotas, topology)
            allowances = load_allowances(settings.quotas)
            surge = load_surge_rules(profiles, settings.surge)
        with faults.kept():
            callers = load_known_callers(settings.callers, topology)
        with faults.kept():
            staff = _load_staff(settings, topology)
    with faults.kept():
        secrets = secrets_file.load(settings.secrets)
    with faults.kept():
        callback = load_callback_rules(settings.callback)
    with faults.kept():
        hours = load_hours(system_clock(), settings.hours, settings.holidays)
    faults.refuse_if_any()
    return SiteContext(
        settings=settings,
        topology=topology,
        site=known,
        staff=staff,
        secrets=secrets,
        profiles=profiles,
        allowances=allowances,
        surge=surge,
        hours=hours,
        callback=callback,
        callers=with_life_safety(callers, allowances.safety_numbers),
    )


def _known_site(topology: Topology, site: str) -> Site:
    found = topology.sites.get(SiteId(site))
    if found is None:
        mend = f"known: {', '.join(topology.sites)}"
        raise ConfigError("--site", [Problem("--site", f"unknown site {site!r}", mend)])
    return found


def _load_staff(settings: Settings, topology: Topology) -> Staff:
    """Read the agents, and what is read against them.

    Raises:
        ConfigError: With the faults of all these files.
    """
    agents = load_agents(settings.agents, topology)
    faults = Faults()
    with faults.kept():
        groups = load_groups(settings.groups, topology, agents)
    with faults.kept():
        ladders = load_ladders(topology, agents)
    faults.refuse_if_any()
    return Staff(agents, groups, ladders)


def journal_dir(settings: Settings, site: str) -> Path:
    """Where the journals of a site's nodes are on this host."""
    return settings.journal / site

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
from tieline.errors import ConfigError, Problem, gathered
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
    """Read topology, agents, quotas, rules and secrets.

    Raises:
        ConfigError: With the faults of every file that is faulty; or the site is unknown.
    """
    topology = load_network(settings)
    if site not in topology.sites:
        known = ", ".join(topology.sites)
        raise ConfigError("--site", [Problem("--site", f"unknown site {site!r}", f"known: {known}")])
    problems: list[Problem] = []
    with gathered(problems):
        profiles = load_profiles(settings.quotas, topology)
        surge, allowances = load_surge_rules(profiles, settings.surge), load_allowances(settings.quotas)
    with gathered(problems):
        callers = load_known_callers(settings.callers, topology)
    with gathered(problems):
        staff = _load_staff(settings, topology)
    with gathered(problems):
        secrets = secrets_file.load(settings.secrets)
    with gathered(problems):
        callback = load_callback_rules(settings.callback)
    with gathered(problems):
        hours = load_hours(system_clock(), settings.hours, settings.holidays)
    if problems:
        raise ConfigError(f"site {site}", problems)
    return SiteContext(
        settings=settings,
        topology=topology,
        site=topology.sites[SiteId(site)],
        staff=staff,
        secrets=secrets,
        profiles=profiles,
        allowances=allowances,
        surge=surge,
        callback=callback,
        callers=with_life_safety(callers, allowances.safety_numbers),
        hours=hours,
    )


def _load_staff(settings: Settings, topology: Topology) -> Staff:
    agents = load_agents(settings.agents, topology)
    problems: list[Problem] = []
    with gathered(problems):
        groups = load_groups(settings.groups, topology, agents)
    with gathered(problems):
        ladders = load_ladders(topology, agents)
    if problems:
        raise ConfigError(str(settings.agents), problems)
    return Staff(agents, groups, ladders)


def journal_dir(settings: Settings, site: str) -> Path:
    """Where the journals of a site's nodes are on this host."""
    return settings.journal / site

"""What a lab consists of: directories, settings, and the parts in their order. Pure; `lab.setup` writes it down.

Everything that is part of Tieline is in the topology with its address. The lab adds PostgreSQL and the agents'
phones, whose addresses are planned here.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from lab.parts import AnswersSip, Notifies, Orders, Part, Places, Succeeds
from lab.phones import PhoneGroup, site_phones
from lab.postgres import USER, postgres_parts
from lab.redis import redis_parts, replica_part
from tieline.model import SiteId
from tieline.topology import Address, Edge, Node, Site, Topology

HOME: Final = Path(__file__).resolve().parent.parent
"""The checkout."""
SURGE_FILE: Final = Path(__file__).with_name("surge.toml")
HOURS_FILE: Final = Path(__file__).with_name("hours.toml")
CALLBACK_FILE: Final = Path(__file__).with_name("callback.toml")
CALLERS_FILE: Final = HOME / "examples/callers.toml"

WATCHDOG_S: Final = 3.0
"""A silent Python part is killed after so long: the only thing that frees the callers of a frozen AGI server."""

_PHONES_OCTET: Final = "20"
_POSTGRES_HOST: Final = "127.0.23.1"
_POSTGRES_PORT: Final = 5432

DatabaseKind = Literal["sqlite", "postgresql"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabPlan:
    """One lab, before anything runs.

    Attributes:
        instance: Moves every loopback address, see `tieline.loopback.shift_loopback`.
        store: Directory shared by all labs of a checkout (sounds, private root): usually `.tieline`.
        root: The private root.
        topology: Shifted already.
        topology_file: What `tieline` itself reads (not shifted).
        agents_file: The agents.
        quotas_file: The cities' shares of the lines.
        hours_file: When agents answer; a lab's do at any hour.
        callback_file: Whom one may call back; a lab nobody.
        callers_file: What is known of callers by their number.
        database: SQLite serves on one machine; PostgreSQL is what production has.
        wrap_up_s: How long agents rest after a talk; short, a lab has few agents.
        recording: Whether talks are recorded.
        phones: The agents' phones of each site.
    """

    instance: int
    store: Path
    root: Path
    topology: Topology
    topology_file: Path
    agents_file: Path
    quotas_file: Path
    hours_file: Path = HOURS_FILE
    callback_file: Path = CALLBACK_FILE
    callers_file: Path = CALLERS_FILE
    database: DatabaseKind = "sqlite"
    wrap_up_s: float = 1.0
    recording: bool = True
    phones: Mapping[SiteId, tuple[PhoneGroup, ...]] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        """The lab's own directory."""
        return state_of(self.store, self.instance)

    @property
    def sounds(self) -> Path:
        """Built prompts; the same for every lab."""
        return self.store / "sounds"

    @property
    def settings_file(self) -> Path:
        """The settings of every Tieline process of this lab."""
        return self.state / "settings.toml"

    @property
    def secrets_file(self) -> Path:
        """The secrets, made by `tieline conf render`."""
        return self.state / "secrets.toml"

    @property
    def postgres(self) -> Address:
        """Where PostgreSQL listens."""
        return Address(_shifted(_POSTGRES_HOST, self.instance), _POSTGRES_PORT)

    @property
    def postgres_password_file(self) -> Path:
        """Password of PostgreSQL's only user."""
        return self.state / "postgres.password"


def state_of(store: Path, instance: int) -> Path:
    """Give the state directory of a lab."""
    return store / (f"lab-{instance}" if instance else "lab")


def phones_of(site: Site) -> str:
    """Give the address of all agents' phones of a site: beside the site's other machines, so that a cut cuts."""
    return f"{site.local_address.rsplit('.', 1)[0]}.{_PHONES_OCTET}"


def phones_folder(plan: LabPlan) -> Path:
    """Where the phones' files are."""
    return plan.state / "phones"


def settings_text(plan: LabPlan, postgres_password: str = "") -> str:
    """Write the settings file of the lab."""
    if plan.database == "postgresql":
        url = f"postgresql+psycopg://{USER}:{postgres_password}@{plan.postgres}/{USER}"
    else:
        url = f"sqlite:///{plan.state / 'tieline.sqlite'}"
    values = {
        "topology": str(plan.topology_file),
        "agents": str(plan.agents_file),
        "groups": str(HOME / "examples/groups.toml"),
        "callers": str(plan.callers_file),
        "quotas": str(plan.quotas_file),
        "surge": str(SURGE_FILE),
        "hours": str(plan.hours_file),
        "callback": str(plan.callback_file),
        "holidays": str(HOME / "routing/data/holidays.toml"),
        "state": str(plan.state),
        "sounds": str(plan.sounds),
        "secrets": str(plan.secrets_file),
        "database_url": url,
    }
    lines = [f'{name} = "{value}"' for name, value in values.items()]
    lines += [
        f"loopback_instance = {plan.instance}",
        f"wrap_up_s = {plan.wrap_up_s}",
        f"recording = {str(plan.recording).lower()}",
    ]
    return "\n".join([*lines, ""])


def orders(plan: LabPlan) -> Orders:
    """Make the orders for the supervisor; each part comes after what it needs."""
    topology = plan.topology
    parts: list[Part] = []
    if plan.database == "postgresql":
        parts += postgres_parts(plan.state, plan.postgres, plan.postgres_password_file, plan.state / "log")
    database = ("database",) if plan.database == "postgresql" else ()
    parts += redis_parts(topology, redis_folder(plan), plan.state / "log")
    parts += [_asterisk(plan, node) for node in topology.nodes.values()]
    parts += [_kamailio(plan, edge) for edge in topology.edges]
    for site in topology.sites.values():
        replicas = (replica_part(of, site.id) for of in site.replicas)
        needs = (*database, f"redis-{site.id}", *replicas, *(node.id for node in site.nodes))
        python = _tieline(plan, site, needs)
        parts += python
        groups = plan.phones.get(site.id, ())
        parts += site_phones(site, phones_of(site), groups, phones_folder(plan), tuple(part.name for part in python))
    places = Places(
        root=str(plan.root),
        readable=(str(HOME), str(plan.store)),
        writable=(str(plan.state),),
    )
    return Orders(places=places, parts=tuple(parts))


def _log(plan: LabPlan, name: str) -> str:
    return str(plan.state / "log" / f"{name}.log")


def redis_folder(plan: LabPlan) -> Path:
    """Where the configurations of the sites' Redis and of their replicas are."""
    return plan.state / "redis"


def _asterisk(plan: LabPlan, node: Node) -> Part:
    conf = str(plan.state / "conf" / node.id / "etc" / "asterisk" / "asterisk.conf")
    return Part(
        name=node.id,
        argv=("asterisk", "-f", "-C", conf),
        ready=Succeeds(("asterisk", "-C", conf, "-rx", "core waitfullybooted")),
        log=_log(plan, node.id),
    )


def _kamailio(plan: LabPlan, edge: Edge) -> Part:
    directory = plan.state / "conf" / edge.id
    return Part(
        name=edge.id,
        argv=("kamailio", "-DD", "-E", "-m", "64", "-f", str(directory / "kamailio.cfg"), "-Y", str(directory)),
        ready=AnswersSip(edge.sip),
        log=_log(plan, edge.id),
    )


MATCHERS: Final = 2
"""Of each site; one acts, one stands by."""


def python_parts(site: Site) -> tuple[str, ...]:
    """Name every Python part of a site, as in production: the one for all the rest first, then AGI, then matchers."""
    servers = (agi_part(site, index) for index in range(len(site.agi)))
    return (f"tieline-{site.id}", *servers, *matcher_parts(site))


def agi_part(site: Site, index: int) -> str:
    """Name the part that is an AGI server; the index counts the site's `agi` list from 0."""
    return f"tieline-{site.id}-agi-{index}"


def matcher_parts(site: Site) -> tuple[str, ...]:
    """Name the parts that are a site's matchers."""
    return tuple(f"tieline-{site.id}-matcher-{index}" for index in range(MATCHERS))


def _tieline(plan: LabPlan, site: Site, after: tuple[str, ...]) -> list[Part]:
    words_of: dict[str, tuple[str, ...]] = {python_parts(site)[0]: ("--only", "bridge,tickets,console")}
    for index in range(len(site.agi)):
        words_of[agi_part(site, index)] = ("--only", "agi", "--agi-index", str(index))
    words_of |= dict.fromkeys(matcher_parts(site), ("--only", "matcher"))
    return [
        Part(
            name=name,
            argv=(*TIELINE, "serve", "--site", site.id, *words, "--settings", str(plan.settings_file)),
            ready=Notifies(WATCHDOG_S),
            log=_log(plan, name),
            in_root=False,
            after=after,
            restart=True,
            ready_s=120.0,  # ten of them start at once
            stop_s=15,
        )
        for name, words in words_of.items()
    ]


TIELINE: Final = (str(Path(sys.executable).parent / "tieline"),)
"""The command line, in the same virtual environment as the lab."""


def _shifted(host: str, instance: int) -> str:
    return f"127.{instance}.{host.split('.', 2)[2]}"

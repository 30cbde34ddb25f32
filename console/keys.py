"""What the handlers share, under typed keys of the application."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from console.follower import Follower
from console.metrics import Numbers, SiteCollector
from console.readiness import Probe, Readiness
from crm_adapter.store import Store
from ivr_prompts.notice_desk import NoticeDesk
from routing.agent_desk import AgentDesk
from routing.callback_desk import CallbackDesk
from routing.callback_rules import CallbackRules
from routing.hours import Hours
from routing.ladder_desk import LadderDesk
from routing.staff import Staff
from routing.transfer_desk import TransferDesk
from tieline.clock import Clock, system_clock
from tieline.database import Database
from tieline.live import Live
from tieline.model import SiteId
from tieline.tokens import Tokens
from tieline.topology import Topology
from trunk_config.profiles import Profiles
from trunk_config.site_desk import SiteDesk


@dataclass(frozen=True, slots=True)
class ConsoleParts:
    """What a console is made of.

    Attributes:
        live: The site's Redis.
        database: With the schema made.
        site: Whose console it is.
        abroad: Copies of the Redis of the sites that this one has a tie line to.
        profiles: Of the quotas' file.
        recording: Whether talks are recorded.
        probes: Further parts for readiness, by name (Redis, SQL and the nodes' links are asked anyhow).
        metrics: Numbers of other parts of the process, by the name of the part.
    """

    live: Live
    database: Database
    site: SiteId
    topology: Topology
    profiles: Profiles
    staff: Staff
    callback: CallbackRules
    hours: Hours
    abroad: Mapping[SiteId, Live] = field(default_factory=dict)
    recording: bool = True
    probes: Mapping[str, Probe] = field(default_factory=dict)
    metrics: Mapping[str, Numbers] = field(default_factory=dict)
    clock: Clock = system_clock


PARTS: Final = web.AppKey("parts", ConsoleParts)
STORE: Final = web.AppKey("store", Store)
TOKENS: Final = web.AppKey("tokens", Tokens)
FOLLOWER: Final = web.AppKey("follower", Follower)
QUOTAS: Final = web.AppKey("quotas", SiteDesk)
AGENTS: Final = web.AppKey("agents", AgentDesk)
TRANSFERS: Final = web.AppKey("transfers", TransferDesk)
CALLBACKS: Final = web.AppKey("callbacks", CallbackDesk)
LADDERS: Final = web.AppKey("ladders", LadderDesk)
NOTICES: Final = web.AppKey("notices", NoticeDesk)
READINESS: Final = web.AppKey("readiness", Readiness)
NAMES: Final = web.AppKey("names", dict[str, Any])
TASKS: Final = web.AppKey("tasks", list[asyncio.Task[None]])
COLLECTOR: Final = web.AppKey("collector", SiteCollector)

"""Agents, calls and a matcher for tests, and what of a matcher's effects they ask for."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from routing.agents import Agent, load_agents
from routing.decision import Decision
from routing.ladder_file import load_ladders
from routing.ladders import LadderSet
from routing.matcher import Matcher, Rules
from routing.offers import Effect, MakeOffer, Offer, Waiting
from tieline.model import (
    MANDARIN,
    AgentId,
    Business,
    CallId,
    CityId,
    CountyId,
    DialectId,
    Lane,
    Level,
    Need,
    NodeId,
    SiteId,
)
from tieline.topology_file import load_topology

FUZHOU, XIAMEN = SiteId("fuzhou"), SiteId("xiamen")
EXAMPLES: Final = Path(__file__).parents[3] / "examples"
TOPOLOGY: Final = load_topology(EXAMPLES / "fujian.toml")
LADDERS: Final = load_ladders(TOPOLOGY, load_agents(EXAMPLES / "agents.toml", TOPOLOGY))
RULES: Final = Rules(lease_s=5, ring_s=10, wrap_up_s=20, pause_s=30)
FLUENT, BASIC = Level.FLUENT, Level.BASIC


def agent(
    name: str,
    *dialects: str,
    site: SiteId = FUZHOU,
    basic: tuple[str, ...] = (),
    business: tuple[Business, ...] = (Business.REPAIR,),
    weak: tuple[Business, ...] = (),
    native: tuple[str, ...] = (),
    cities: tuple[str, ...] = (),
    counties: tuple[str, ...] = (),
) -> Agent:
    """Make an agent who speaks Mandarin, `dialects` fluently, `basic` a little; in what is `native` he is that."""
    spoken = dict.fromkeys((MANDARIN, *map(DialectId, dialects)), FLUENT) | dict.fromkeys(
        map(DialectId, basic), BASIC
    )
    trained = dict.fromkeys(business, FLUENT) | dict.fromkeys(weak, BASIC)
    spoken |= {DialectId(name): Level.NATIVE for name in native if name in spoken}
    trained |= {Business(name): Level.NATIVE for name in native if name in trained}
    places = frozenset(map(CityId, cities)), frozenset(map(CountyId, counties))
    return Agent(AgentId(name), site, name, spoken, trained, *places)


def call(
    name: str,
    since: float,
    dialect: str = "mandarin",
    business: Business = Business.REPAIR,
    *,
    site: SiteId = FUZHOU,
    lane: Lane = Lane.NORMAL,
    only_dialect: bool = False,
    county: str = "",
) -> Waiting:
    """Make a call from Fuzhou."""
    need = Need(DialectId(dialect), business, CityId("fuzhou"), lane, CountyId(county), only_dialect)
    return Waiting(CallId(name), NodeId("fuzhou-1"), f"PJSIP/edge-1-{name}", need, since, site)


def matcher(
    *agents: Agent,
    ready_at: float = 0.0,
    ladders: LadderSet = LADDERS,
    own: Sequence[SiteId] = (FUZHOU, XIAMEN),
) -> Matcher:
    """Make a matcher whose own agents are ready, in their order."""
    made = Matcher({agent.id: agent for agent in agents}, RULES, ladders, frozenset(own))
    for number, known in enumerate(agents):
        come(made, known.id, ready_at + number / 1000)
    return made


def come(pool: Matcher, name: str, now: float) -> list[Effect]:
    """Bring an agent's phone up."""
    return pool.phone_seen(AgentId(name), reachable=True, now=now)


def with_numbers(**numbers: Any) -> LadderSet:
    """Give the ladders that ship with some other numbers."""
    return replace(LADDERS, numbers=replace(LADDERS.numbers, **numbers))


def ask_for(pool: Matcher, dialect: str, now: float, calls: int = 1) -> None:
    """Let callers ask for a dialect whom nobody can serve: from now on it counts as asked for."""
    for number in range(calls):
        pool.call_waiting(call(f"asks-{number}", now, dialect, Business.COMPLAINT), now)
        pool.call_gone(CallId(f"asks-{number}"), now)


def offers(effects: Sequence[Effect]) -> list[Offer]:
    """Give the offers that are made."""
    return [effect.offer for effect in effects if isinstance(effect, MakeOffer)]


def pairs(effects: Sequence[Effect]) -> list[tuple[str, str]]:
    """Give the offers that are made as pairs of call and agent."""
    return [(offer.call.call_id, offer.agent) for offer in offers(effects)]


def decision(effects: Sequence[Effect]) -> Decision:
    """Give the decision of the one offer that is made."""
    [found] = [effect.decision for effect in effects if isinstance(effect, MakeOffer)]
    return found

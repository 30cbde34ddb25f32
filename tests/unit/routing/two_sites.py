"""Two sites' matchers that see each other's state and hear each other's bus, without Redis between them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from routing.agents import Agent, load_agents
from routing.intake import Intake
from routing.ladder_file import load_ladders
from routing.matcher import Matcher, Rules
from routing.offers import Effect
from routing.outgoing import commands_of
from routing.peer_intake import PeerIntake
from routing.peer_news import BetweenSites, PeerLost, PeerSeen
from tieline import bus
from tieline.model import AgentId, Business, DialectId, Level, NodeId, SiteId
from tieline.streams import EVENTS
from tieline.topology_file import load_topology

FUZHOU, XIAMEN = SiteId("fuzhou"), SiteId("xiamen")
EXAMPLES = Path(__file__).parents[3] / "examples"
TOPOLOGY = load_topology(EXAMPLES / "fujian.toml")
LADDERS = load_ladders(TOPOLOGY, load_agents(EXAMPLES / "agents.toml", TOPOLOGY))
RULES = Rules(lease_s=5, ring_s=10, wrap_up_s=20, pause_s=30)


def agent(name: str, site: SiteId, *dialects: str, business: tuple[Business, ...] = (Business.REPAIR,)) -> Agent:
    """Make an agent who speaks these dialects and Mandarin."""
    spoken = {DialectId(dialect): Level.FLUENT for dialect in (*dialects, "mandarin")}
    return Agent(AgentId(name), site, name, spoken, dict.fromkeys(business, Level.FLUENT))


@dataclass
class Site:
    """One site: what its matcher does, what it told and what it put into mailboxes.

    Attributes:
        unheard: Events that the other site has not heard yet.
        words: Mailbox words in order: call id and word without its end.
        commands: What else a node's bridge was asked for.
    """

    id: SiteId
    agents: dict[AgentId, Agent]
    now: float = 1000.0
    unheard: list[bus.Event] = field(default_factory=list)
    told: list[bus.Event] = field(default_factory=list)
    words: list[tuple[str, str]] = field(default_factory=list)
    commands: list[bus.Command] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.matcher = Matcher(self.agents, RULES, LADDERS, frozenset((self.id,)))
        self.intake = Intake(self.id, self.matcher)
        others = {site.id: site.nodes[0].id for site in TOPOLOGY.sites.values() if site.id != self.id}
        self.peers = PeerIntake(self.matcher, others, TOPOLOGY.business_sites)
        for known in self.agents.values():
            if known.site == self.id:
                self.matcher.phone_seen(known.id, reachable=True, now=self.now, node=NodeId(f"{self.id}-1"))

    def tell(self, event: bus.Event) -> None:
        """Somebody tells on this site's bus."""
        self.told.append(event)
        self.unheard.append(event)
        self._carry_out(self.intake.apply(event, self.now))  # type: ignore[arg-type]

    def waits(self, call_id: str, dialect: str, business: Business = Business.REPAIR) -> None:
        """Let a caller wait here."""
        self.tell(
            bus.CallWaiting(
                at=self.now,
                call_id=call_id,
                node=f"{self.id}-1",
                channel=f"PJSIP/edge-1-{call_id}",
                city=str(self.id),
                dialect=dialect,
                business=business,
                since=self.now,
            )
        )

    def tick(self, now: float) -> None:
        """Let time go on."""
        self.now = now
        self._carry_out(self.matcher.tick(now))

    def sees(self, other: "Site") -> None:
        """Look at the other site's state, and hear what it has told."""
        seats, waiting = dict(other.matcher.seats), tuple(other.matcher.waiting.values())
        self._carry_out(self.peers.apply(PeerSeen(other.id, seats, waiting), self.now))
        heard, other.unheard = other.unheard, []
        for event in heard:
            if isinstance(event, BetweenSites):
                self._carry_out(self.peers.apply(event, self.now))

    def loses(self, other: "Site") -> None:
        """The other site is not seen any more."""
        self._carry_out(self.peers.apply(PeerLost(other.id), self.now))

    def of(self, kind: type[bus.Event]) -> list[bus.Event]:
        """Give the events of a kind that were told here."""
        return [event for event in self.told if isinstance(event, kind)]

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        for command in commands_of(self.id, effects, self.now, self.peers.way_to):
            if command[0] != "XADD":
                continue
            raw = command[-1]
            assert isinstance(raw, bytes)
            if command[1] == EVENTS:
                event = bus.decode_event(raw)
                self.told.append(event)
                self.unheard.append(event)
            elif not isinstance(word := bus.decode_command(raw), bus.PutInMailbox):
                self.commands.append(word)
            else:
                kind, who, fence, _, *node = word.word.split(":")
                self.words.append((word.call_id, ":".join((kind, who, fence, *node))))


def two_sites(*agents: Agent) -> tuple[Site, Site]:
    """Make both sites, each seeing the other."""
    everyone = {agent.id: agent for agent in agents}
    fuzhou, xiamen = Site(FUZHOU, everyone), Site(XIAMEN, everyone)
    meet(fuzhou, xiamen)
    return fuzhou, xiamen


def meet(*sites: Site) -> None:
    """Let each see the other until neither has anything new to tell."""
    for _ in range(6):
        for site in sites:
            for other in sites:
                if other is not site:
                    site.sees(other)

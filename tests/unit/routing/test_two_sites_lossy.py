"""Two sites' matchers whose news of each other comes late, or never: nobody is rung twice, everybody is served."""

from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.routing.two_sites import FUZHOU, RULES, XIAMEN, Site, agent, two_sites
from tieline import bus
from tieline.model import AgentState

pytestmark = pytest.mark.unit

AGENTS = (
    agent("a1001", FUZHOU, "min_dong"),
    agent("a1002", FUZHOU),
    agent("a2001", XIAMEN, "min_nan"),
    agent("a2002", XIAMEN, "puxian"),
)
DIALECTS = ("mandarin", "min_dong", "min_nan", "puxian")
WORD_S = RULES.lease_s - 1
"""How long a word in a mailbox may be taken (`routing.outgoing.GRACE_S`)."""


@dataclass
class Leg:
    """A phone that rings or talks for a call."""

    call_id: str
    agent: str
    until: float
    fence: int
    answered: bool = False


@dataclass
class World:
    """What really happens: callers in hold, words in mailboxes, phones.

    Attributes:
        homes: The site of each caller who is still there.
        asked: The dialect that each asked for.
        mailboxes: Word and when it came, of callers in hold.
        legs: By agent.
        served: Calls whose caller has talked to somebody.
    """

    sites: tuple[Site, Site]
    chance: Random
    lost: float
    now: float = 1000.0
    homes: dict[str, Site] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    mailboxes: dict[str, tuple[str, float]] = field(default_factory=dict)
    legs: dict[str, Leg] = field(default_factory=dict)
    served: set[str] = field(default_factory=set)

    def step(self) -> None:
        """Let a moment pass."""
        self.now += self.chance.uniform(0.05, 0.5)
        for site in self.sites:
            site.tick(self.now)
        for site, other in (self.sites, self.sites[::-1]):
            if self.chance.random() > self.lost:
                other.unheard = [event for event in other.unheard if self.chance.random() > self.lost]
                site.sees(other)
        for site in self.sites:
            for call_id, word in site.words:
                self.mailboxes[call_id] = (word, self.now)
            site.words.clear()
        for call_id in list(self.mailboxes):
            self.take(call_id)
        for leg in list(self.legs.values()):
            self.go_on(leg)

    def come(self, number: int) -> None:
        """Let a caller come."""
        site, call_id = self.chance.choice(self.sites), f"c{number}"
        self.homes[call_id], self.asked[call_id] = site, self.chance.choice(DIALECTS)
        site.waits(call_id, self.asked[call_id])

    def take(self, call_id: str) -> None:
        """Let the hold loop look into a mailbox, and dial."""
        word, came = self.mailboxes.pop(call_id)
        if self.now > came + WORD_S or call_id not in self.homes or self.chance.random() < self.lost:
            return
        name, fence = word.split(":")[1], int(word.split(":")[2])
        assert call_id not in {leg.call_id for leg in self.legs.values()}, "a call with two agents"
        assert name not in self.legs, "a phone that is rung twice"
        self.legs[name] = Leg(call_id, name, self.now + self.chance.uniform(0, 4), fence)
        for site in self.both(call_id, name):
            site.tell(bus.OfferTaken(at=self.now, call_id=call_id, channel="c", agent=name, fence=fence))
        self.home_of(name).tell(bus.AgentRinging(at=self.now, call_id=call_id, agent=name))

    def go_on(self, leg: Leg) -> None:
        """Let a phone be answered, or not; let a talk end."""
        if self.now < leg.until:
            return
        if not leg.answered and self.chance.random() < 0.7:
            leg.answered, leg.until = True, self.now + self.chance.uniform(1, 20)
            self.served.add(leg.call_id)
            for site in self.both(leg.call_id, leg.agent):
                site.tell(bus.AgentAnswered(at=self.now, call_id=leg.call_id, agent=leg.agent))
            return
        del self.legs[leg.agent]
        sites, home = self.both(leg.call_id, leg.agent), self.homes[leg.call_id]
        for site in sites:
            site.tell(bus.AgentLegGone(at=self.now, call_id=leg.call_id, agent=leg.agent))
        if leg.answered:
            self.hang_up(leg.call_id)
            return
        for site in sites:
            failed = bus.OfferFailed(
                at=self.now, call_id=leg.call_id, agent=leg.agent, fence=leg.fence, status="NOANSWER"
            )
            site.tell(failed)
        home.waits(leg.call_id, self.asked[leg.call_id])

    def hang_up(self, call_id: str) -> None:
        """Let a caller go."""
        site = self.homes.pop(call_id)
        gone = bus.CallGone(at=self.now, call_id=call_id, node=f"{site.id}-1", channel="c", uniqueid="u", cause=16)
        site.tell(gone)

    def home_of(self, name: str) -> Site:
        """Give the site of an agent."""
        return next(site for site in self.sites if site.agents[name].site == site.id)  # type: ignore[index]

    def both(self, call_id: str, name: str) -> list[Site]:
        """Give the sites that see a leg: that of the call and that of the agent."""
        return [site for site in self.sites if site in (self.homes[call_id], self.home_of(name))]


@settings(max_examples=50)
@given(seed=st.integers(0, 10**6), lost=st.sampled_from([0.0, 0.1, 0.5, 0.9]))
def test_whatever_is_lost_between_the_sites_nobody_is_rung_twice_and_everybody_is_served(
    seed: int, lost: float
) -> None:
    chance = Random(seed)
    world = World(two_sites(*AGENTS), chance, lost)
    for number in range(30):
        world.come(number)
        for _ in range(chance.randrange(12)):
            world.step()
        leaving = [call_id for call_id in world.homes if call_id not in {leg.call_id for leg in world.legs.values()}]
        if leaving and chance.random() < 0.2:
            world.hang_up(chance.choice(leaving))
    world.lost = 0.0
    for _ in range(4000):
        if not world.homes:
            break
        world.step()
    assert not world.homes, "somebody waits for ever"
    while world.legs:
        world.step()
    for _ in range(200):
        world.step()
    for site in world.sites:
        assert (site.matcher.waiting, site.matcher.offers, site.matcher.peer_waiting) == ({}, {}, {})
        assert {seat.state for seat in site.matcher.seats.values()} == {AgentState.READY}

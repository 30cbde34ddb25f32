"""The words of the simulated world: callers and their tries, people, days. Frozen; times in seconds from midnight."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from routing.agents import Agent
from tieline.model import MANDARIN, AgentId, Business, CallId, CityId, DialectId, Level, SiteId
from tieline.topology import Topology

HOUR_S: Final = 3600.0
HALF_HOUR_S: Final = 1800.0


class Service(StrEnum):
    """In which language a caller is served."""

    OWN = "own"
    """By a native or fluent speaker of what was asked for."""
    BASIC = "basic"
    """By somebody who knows a little of it."""
    OTHER = "other"
    """In Mandarin, though a dialect was asked for."""


def served(dialect: DialectId, agent: Agent) -> Service:
    """Tell how an agent serves a caller of a dialect."""
    if agent.speaks(dialect):
        return Service.OWN
    return Service.BASIC if agent.dialects.get(dialect) is Level.BASIC else Service.OTHER


@dataclass(frozen=True, slots=True, eq=False)
class Caller:
    """Somebody with one concern, in all his tries.

    Attributes:
        cannot: Manages no Mandarin.
        known: That is known from earlier calls.
    """

    city: CityId
    site: SiteId
    dialect: DialectId
    business: Business
    cannot: bool
    known: bool

    @property
    def wants_dialect(self) -> bool:
        """Whether he asked for anything but Mandarin."""
        return self.dialect != MANDARIN


@dataclass(frozen=True, slots=True, eq=False)
class Try:
    """One call, with everything that chance decides about it, so that every policy meets the same luck.

    Attributes:
        patience_s: Hangs up after this wait, ringing included.
        talk_s: Length of the talk if language is no trouble.
        again: Uniform draw: the caller calls again when it is below the chance of that.
        again_after_s: Time until then after a talk; `retry_after_s` after hanging up.
        next: The try that would follow.
    """

    call_id: CallId
    caller: Caller
    patience_s: float
    ring_s: float
    talk_s: float
    again: float
    again_after_s: float
    retry_after_s: float
    next: "Try | None"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Factors of the length of a talk."""

    basic: float
    manages: float
    cannot: float

    def factor(self, service: Service, *, cannot: bool) -> float:
        """How many times longer a talk is."""
        if service is Service.OWN:
            return 1.0
        if service is Service.BASIC:
            return self.basic
        return self.cannot if cannot else self.manages


@dataclass(frozen=True, slots=True)
class Again:
    """Chances that a caller calls again, and the mean time until then."""

    own: float
    basic: float
    manages: float
    cannot: float
    after_talk_s: float
    hung_up: float
    hung_up_storm: float
    after_hang_up_s: float

    def chance(self, service: Service, *, cannot: bool) -> float:
        """Chance after a talk."""
        if service is Service.OWN:
            return self.own
        if service is Service.BASIC:
            return self.basic
        return self.cannot if cannot else self.manages


@dataclass(frozen=True, slots=True)
class Callers:
    """How callers behave; see bench/data/callers.toml."""

    calls_per_1000_customers_day: float
    hours: Sequence[float]
    open_from_hour: int
    open_to_hour: int
    round_the_clock: frozenset[Business]
    business: Mapping[Business, float]
    dialects: Mapping[CityId, Mapping[DialectId, float]]
    cannot: float
    known: float
    patience_s: float
    storm_patience_s: float
    talk_s: float
    talk_sigma: float
    wrap_up_s: float
    ring_least_s: float
    ring_most_s: float
    mismatch: Mismatch
    again: Again


@dataclass(frozen=True, slots=True)
class Surge:
    """More calls than usual from some cities."""

    cities: Sequence[CityId]
    at_hour: float
    factor: float
    rise_h: float
    hold_h: float
    halving_h: float

    def multiple(self, hour: float) -> float:
        """How many times the usual load at an hour; 1 before and long after."""
        after = hour - self.at_hour
        more = self.factor - 1
        if after <= 0:
            return 1.0
        if after < self.rise_h:
            return 1 + more * after / self.rise_h
        fall = max(0.0, after - self.rise_h - self.hold_h)
        return float(1 + more * 0.5 ** (fall / self.halving_h))


@dataclass(frozen=True, slots=True)
class DayPlan:
    """A kind of day; see bench/data/days.toml."""

    id: str
    from_hour: float
    to_hour: float
    impatient: bool = False
    factor: float = 1.0
    called_in: int = 0
    called_in_from_hour: float = 0.0
    called_in_to_hour: float = 0.0
    kept_by_menu: float = 0.0
    surge_business: Mapping[Business, float] | None = None
    peak_from_hour: float = 0.0
    peak_to_hour: float = 0.0
    surges: Sequence[Surge] = ()


@dataclass(frozen=True, slots=True)
class Staffing:
    """How a roster is made."""

    answered: float
    within_s: float
    handle_s: float
    allowance: float
    least: int


@dataclass(frozen=True, slots=True)
class City:
    """What the world needs of a city."""

    id: CityId
    site: SiteId
    customers: int


@dataclass(frozen=True, slots=True)
class World:
    """Everything that the files say.

    Attributes:
        topology: The example's, with the dialects that only the world tells apart.
        people: Per site in the order in which they come on duty, tongues evenly mixed.
    """

    topology: Topology
    cities: Sequence[City]
    callers: Callers
    people: Mapping[SiteId, Sequence[Agent]]
    staffing: Staffing
    days: Mapping[str, DayPlan]

    @property
    def agents(self) -> Mapping[AgentId, Agent]:
        """All people of all sites."""
        return {agent.id: agent for people in self.people.values() for agent in people}


@dataclass(frozen=True, slots=True)
class Shift:
    """An agent's time on duty; `to` is infinite for who works on beyond the end of the day."""

    agent: AgentId
    start: float
    to: float


@dataclass(frozen=True, slots=True)
class Day:
    """One course of a day.

    Attributes:
        arrivals: First tries with their time, ordered.
        end: Nobody new comes from then on.
        peak: From and to; tries that come in it are counted apart. Empty when both are 0.
    """

    plan: DayPlan
    seed: int
    arrivals: Sequence[tuple[float, Try]]
    shifts: Sequence[Shift]
    end: float
    peak: tuple[float, float]

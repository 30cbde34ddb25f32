"""Ladders: what is accepted of an agent after how long a wait, and the numbers that the choice goes by. Pure data.

`routing.ladder_file` reads them; what is here can be trusted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tieline.model import MANDARIN, Business, DialectId, Lane, Level, SiteId


class Accept(StrEnum):
    """How well an agent must know the caller's dialect, at least."""

    NATIVE = "native"
    FLUENT = "fluent"
    BASIC = "basic"
    MANDARIN = "mandarin"
    """Not at all: the caller is answered in Mandarin."""


class Reach(StrEnum):
    """Whose agents a step reaches."""

    OWN = "own"
    """Those of the call's own site."""
    ANY = "any"
    """Those of every site; the call's own go first."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a ladder.

    Attributes:
        after_s: Wait after which it opens, seconds.
        accept: What is accepted from then on; all that is better is, too.
        reach: Whose agents.
        why: Why this number.
        near_s: The step is put off while a speaker is likely to come free within so many seconds; 0 for never.
        hold_s: For how long at most it is put off.
        only_dialect_s: How much later it opens for callers who are known to manage no Mandarin.
        only_dialect_near_s: `near_s` for them.
    """

    after_s: float
    accept: Accept
    reach: Reach
    why: str
    near_s: float = 0.0
    hold_s: float = 0.0
    only_dialect_s: float = 0.0
    only_dialect_near_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Ladder:
    """How a need is relaxed as the caller waits; each step opens later than the one before."""

    id: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class LaneTerms:
    """What a lane is worth.

    Attributes:
        head_start_s: Its calls count as having waited so much longer: they go before those of a lower lane that have
            waited less than that longer, so this is also the bound on how long the lower one is passed over.
        at_once: All steps are open from the beginning; a better fit still goes first.
    """

    head_start_s: float
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the choice goes by; reasons are in the file. Prices are in one unit: lower is better.

    Attributes:
        own_dialect_s: Head start of calls in a dialect that the free agent speaks, seconds.
        own_dialect_weight: How much each second of their wait counts there; calls back count as they are.
        queue_weight: How much more when as many callers of the dialect wait as speakers are on duty; of fewer as the
            square of their share.
        most_weight: Than this it never counts more.
        crowded_share: The pool is crowded when more calls wait than this for each agent on duty.
        crowded_dialect_s: `own_dialect_s` while it is crowded.
        no_dialect_s: Head start that a dialect call loses at an agent who does not speak it, seconds.
        crossing_s: Head start that a call loses at an agent of another site, seconds.
        reserve: Speakers, idle or free soon, that are kept for a dialect with a load of one Erlang.
        reserve_power: How fast that grows with the load: 0 for not at all, 1 for in proportion.
        soon_s: A busy speaker who is likely to be free within so many seconds counts for the reserve.
        give_way_from_s: After this wait a caller gets a reserved speaker if nobody else is likely to come free for
            him before `give_way_s`.
        give_way_s: After this wait he gets one in any case.
        give_way_look_s: How often he is looked at between the two, seconds.
        talk_s: Mean time that a call keeps an agent busy, wrap-up included, seconds.
        talk_spread: Standard deviation of the logarithms of those times.
        load_s: Time over which a dialect's load is averaged, seconds.
        look_again_s: How often a step that is put off is looked at again, seconds.
        fluent_price: Of an agent who is fluent, not native, in the dialect, or in the business; twice for both.
        basic_price: Of an agent with basic knowledge of the dialect.
        mandarin_price: Of an agent without the caller's dialect.
        business_price: Of an agent with basic knowledge of the business.
        crossing_price: Of an agent of another site.
        scarcity_price: Of an agent whose other dialect has as many idle speakers as are to be kept.
        least_load: Erlang below which a dialect's reserve shrinks in proportion to its load, down to none.
        place_among: Out of so many longest idle, the one who knows the caller's county or city goes first.
    """

    own_dialect_s: float
    own_dialect_weight: float
    queue_weight: float
    most_weight: float
    crowded_share: float
    crowded_dialect_s: float
    no_dialect_s: float
    crossing_s: float
    reserve: float
    reserve_power: float
    soon_s: float
    give_way_from_s: float
    give_way_s: float
    give_way_look_s: float
    talk_s: float
    talk_spread: float
    load_s: float
    look_again_s: float
    fluent_price: float
    basic_price: float
    mandarin_price: float
    business_price: float
    crossing_price: float
    scarcity_price: float
    least_load: float
    place_among: int


@dataclass(frozen=True, slots=True)
class LadderSet:
    """All that the matcher's choice goes by.

    Attributes:
        version: Grows with each change; 0 is what ships with Tieline.
        ladders: For every business and dialect.
        lanes: For every lane.
        left: By site, the businesses that its agents leave to another one just now (`routing.business_sites`).
    """

    version: int
    ladders: Mapping[tuple[Business, DialectId], Ladder]
    lanes: Mapping[Lane, LaneTerms]
    numbers: Numbers
    left: Mapping[SiteId, frozenset[Business]] = field(default_factory=dict)

    def of(self, business: Business, dialect: DialectId) -> Ladder:
        """Give the ladder of a need; a dialect that is not known here has Mandarin's."""
        return self.ladders.get((business, dialect)) or self.ladders[business, MANDARIN]


ACCEPTED: Mapping[Level | None, Accept] = {
    Level.NATIVE: Accept.NATIVE,
    Level.FLUENT: Accept.FLUENT,
    Level.BASIC: Accept.BASIC,
    None: Accept.MANDARIN,
}
"""Which step takes an agent with this knowledge of the dialect; None is no knowledge."""

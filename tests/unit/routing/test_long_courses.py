"""A matcher of two sites over long courses of events by chance: most as they should be, some wrong, late or twice.

What `test_matcher_rules` leaves to hypothesis seldom comes as far as a consultation; here most do.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.matcher import Matcher
from routing.offers import Effect, MakeOffer, Offer, Onward, Step, StepConsult, WithdrawOffer
from routing.wishes import Asked, Reason, Wish
from tests.unit.routing.always import check
from tests.unit.routing.people import FUZHOU, LADDERS, RULES, XIAMEN, agent, call
from tieline.model import AgentId, Business, CallId, Lane, SiteId

pytestmark = pytest.mark.unit

AGENTS: Final = (
    agent("a1"),
    agent("a2", "puxian", cities=("fuzhou",)),
    agent("a3", "min_dong", basic=("puxian",)),
    agent("a4", "min_nan", site=XIAMEN, business=(Business.REPAIR, Business.BILLING)),
    agent("a5", site=XIAMEN, weak=(Business.COMPLAINT,)),
)
DIALECTS: Final = ("mandarin", "puxian", "min_dong", "min_nan", "gan")
EVENTS: Final = 150
LEFT: Final = {XIAMEN: frozenset({Business.BILLING})}


def new_matcher(next_fence: int = 1) -> Matcher:
    return Matcher(
        {one.id: one for one in AGENTS}, RULES, LADDERS, frozenset((FUZHOU, XIAMEN)), next_fence=next_fence
    )


@dataclass
class Course:
    """One course of events.

    Attributes:
        made: Offers that stand, by what the effects said.
        did: How often each thing was done.
    """

    chance: Random
    matcher: Matcher = field(default_factory=new_matcher)
    now: float = 1000.0
    serial: int = 0
    last_fence: int = 0
    made: list[Offer] = field(default_factory=list)
    did: Counter[str] = field(default_factory=Counter)

    def step(self) -> None:
        """Let one thing happen, and look whether all that must hold does."""
        kinds = list(WEIGHTS)
        chosen = self.chance.choices(kinds, [WEIGHTS[kind] for kind in kinds])[0]
        self.book(chosen(self))
        check(self.matcher, self.now)

    def book(self, effects: list[Effect]) -> None:
        """Check what is done, and let everything be done that is due."""
        for effect in [*effects, *self.matcher.tick(self.now)]:
            self.did[type(effect).__name__] += 1
            match effect:
                case MakeOffer(offer, decision):
                    assert offer.fence > self.last_fence
                    assert offer.agent not in {other.agent for other in self.made}, "an agent with two offers"
                    assert offer.call not in {other.call for other in self.made}, "a call with two agents"
                    assert (decision.agent, decision.fence) == (offer.agent, offer.fence)
                    self.last_fence = offer.fence
                    self.made.append(offer)
                case WithdrawOffer(offer):
                    self.made = [other for other in self.made if other.fence != offer.fence]
                case StepConsult(fence=fence):
                    self.last_fence = max(self.last_fence, fence)
        standing = {(offer.agent, offer.fence) for offer in self.matcher.offers.values()}
        self.made = [offer for offer in self.made if (offer.agent, offer.fence) in standing]

    # What can happen -----------------------------------------------------------------------------------------

    def time_goes_on(self) -> list[Effect]:
        self.now += self.chance.choice([0.1, 1, 3, 10, 20])
        return []

    def somebody_calls(self) -> list[Effect]:
        self.serial += 1
        dialect, site = self.chance.choice(DIALECTS), self.chance.choice((FUZHOU, XIAMEN))
        lane = self.chance.choices(list(Lane), [1, 1, 8, 1])[0]
        business = self.chance.choices([Business.REPAIR, Business.BILLING, Business.OTHER], [6, 1, 1])[0]
        waiting = call(f"c{self.serial}", self.now - self.late_s(), dialect, business, site=site, lane=lane)
        return self.matcher.call_waiting(waiting, self.now)

    def an_offer_goes_on(self) -> list[Effect]:
        """As it should: it is taken, rings, is answered; then a leg ends."""
        if (offer := self.offer()) is None:
            return []
        call_id = offer.call.call_id
        if not offer.taken:
            return self.matcher.taken(call_id, offer.agent, offer.fence, self.now)
        if not offer.talks:
            rung = self.matcher.rung(call_id, offer.agent, self.now)
            return rung + self.matcher.answered(call_id, offer.agent, self.now)
        if offer.second and not offer.second_talks:
            return self.matcher.answered(call_id, offer.second, self.now)
        return self.matcher.agent_free(offer.second or offer.agent, self.now, call_id)

    def an_offer_fails(self) -> list[Effect]:
        if (offer := self.offer()) is None:
            return []
        failed = self.matcher.failed(offer.call.call_id, offer.agent, offer.fence, self.now)
        return failed + self.matcher.call_waiting(offer.call, self.now)

    def a_caller_leaves(self) -> list[Effect]:
        known = [*self.matcher.offers, *self.matcher.waiting]
        return self.matcher.call_gone(self.chance.choice(known), self.now, self.now - self.late_s()) if known else []

    def a_transfer_is_asked_for(self) -> list[Effect]:
        if (offer := self.offer(lambda one: one.talks)) is None:
            return []
        step = self.chance.choice([*Step, *[Step.CONSULT] * 4])
        return self.matcher.transfer(offer.call.call_id, offer.agent, step, Onward(self.name()), self.now)

    def a_caller_comes_out_of_his_talk(self) -> list[Effect]:
        if (offer := self.offer(lambda one: one.talks or one.handed_over)) is None:
            return []
        wanted = self.chance.choice([AgentId(""), self.name()])
        return self.matcher.call_waiting(replace(offer.call, moved_at=self.now, wanted=wanted), self.now)

    def a_consultation_goes_on(self) -> list[Effect]:
        if (offer := self.offer(lambda one: bool(one.second))) is None:
            return []
        call_id, at, pool = offer.call.call_id, self.now - self.late_s(), self.matcher
        match self.chance.randrange(5):
            case 0:
                kind = self.chance.choice(["attended", "threeway"])
                return pool.transferred(call_id, kind, self.now, at)
            case 1:
                return pool.agent_free(offer.agent, self.now, call_id, at)
            case 2:
                return pool.failed(call_id, offer.second, offer.second_fence, self.now, "NOANSWER")
            case 3:
                return pool.agent_free(offer.second, self.now, call_id, at)
            case _:
                return pool.answered(call_id, offer.second, self.now, at)

    def nonsense_is_told(self) -> list[Effect]:
        call_id, pool = CallId(f"c{self.chance.randint(1, self.serial + 1)}"), self.matcher
        told: list[Callable[[], list[Effect]]] = [
            lambda: pool.answered(call_id, self.name(), self.now),
            lambda: pool.rung(call_id, self.name(), self.now, self.now - self.late_s()),
            lambda: pool.taken(call_id, self.name(), self.chance.randint(0, self.last_fence), self.now),
            lambda: pool.agent_free(self.name(), self.now, call_id, self.now - self.late_s()),
        ]
        return self.chance.choice(told)()

    def a_list_shows_a_phone_idle(self) -> list[Effect]:
        return self.matcher.phone_idle(self.name(), self.now)

    def a_phone_is_seen(self) -> list[Effect]:
        reachable = self.chance.random() < 0.8
        return self.matcher.phone_seen(self.name(), reachable=reachable, now=self.now, at=self.now - self.late_s())

    def somebody_wishes(self) -> list[Effect]:
        at = self.now - self.late_s()
        wish = Asked(at, self.chance.choice([*Wish, *[Wish.READY] * 4]), reason=Reason.MEAL, until=self.now + 30)
        return self.matcher.asked(self.name(), wish, self.now)

    def other_rules_come(self) -> list[Effect]:
        if self.chance.random() < 0.5:
            return self.matcher.use(replace(LADDERS, version=self.serial), self.now)
        return self.matcher.leave(self.chance.choice([LEFT, dict[SiteId, frozenset[Business]]()]), self.now)

    def another_matcher_takes_over(self) -> list[Effect]:
        before, self.matcher = self.matcher, new_matcher(self.last_fence + 1)
        self.matcher.restore(before.waiting.values(), before.seats, before.offers.values())
        return []

    # Small parts ---------------------------------------------------------------------------------------------

    def offer(self, which: Callable[[Offer], bool] = lambda _: True) -> Offer | None:
        """Give one of the offers of a sort."""
        found = [offer for offer in self.matcher.offers.values() if which(offer)]
        return self.chance.choice(found) if found else None

    def name(self) -> AgentId:
        """Give one of the agents."""
        return self.chance.choice(AGENTS).id

    def late_s(self) -> float:
        """Tell how late some news is."""
        return self.chance.choice([0.0, 0.0, 0.5, 30.0])


WEIGHTS: Final[Mapping[Callable[[Course], list[Effect]], float]] = {
    Course.time_goes_on: 6,
    Course.somebody_calls: 2,
    Course.an_offer_goes_on: 14,
    Course.an_offer_fails: 1,
    Course.a_caller_leaves: 2,
    Course.a_transfer_is_asked_for: 6,
    Course.a_caller_comes_out_of_his_talk: 1,
    Course.a_consultation_goes_on: 3,
    Course.nonsense_is_told: 0.5,
    Course.a_list_shows_a_phone_idle: 1,
    Course.a_phone_is_seen: 1.5,
    Course.somebody_wishes: 1,
    Course.other_rules_come: 0.5,
    Course.another_matcher_takes_over: 0.3,
}


def course(seed: int) -> Course:
    """Run a course."""
    made = Course(Random(seed))
    for one in AGENTS:
        made.book(made.matcher.phone_seen(one.id, reachable=True, now=made.now))
    for _ in range(EVENTS):
        made.step()
    return made


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_whatever_happens_nobody_is_offered_twice_and_nobody_waits_in_vain(seed: int) -> None:
    course(seed)


def test_the_courses_come_to_every_kind_of_thing() -> None:
    did: Counter[str] = sum((course(seed).did for seed in range(40)), Counter())
    assert {effect.__name__ for effect in (MakeOffer, WithdrawOffer, StepConsult)} <= did.keys()
    assert {"MoveCall", "NextLeg", "EndLeg", "RefuseConsult"} <= did.keys()

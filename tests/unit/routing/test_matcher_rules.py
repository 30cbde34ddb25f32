"""What holds of the matcher after any events: late, twice, missing, contradictory."""

from collections.abc import Callable, Iterable
from itertools import permutations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from routing.matcher import Matcher
from routing.offers import Effect, MakeOffer, Offer, WithdrawOffer
from routing.seats import EMPTY
from routing.wishes import Asked, Reason, Wish
from tests.unit.routing.always import check
from tests.unit.routing.people import FUZHOU, LADDERS, RULES, XIAMEN, agent, call, matcher, offers
from tieline.model import AgentId, AgentState, Business, CallId, Lane

pytestmark = pytest.mark.unit

AGENTS = (
    agent("a1"),
    agent("a2", "puxian", cities=("fuzhou",)),
    agent("a3", "min_dong", basic=("puxian",)),
    agent("a4", "min_nan", site=XIAMEN, business=(Business.REPAIR, Business.BILLING)),
    agent("a5", site=XIAMEN, weak=(Business.COMPLAINT,)),
)
NAMES = st.sampled_from([known.id for known in AGENTS])
CALLS = st.sampled_from([CallId(f"c{number}") for number in range(6)])
LATE_S = st.sampled_from([0.0, 0.0, 0.5, 30.0])
LONG_S = max(kind.hold_s + kind.after_s + kind.only_dialect_s for of in LADDERS.ladders.values() for kind in of.steps)


class Pool(RuleBasedStateMachine):
    """A matcher of two sites under any events, with a book of the offers it has made."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.matcher = Matcher({known.id: known for known in AGENTS}, RULES, LADDERS, frozenset((FUZHOU, XIAMEN)))
        self.made: list[Offer] = []
        self.last_fence = 0
        self.gone_at: dict[CallId, float] = {}

    def book(self, effects: list[Effect], over: CallId | None = None) -> None:
        """Check what is done, and let everything be done that is due.

        Args:
            effects: Of an event.
            over: The call whose talk it may have ended, late enough for its agent to have the next offer already.
        """
        self.made = [offer for offer in self.made if offer.call.call_id != over or self.stands(offer)]
        for effect in [*effects, *self.matcher.tick(self.now)]:
            match effect:
                case MakeOffer(offer, decision):
                    assert offer.fence > self.last_fence
                    assert offer.agent not in {other.agent for other in self.made}, "an agent with two offers"
                    assert offer.call not in {other.call for other in self.made}, "a call with two agents"
                    assert (decision.agent, decision.fence) == (offer.agent, offer.fence)
                    assert decision.open_s <= decision.wait_s + 1e-6
                    self.last_fence = offer.fence
                    self.made.append(offer)
                case WithdrawOffer(offer):
                    self.made = [other for other in self.made if other.fence != offer.fence]
        self.made = [offer for offer in self.made if self.stands(offer)]

    def stands(self, offer: Offer) -> bool:
        """Tell whether the matcher still has an offer."""
        return any(other.fence == offer.fence for other in self.matcher.offers.values())

    def fence(self, call_id: CallId, *, right: bool) -> tuple[AgentId, int]:
        """Name the agent and fence of a call's offer, or ones that are wrong."""
        offer = self.matcher.offers.get(call_id)
        return (offer.agent, offer.fence) if offer and right else (AgentId("a1"), 0)

    @initialize(dialects=st.lists(st.sampled_from(["mandarin", "puxian", "min_nan"]), min_size=2, max_size=6))
    def a_morning(self, dialects: list[str]) -> None:
        """Let some wait and everybody come: of what is left to chance alone half comes to no offer."""
        for number, dialect in enumerate(dialects):
            self.book(self.matcher.call_waiting(call(f"c{number}", self.now, dialect), self.now))
        for known in AGENTS:
            self.book(self.matcher.phone_seen(known.id, reachable=True, now=self.now))

    @rule(by_s=st.floats(0.01, 20))
    def time_goes_on(self, by_s: float) -> None:
        self.now += by_s
        self.book([])

    @rule(
        name=CALLS,
        dialect=st.sampled_from(["mandarin", "puxian", "min_dong", "min_nan", "gan"]),
        business=st.sampled_from([Business.REPAIR, Business.BILLING, Business.OTHER]),
        lane=st.sampled_from(Lane),
        site=st.sampled_from([FUZHOU, XIAMEN]),
        waited_s=LATE_S,
        only_dialect=st.booleans(),
    )
    def waits(self, name: CallId, waited_s: float, site: str, **need: object) -> None:
        since = self.now - waited_s
        self.book(self.matcher.call_waiting(call(name, since, site=site, **need), self.now))  # type: ignore[arg-type]

    @rule(call_id=CALLS, late_s=LATE_S)
    def goes(self, call_id: CallId, late_s: float) -> None:
        self.gone_at.setdefault(call_id, self.now)
        self.book(self.matcher.call_gone(call_id, self.now, self.now - late_s), over=call_id)

    @rule(call_id=CALLS, right=st.booleans(), late_s=LATE_S)
    def takes(self, call_id: CallId, right: bool, late_s: float) -> None:
        self.book(self.matcher.taken(call_id, *self.fence(call_id, right=right), self.now, self.now - late_s))

    @rule(call_id=CALLS, right=st.booleans())
    def fails(self, call_id: CallId, right: bool) -> None:
        self.book(self.matcher.failed(call_id, *self.fence(call_id, right=right), self.now))

    @rule(call_id=CALLS, name=NAMES, right=st.booleans(), late_s=LATE_S)
    def answers(self, call_id: CallId, name: AgentId, right: bool, late_s: float) -> None:
        who = self.fence(call_id, right=True)[0] if right else name
        self.book(self.matcher.answered(call_id, who, self.now, self.now - late_s), over=call_id)

    @rule(call_id=CALLS, name=NAMES, late_s=LATE_S)
    def rings(self, call_id: CallId, name: AgentId, late_s: float) -> None:
        self.book(self.matcher.rung(call_id, name, self.now, self.now - late_s))

    @rule(call_id=CALLS, name=NAMES, late_s=LATE_S)
    def leg_ends(self, call_id: CallId, name: AgentId, late_s: float) -> None:
        self.book(self.matcher.agent_free(name, self.now, call_id, self.now - late_s), over=call_id)

    @rule(name=NAMES, reachable=st.booleans(), late_s=LATE_S)
    def phone(self, name: AgentId, reachable: bool, late_s: float) -> None:
        self.book(self.matcher.phone_seen(name, reachable=reachable, now=self.now, at=self.now - late_s))

    @rule(name=NAMES)
    def is_idle(self, name: AgentId) -> None:
        self.book(self.matcher.phone_idle(name, self.now))

    @rule(name=NAMES, wish=st.sampled_from(Wish), late_s=LATE_S)
    def asks(self, name: AgentId, wish: Wish, late_s: float) -> None:
        self.book(self.matcher.asked(name, Asked(self.now - late_s, wish, reason=Reason.MEAL), self.now))

    @precondition(lambda self: self.matcher.waiting or self.matcher.offers)
    @rule()
    def another_matcher_takes_over(self) -> None:
        before = self.matcher
        self.matcher = Matcher(before.agents, RULES, LADDERS, before.own, next_fence=self.last_fence + 1)
        self.matcher.restore(before.waiting.values(), before.seats, before.offers.values())
        self.gone_at.clear()  # not handed on: the snapshots that a new matcher asks for show who is gone
        self.book([])

    @invariant()
    def what_always_holds(self) -> None:
        check(self.matcher, self.now)

    @invariant()
    def what_is_over_is_over(self) -> None:
        self.gone_at = {call_id: at for call_id, at in self.gone_at.items() if at >= self.now - 60}
        assert not self.gone_at.keys() & self.matcher.waiting.keys()

    def teardown(self) -> None:
        """In the end nobody waits for whom there is an idle agent, whatever came before."""
        self.now += LONG_S + RULES.ring_s + RULES.lease_s + RULES.pause_s
        self.book(self.matcher.tick(self.now))
        check(self.matcher, self.now)


TestPool = Pool.TestCase
TestPool.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


# --- order ---------------------------------------------------------------------------------------------------

A1, C1 = AgentId("a1"), CallId("c1")
END = 104.0

Event = Callable[[Matcher], list[Effect]]
TALK: dict[str, Event] = {
    "phone": lambda pool: pool.phone_seen(A1, reachable=True, now=END, at=1),
    "waiting": lambda pool: pool.call_waiting(call("c1", 100), END),
    "rung": lambda pool: pool.rung(C1, A1, END, 101),
    "answered": lambda pool: pool.answered(C1, A1, END, 102),
    "leg gone": lambda pool: pool.agent_free(A1, END, C1, 103),
    "call gone": lambda pool: pool.call_gone(C1, END, 103.5),
}
"""A talk that the safety net began, as it is told; the matcher hears of everything at the end."""
OFFERED: dict[str, Event] = {
    "taken": lambda pool: pool.taken(C1, A1, 1, END, 100.5),
    "rung": lambda pool: pool.rung(C1, A1, END, 101),
    "answered": lambda pool: pool.answered(C1, A1, END, 102),
    "leg gone": lambda pool: pool.agent_free(A1, END, C1, 103),
    "call gone": lambda pool: pool.call_gone(C1, END, 103.5),
}
"""The same after an offer of ours."""
NO_ANSWER: dict[str, Event] = {
    "taken": lambda pool: pool.taken(C1, A1, 1, END, 101),
    "failed": lambda pool: pool.failed(C1, A1, 1, END),
    "waiting again": lambda pool: pool.call_waiting(call("c1", 100), END),
}


def heard(events: Iterable[Event], pool: Matcher) -> tuple[set[CallId], set[CallId], tuple[object, ...]]:
    """Tell what is the case after some events: who waits, which offers stand, the agent's seat."""
    for event in events:
        event(pool)
    pool.tick(END)
    seat = pool.seats.get(A1, EMPTY)
    return set(pool.waiting), set(pool.offers), (seat.state, seat.reason, seat.until, seat.idle_since)


@pytest.mark.parametrize("missing", ["", "waiting", "rung", "leg gone", "phone"])
def test_a_talk_is_the_same_in_whatever_order_it_is_told_and_twice(missing: str) -> None:
    def nobody() -> Matcher:
        return Matcher({A1: agent("a1")}, RULES, LADDERS, frozenset((FUZHOU,)))

    events = [event for name, event in TALK.items() if name != missing]
    in_order = heard(events, nobody())
    assert in_order[:2] == (set(), set())
    for order in permutations(events):
        assert heard(order, nobody()) == in_order
        assert heard((*order, *order[:3]), nobody()) == in_order


@pytest.mark.parametrize("missing", ["", *OFFERED])
def test_what_comes_of_an_offer_is_the_same_in_whatever_order_it_is_told_and_twice(missing: str) -> None:
    def offered() -> Matcher:
        pool = matcher(agent("a1"), ready_at=1)
        [offer] = offers(pool.call_waiting(call("c1", 100), 100))
        assert (offer.agent, offer.fence) == (A1, 1)
        return pool

    events = [event for name, event in OFFERED.items() if name != missing]
    in_order = heard(events, offered())
    assert in_order[:2] == (set(), set())
    assert in_order[2][0] is (AgentState.READY if missing == "answered" else AgentState.WRAP_UP)
    for order in permutations(events):
        assert heard(order, offered()) == in_order
        assert heard((*order, *order), offered()) == in_order


@pytest.mark.parametrize("order", list(permutations(NO_ANSWER)))
def test_no_answer_is_the_same_in_whatever_order_it_is_told(order: tuple[str, ...]) -> None:
    pool = matcher(agent("a1"), ready_at=1)
    [offer] = offers(pool.call_waiting(call("c1", 100), 100))
    assert (offer.agent, offer.fence) == (A1, 1)
    waiting, offered, seat = heard((NO_ANSWER[name] for name in order), pool)
    assert (waiting, offered, seat[0]) == ({C1}, set(), AgentState.NOT_READY)

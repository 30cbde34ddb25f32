"""What holds of a matcher at every moment, whatever it was told."""

from collections import Counter

from routing.matcher import Matcher
from tieline.model import AgentState


def check(matcher: Matcher, now: float) -> None:
    """Check all of it."""
    check_offers(matcher)
    check_index(matcher)
    check_nobody_waits_in_vain(matcher, now)
    assert all(seat.until == 0 or seat.until > now for seat in matcher.seats.values()), "a state beyond its end"


def check_offers(matcher: Matcher) -> None:
    """No agent has two offers, no call two agents; who is consulted is reserved for that alone."""
    offers = list(matcher.offers.values())
    held = [offer.agent for offer in offers] + [offer.second for offer in offers if offer.second_fence]
    ready = {name for name, seat in matcher.seats.items() if seat.state is AgentState.READY}
    assert len(held) == len(set(held)), "an agent with two offers"
    assert not ready & set(held), "a ready agent with an offer"
    assert not matcher.waiting.keys() & matcher.offers.keys(), "a call both waiting and offered"


def check_index(matcher: Matcher) -> None:
    """The pool's index is what calls and seats say."""
    pool = matcher._exchange.pool
    ready = {name for name, seat in matcher.seats.items() if seat.state is AgentState.READY}
    assert set(pool.idle) == ready
    assert set(pool.calls) == set(matcher.waiting)
    waiting = {kind: sorted(kind.calls) for kind in map(pool.kind_of_call, pool.calls.values())}
    assert sum(map(len, waiting.values())) == len(pool.calls)
    assert all(kind.calls == in_order for kind, in_order in waiting.items())
    speakers = Counter(dialect for name in ready for dialect in pool.kind_of_agent(name).spoken)
    assert +pool.idle_speakers == speakers
    busy = {name for name, seat in matcher.seats.items() if seat.state in (AgentState.TALKING, AgentState.WRAP_UP)}
    for dialect, known in pool.freeing.busy.items():
        assert known.keys() == {name for name in busy if dialect in pool.kind_of_agent(name).spoken}


def check_nobody_waits_in_vain(matcher: Matcher, now: float) -> None:
    """No call waits while an agent is idle whom it may have for sure."""
    pool = matcher._exchange.pool
    for waiting in pool.calls.values():
        for name in pool.idle:
            terms = pool.kind_of_call(waiting).terms(pool.kind_of_agent(name))
            assert terms is None or now - waiting.since < terms.sure_s, (waiting.call_id, name)

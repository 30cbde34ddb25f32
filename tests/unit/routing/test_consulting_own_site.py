"""An agent who talks with another site's caller consults one of his own site: who is reserved, how long."""

import pytest

from routing.matcher import Matcher
from routing.offers import DeclineOffer
from tests.unit.routing.test_consulting_across import (
    BEN,
    C1,
    FAR,
    both,
    failed,
    heir_of,
    leg_gone,
    refusals,
    state,
    steps,
)
from tests.unit.routing.two_sites import FUZHOU, RULES, XIAMEN, Site, agent, meet, two_sites
from tieline import bus
from tieline.model import AgentId, AgentState

pytestmark = pytest.mark.unit

NEAR, THIRD = "a2002", "a2003"
"""Of Xiamen, as the agent is who consults them."""


def talking() -> tuple[Site, Site]:
    """Let Xiamen's only speaker of Min Dong talk with Fuzhou's caller c1; colleagues of his are there."""
    fuzhou, xiamen = two_sites(
        agent(BEN, FUZHOU), agent(FAR, XIAMEN, "min_dong"), agent(NEAR, XIAMEN), agent(THIRD, XIAMEN)
    )
    fuzhou.waits("c1", "min_dong")
    meet(fuzhou, xiamen)
    [made] = xiamen.of(bus.OfferMade)
    assert isinstance(made, bus.OfferMade)
    for site in (fuzhou, xiamen):
        site.tell(bus.OfferTaken(at=site.now, call_id="c1", channel="c", agent=FAR, fence=made.fence))
    both(fuzhou, xiamen, bus.AgentAnswered(at=xiamen.now, call_id="c1", agent=FAR))
    return fuzhou, xiamen


def lent() -> tuple[Site, Site, int]:
    """Let his own site have lent his colleague to the talk; gives the fence, too."""
    fuzhou, xiamen = talking()
    step(fuzhou, "consult", NEAR)
    meet(fuzhou, xiamen)
    made = [event for event in xiamen.told if isinstance(event, bus.OfferMade)][-1]
    assert (made.agent, made.call_site, made.lease_until) == (NEAR, FUZHOU, xiamen.now + RULES.lease_s)
    return fuzhou, xiamen, made.fence


def rings() -> tuple[Site, Site, int]:
    fuzhou, xiamen, fence = lent()
    xiamen.tell(bus.OfferTaken(at=xiamen.now, call_id="c1", channel="d", agent=NEAR, fence=fence))
    both(fuzhou, xiamen, bus.AgentRinging(at=xiamen.now, call_id="c1", agent=NEAR))
    return fuzhou, xiamen, fence


def talks() -> tuple[Site, Site, int]:
    fuzhou, xiamen, fence = rings()
    both(fuzhou, xiamen, bus.AgentAnswered(at=xiamen.now, call_id="c1", agent=NEAR))
    return fuzhou, xiamen, fence


def step(site: Site, what: str, to: str = "") -> None:
    site.tell(bus.TransferAsked(at=site.now, call_id="c1", agent=FAR, step=what, to_agent=to))


def seconds(*sites: Site) -> list[str]:
    return [site.matcher.offers[C1].second for site in sites]


def notes(site: Site) -> list[tuple[str, float]]:
    return [(one.agent, one.begun_at) for one in site.commands if isinstance(one, bus.NoteLeg)]


def test_his_colleague_is_lent_and_dialled_by_the_callers_node() -> None:
    fuzhou, xiamen, fence = lent()
    assert steps(fuzhou) == [("consult", NEAR, fence, "xiamen-1")]
    assert state(xiamen, NEAR) is AgentState.OFFERED
    assert seconds(fuzhou, xiamen) == [NEAR, NEAR]
    assert refusals(fuzhou) == []
    assert [one for one in xiamen.commands if not isinstance(one, bus.WriteQueueLog)] == []


def test_after_complete_the_colleague_has_the_caller_at_both_sites() -> None:
    fuzhou, xiamen, fence = talks()
    both(fuzhou, xiamen, leg_gone(1020))
    for site in (fuzhou, xiamen):
        offer = site.matcher.offers[C1]
        assert (offer.agent, offer.fence, offer.talks, offer.second) == (NEAR, fence, True, "")
    assert (state(xiamen, FAR), state(xiamen, NEAR)) == (AgentState.WRAP_UP, AgentState.TALKING)
    assert (notes(fuzhou), notes(xiamen)) == ([(NEAR, 1020)], [])
    both(fuzhou, xiamen, leg_gone(1030, NEAR))
    assert state(xiamen, NEAR) is AgentState.WRAP_UP
    assert not xiamen.matcher.offers


def test_after_back_the_first_one_has_his_caller_at_both_sites() -> None:
    fuzhou, xiamen, _ = talks()
    step(fuzhou, "back")
    both(fuzhou, xiamen, leg_gone(1020, NEAR))
    assert seconds(fuzhou, xiamen) == ["", ""]
    assert (state(xiamen, FAR), state(xiamen, NEAR)) == (AgentState.TALKING, AgentState.WRAP_UP)


@pytest.mark.parametrize("leg_first", [True, False])
@pytest.mark.parametrize(("status", "then"), [("CANCEL", AgentState.READY), ("NOANSWER", AgentState.NOT_READY)])
def test_a_phone_that_came_to_nothing_costs_its_agent_what_its_node_says(
    status: str, then: AgentState, leg_first: bool
) -> None:
    fuzhou, xiamen, fence = rings()
    if leg_first:
        both(fuzhou, xiamen, leg_gone(1008, NEAR))
    failed(xiamen, fence, status, NEAR)
    if not leg_first:
        both(fuzhou, xiamen, leg_gone(1008, NEAR))
    meet(fuzhou, xiamen)
    assert (state(xiamen, FAR), state(xiamen, NEAR)) == (AgentState.TALKING, then)
    assert seconds(fuzhou, xiamen) == ["", ""]
    assert refusals(xiamen) == [], "the caller's site tells"


def test_a_tie_line_without_a_free_channel_gives_him_back() -> None:
    fuzhou, xiamen, fence = lent()
    failed(fuzhou, fence, "TIEFULL", NEAR)
    meet(fuzhou, xiamen)
    assert refusals(fuzhou) == [(FAR, NEAR, "tiefull")]
    assert state(xiamen, NEAR) is AgentState.READY
    assert seconds(fuzhou, xiamen) == ["", ""]


def test_who_is_wanted_by_nobody_any_more_is_given_back() -> None:
    fuzhou, xiamen = talking()
    step(fuzhou, "consult", NEAR)
    step(fuzhou, "back")
    meet(fuzhou, xiamen)
    assert (steps(fuzhou), state(xiamen, NEAR)) == ([], AgentState.READY)
    assert seconds(fuzhou, xiamen) == ["", ""]


def test_when_the_caller_leaves_both_are_free_and_his_node_alone_ends_their_legs() -> None:
    fuzhou, xiamen, _ = talks()
    fuzhou.tell(bus.CallGone(at=1020, call_id="c1", node="fuzhou-1", channel="c", uniqueid="u", cause=16))
    meet(fuzhou, xiamen)
    assert [state(xiamen, name) for name in (FAR, NEAR)] == [AgentState.WRAP_UP] * 2
    ended = [[one.agent for one in site.commands if isinstance(one, bus.EndLeg)] for site in (fuzhou, xiamen)]
    assert ended == [[FAR, NEAR], []]


def test_a_caller_handed_over_to_the_ringing_phone_is_talked_with_or_waits_again() -> None:
    fuzhou, xiamen, fence = rings()
    fuzhou.tell(bus.CallTransferred(at=1003, call_id="c1", kind="attended"))
    both(fuzhou, xiamen, leg_gone(1004))
    assert (state(xiamen, FAR), state(xiamen, NEAR)) == (AgentState.WRAP_UP, AgentState.OFFERED)
    both(fuzhou, xiamen, bus.AgentAnswered(at=1005, call_id="c1", agent=NEAR))
    assert (notes(fuzhou), notes(xiamen)) == ([("", 1003), (NEAR, 1005)], [])
    assert state(xiamen, NEAR) is AgentState.TALKING
    offer = xiamen.matcher.offers[C1]
    assert (offer.agent, offer.fence, offer.talks) == (NEAR, fence, True)


def test_a_phone_called_off_after_the_caller_was_handed_over_to_it_is_not_to_blame() -> None:
    fuzhou, xiamen, fence = rings()
    fuzhou.tell(bus.CallTransferred(at=1003, call_id="c1", kind="attended"))
    both(fuzhou, xiamen, leg_gone(1004))
    xiamen.tell(leg_gone(1010, NEAR))
    failed(xiamen, fence, "CANCEL", NEAR)
    assert state(xiamen, NEAR) is AgentState.READY
    assert not xiamen.matcher.offers


@pytest.mark.parametrize("dialled", [True, False])
def test_who_is_never_dialled_is_free_after_the_lease_whoever_is_asked_by_then(dialled: bool) -> None:
    _, xiamen, fence = lent()
    if dialled:
        xiamen.tell(bus.OfferTaken(at=xiamen.now, call_id="c1", channel="d", agent=NEAR, fence=fence))
    heir = heir_of(xiamen)
    for matcher in (xiamen.matcher, heir):
        matcher.tick(1000 + RULES.lease_s + 1)
        assert free(matcher) is not dialled
        matcher.tick(1000 + RULES.ring_s + RULES.lease_s + 1)
        assert free(matcher)
        assert matcher.offers[C1].agent == FAR, "the talk goes on"


def free(matcher: Matcher) -> bool:
    return matcher.seats[AgentId(NEAR)].state is AgentState.READY


def test_the_callers_site_is_told_of_a_lease_that_ran_out() -> None:
    fuzhou, xiamen, fence = lent()
    xiamen.tick(1000 + RULES.lease_s)
    assert [(one.agent, one.fence, one.why) for one in xiamen.told if isinstance(one, bus.OfferWithdrawn)] == [
        (NEAR, fence, "lease")
    ]
    meet(fuzhou, xiamen)
    assert seconds(fuzhou, xiamen) == ["", ""]
    assert refusals(fuzhou) == [(FAR, NEAR, "silent")]


def test_a_talk_is_lent_one_colleague_at_a_time() -> None:
    fuzhou, xiamen, _ = lent()
    call = xiamen.matcher.offers[C1].call
    assert xiamen.matcher.wanted(call, AgentId(THIRD), xiamen.now) == [DeclineOffer(C1, AgentId(THIRD), 0, "offered")]
    assert state(xiamen, THIRD) is AgentState.READY
    assert seconds(fuzhou, xiamen) == [NEAR, NEAR]

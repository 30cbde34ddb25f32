"""Between two sites: the agent's site offers, the call's site takes up or declines, and both know when it is over."""

import pytest

from routing.business_sites import left_elsewhere
from routing.peer_intake import PAUSE_S
from routing.seats import Seat
from tests.unit.routing.two_sites import FUZHOU, XIAMEN, Site, agent, meet, two_sites
from tieline import bus
from tieline.model import AgentId, AgentState, Business, SiteId

pytestmark = pytest.mark.unit

SPEAKER = agent("a2001", XIAMEN, "min_nan")
OTHER = agent("a1001", FUZHOU)


def offered() -> tuple[Site, Site, int]:
    """A caller of Fuzhou to whom Xiamen has offered its only speaker; gives the fence too."""
    fuzhou, xiamen = two_sites(OTHER, SPEAKER)
    fuzhou.waits("c1", "min_nan")
    meet(fuzhou, xiamen)
    [made] = xiamen.of(bus.OfferMade)
    assert isinstance(made, bus.OfferMade)
    return fuzhou, xiamen, made.fence


def taken(site: Site, fence: int) -> None:
    site.tell(bus.OfferTaken(at=site.now, call_id="c1", channel="c", agent="a2001", fence=fence))


def failed(site: Site, fence: int, status: str) -> None:
    site.tell(bus.OfferFailed(at=site.now, call_id="c1", agent="a2001", fence=fence, status=status))


def seat(site: Site, name: str = "a2001") -> AgentState:
    return site.matcher.seats[AgentId(name)].state


def test_the_agents_site_offers_and_the_calls_site_dials_the_node_that_holds_the_phone() -> None:
    fuzhou, xiamen, fence = offered()
    assert fuzhou.words == [("c1", f"agent:a2001:{fence}:xiamen-1")]
    assert xiamen.words == []
    assert not fuzhou.of(bus.OfferMade)
    assert seat(xiamen) is AgentState.OFFERED


def test_a_phone_that_only_another_node_of_the_site_reaches_is_rung_by_way_of_that_one() -> None:
    fuzhou, _ = two_sites(OTHER, SPEAKER)
    fuzhou.waits("c1", "mandarin")
    fuzhou.tell(bus.CallGone(at=1000, call_id="c1", node="fuzhou-1", channel="c", uniqueid="u", cause=16))
    for reachable, node in ((True, "fuzhou-2"), (False, "fuzhou-1")):
        fuzhou.tell(bus.PhoneSeen(at=1001, agent="a1001", node=node, reachable=reachable))
    fuzhou.waits("c2", "mandarin")
    assert [word.split(":")[3:] for _, word in fuzhou.words] == [[], ["fuzhou-2"]]


def test_a_talk_over_the_tie_line_leaves_both_sites_as_they_were() -> None:
    fuzhou, xiamen, fence = offered()
    for site in (fuzhou, xiamen):
        taken(site, fence)
        site.tell(bus.AgentAnswered(at=site.now, call_id="c1", agent="a2001"))
    meet(fuzhou, xiamen)
    assert seat(xiamen) is AgentState.TALKING
    fuzhou.tell(bus.CallGone(at=1010, call_id="c1", node="fuzhou-1", channel="c", uniqueid="u", cause=16))
    for site in (fuzhou, xiamen):
        site.tell(bus.AgentLegGone(at=1010, call_id="c1", agent="a2001"))
    meet(fuzhou, xiamen)
    assert seat(xiamen) is AgentState.WRAP_UP
    changes = [change.state for change in xiamen.told if isinstance(change, bus.AgentChanged)]
    assert changes[-3:] == ["offered", "talking", "wrap_up"]
    assert fuzhou.matcher.seats.keys() == {"a1001"}
    for site in (fuzhou, xiamen):
        assert (site.matcher.offers, site.matcher.waiting, site.matcher.peer_waiting) == ({}, {}, {})


def test_an_offer_to_a_caller_who_has_gone_is_declined_and_the_agent_free_at_once() -> None:
    fuzhou, xiamen = two_sites(OTHER, SPEAKER)
    fuzhou.waits("c1", "min_nan")
    xiamen.sees(fuzhou)
    fuzhou.tell(bus.CallGone(at=1000, call_id="c1", node="fuzhou-1", channel="c", uniqueid="u", cause=16))
    fuzhou.unheard.clear()  # so that only the answer to the offer can tell
    fuzhou.sees(xiamen)
    [declined] = fuzhou.of(bus.OfferDeclined)
    assert isinstance(declined, bus.OfferDeclined)
    assert declined.why == "gone"
    assert fuzhou.words == []
    xiamen.sees(fuzhou)
    assert seat(xiamen) is AgentState.READY


def test_an_agent_who_does_not_answer_pauses_at_his_site_and_the_caller_keeps_his_place() -> None:
    fuzhou, xiamen, fence = offered()
    for site in (fuzhou, xiamen):
        taken(site, fence)
        failed(site, fence, "NOANSWER")
    fuzhou.waits("c1", "min_nan")
    meet(fuzhou, xiamen)
    assert seat(xiamen) is AgentState.NOT_READY
    assert fuzhou.matcher.waiting["c1"].since == 1000  # type: ignore[index]


def test_a_caller_who_hangs_up_while_it_rings_is_no_fault_of_the_agent() -> None:
    _, xiamen, fence = offered()
    taken(xiamen, fence)
    xiamen.tell(bus.AgentRinging(at=1000, call_id="c1", agent="a2001"))
    xiamen.tell(bus.AgentLegGone(at=1001, call_id="c1", agent="a2001"))
    failed(xiamen, fence, "CANCEL")
    assert seat(xiamen) is AgentState.READY


@pytest.mark.parametrize("status", ["TIEFULL", "CHANUNAVAIL", "CONGESTION"])
def test_a_tie_line_without_a_free_channel_costs_nobody_a_pause_and_is_left_alone_for_a_while(status: str) -> None:
    fuzhou, xiamen, fence = offered()
    taken(fuzhou, fence)
    failed(fuzhou, fence, status)
    fuzhou.waits("c1", "min_nan")
    meet(fuzhou, xiamen)
    assert seat(xiamen) is AgentState.READY
    assert len(xiamen.of(bus.OfferMade)) == 1
    for site in (fuzhou, xiamen):
        site.tick(1000 + PAUSE_S)
    meet(fuzhou, xiamen)
    assert len(xiamen.of(bus.OfferMade)) == 2


def test_a_phone_of_theirs_that_cannot_be_reached_says_nothing_of_the_tie_line() -> None:
    fuzhou, xiamen = two_sites(OTHER, SPEAKER)
    fuzhou.tell(bus.OfferFailed(at=1000, call_id="c0", agent="a1001", fence=3, status="CHANUNAVAIL"))
    fuzhou.waits("c1", "min_nan")
    meet(fuzhou, xiamen)
    assert len(xiamen.of(bus.OfferMade)) == 1


def test_a_site_that_is_lost_offers_nothing_and_is_offered_nothing() -> None:
    fuzhou, xiamen = two_sites(OTHER, SPEAKER)
    xiamen.loses(fuzhou)
    fuzhou.loses(xiamen)
    fuzhou.waits("c1", "min_nan")
    xiamen.tick(1001)
    assert not xiamen.of(bus.OfferMade)
    fuzhou.tick(1016)
    assert [word.split(":")[1] for _, word in fuzhou.words] == ["a1001"]


@pytest.mark.parametrize("lost", [False, True])
def test_a_call_that_its_own_site_serves_is_not_remembered_for_ever(lost: bool) -> None:
    fuzhou, xiamen = two_sites(OTHER, SPEAKER)
    for reachable in (False, True):
        xiamen.tell(bus.PhoneSeen(at=1001 + reachable, agent="a2001", node="xiamen-1", reachable=reachable))
        if not reachable:
            xiamen.waits("c1", "min_nan")
            meet(fuzhou, xiamen)
    [made] = xiamen.of(bus.OfferMade)
    assert isinstance(made, bus.OfferMade)
    fuzhou.peers.apply(made, fuzhou.now)
    assert list(fuzhou.matcher.peer_offered) == ["c1"]
    if lost:
        fuzhou.loses(xiamen)
    else:
        gone = bus.CallGone(at=1100, call_id="c1", node="xiamen-1", channel="c", uniqueid="u", cause=16)
        fuzhou.peers.apply(gone, 1100)
    assert not fuzhou.matcher.peer_offered


def test_a_step_that_only_a_newer_site_knows_changes_nothing() -> None:
    fuzhou, _, _ = offered()
    newer = bus.TransferAsked(at=fuzhou.now, call_id="c1", agent="a2001", step="dance")
    assert fuzhou.peers.apply(newer, fuzhou.now) == []


def test_an_offer_in_the_name_of_an_agent_of_ours_is_nobodys() -> None:
    fuzhou, xiamen = two_sites(OTHER, SPEAKER)
    fuzhou.waits("c1", "min_nan")
    forged = bus.OfferMade(at=1000, call_id="c1", agent="a1001", fence=9, lease_until=1005, call_site="fuzhou")
    xiamen.unheard.append(forged)
    fuzhou.sees(xiamen)
    assert fuzhou.words == []
    assert "c1" in fuzhou.matcher.waiting


# Businesses that belong to a site ------------------------------------------------------------------------------

COMPLAINTS = agent("a1002", FUZHOU, business=(Business.COMPLAINT,))
STANDS_IN = agent("a2002", XIAMEN, business=(Business.COMPLAINT,))


def test_complaints_of_xiamen_are_left_to_fuzhou_as_long_as_it_is_seen() -> None:
    fuzhou, xiamen = two_sites(COMPLAINTS, STANDS_IN)
    xiamen.waits("c1", "mandarin", Business.COMPLAINT)
    meet(fuzhou, xiamen)
    assert [word.split(":")[1] for _, word in xiamen.words] == ["a1002"]
    xiamen.loses(fuzhou)
    xiamen.waits("c2", "mandarin", Business.COMPLAINT)
    assert [word.split(":")[1] for _, word in xiamen.words] == ["a1002", "a2002"]


def test_a_business_goes_back_to_all_when_its_site_has_nobody_for_it() -> None:
    agents = {known.id: known for known in (COMPLAINTS, STANDS_IN, OTHER, SPEAKER)}
    sites = {Business.COMPLAINT: SiteId("fuzhou")}
    ready, offline = Seat(AgentState.READY), Seat(AgentState.OFFLINE)
    seen = {COMPLAINTS.id: ready, STANDS_IN.id: ready}
    assert left_elsewhere(sites, agents, seen) == {XIAMEN: {Business.COMPLAINT}}
    assert left_elsewhere(sites, agents, {**seen, COMPLAINTS.id: offline}) == {}
    assert left_elsewhere(sites, agents, {OTHER.id: ready, STANDS_IN.id: ready}) == {}
    assert left_elsewhere({}, agents, seen) == {}

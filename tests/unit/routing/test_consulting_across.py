"""Consulting an agent of the other site, or one whose phone another node reaches: who is reserved, how long."""

import pytest

from routing.consult_answer import in_words
from routing.consulting import ASKED_S
from routing.crossing import WANTED_S
from routing.matcher import Matcher
from tests.unit.routing.two_sites import FUZHOU, LADDERS, RULES, XIAMEN, Site, agent, meet, two_sites
from tieline import bus
from tieline.model import AgentId, AgentState, CallId, SiteId

pytestmark = pytest.mark.unit

ANNE, BEN, FAR = "a1001", "a1002", "a2001"
C1 = CallId("c1")


def talking() -> tuple[Site, Site]:
    """Let Anne of Fuzhou talk with Fuzhou's caller c1; Ben is there too, and somebody in Xiamen."""
    fuzhou, xiamen = two_sites(agent(ANNE, FUZHOU, "min_dong"), agent(BEN, FUZHOU), agent(FAR, XIAMEN))
    fuzhou.waits("c1", "min_dong")
    fuzhou.tell(bus.AgentAnswered(at=fuzhou.now, call_id="c1", agent=ANNE))
    meet(fuzhou, xiamen)
    return fuzhou, xiamen


def step(site: Site, what: str, to: str = "") -> None:
    site.tell(bus.TransferAsked(at=site.now, call_id="c1", agent=ANNE, step=what, to_agent=to))


def steps(site: Site) -> list[tuple[str, str, int, str]]:
    found = [command for command in site.commands if isinstance(command, bus.Consult)]
    return [(one.step, one.to_agent, one.fence, one.by_way_of) for one in found]


def refusals(site: Site) -> list[tuple[str, str, str]]:
    found = [event for event in site.told if isinstance(event, bus.ConsultRefused)]
    return [(one.agent, one.to_agent, one.why) for one in found]


def state(site: Site, name: str) -> AgentState:
    return site.matcher.seats[AgentId(name)].state


def lent() -> tuple[Site, Site, int]:
    """Let Xiamen have lent its agent, whose phone is about to be dialled; gives the fence too."""
    fuzhou, xiamen = talking()
    step(fuzhou, "consult", FAR)
    meet(fuzhou, xiamen)
    [made] = [event for event in xiamen.told if isinstance(event, bus.OfferMade)]
    assert (made.agent, made.call_site) == (FAR, FUZHOU)
    return fuzhou, xiamen, made.fence


def rings() -> tuple[Site, Site, int]:
    fuzhou, xiamen, fence = lent()
    xiamen.tell(bus.OfferTaken(at=xiamen.now, call_id="c1", channel="c", agent=FAR, fence=fence))
    both(fuzhou, xiamen, bus.AgentRinging(at=xiamen.now, call_id="c1", agent=FAR))
    return fuzhou, xiamen, fence


def talks() -> tuple[Site, Site, int]:
    fuzhou, xiamen, fence = rings()
    both(fuzhou, xiamen, bus.AgentAnswered(at=xiamen.now, call_id="c1", agent=FAR))
    return fuzhou, xiamen, fence


def both(fuzhou: Site, xiamen: Site, event: bus.Event) -> None:
    """A leg over the tie line is told at both ends of it."""
    for site in (fuzhou, xiamen):
        site.tell(event)
    meet(fuzhou, xiamen)


def failed(site: Site, fence: int, status: str, name: str = FAR) -> None:
    site.tell(bus.OfferFailed(at=site.now, call_id="c1", agent=name, fence=fence, status=status))


def leg_gone(at: float, name: str = FAR) -> bus.AgentLegGone:
    return bus.AgentLegGone(at=at, call_id="c1", agent=name)


def not_waiting(site: Site) -> None:
    """The caller waits at no site: he talks."""
    assert not site.matcher.waiting
    assert not site.matcher.peer_waiting


def test_the_agents_site_lends_him_and_the_callers_node_dials_the_node_that_holds_his_phone() -> None:
    fuzhou, xiamen, fence = lent()
    assert steps(fuzhou) == [("consult", FAR, fence, "xiamen-1")]
    assert steps(xiamen) == []
    assert state(xiamen, FAR) is AgentState.OFFERED
    assert refusals(fuzhou) == []
    offer = fuzhou.matcher.offers[C1]
    assert (offer.agent, offer.second, offer.second_fence) == (ANNE, FAR, fence)


def test_the_agents_desk_finds_the_talk_at_his_site_too() -> None:
    _, xiamen, _ = talks()
    offer = xiamen.matcher.offers[C1]
    assert (offer.agent, offer.talks, offer.call.site) == (FAR, True, FUZHOU)
    assert (offer.call.need.dialect, offer.call.node) == ("min_dong", "fuzhou-1")


def test_a_phone_that_only_another_node_of_the_own_site_reaches_is_dialled_by_way_of_that_one() -> None:
    fuzhou, _ = talking()
    for reachable, node in ((True, "fuzhou-2"), (False, "fuzhou-1")):
        fuzhou.tell(bus.PhoneSeen(at=fuzhou.now, agent=BEN, node=node, reachable=reachable))
    step(fuzhou, "consult", BEN)
    [(what, to, fence, way)] = steps(fuzhou)
    assert (what, to, way) == ("consult", BEN, "fuzhou-2")
    assert fence == fuzhou.matcher.offers[C1].second_fence


@pytest.mark.parametrize("gone_first", [True, False])
def test_a_phone_at_another_node_of_the_own_site_that_is_called_off_does_not_end_the_call(gone_first: bool) -> None:
    fuzhou, _ = talking()
    step(fuzhou, "consult", BEN)
    fence = fuzhou.matcher.offers[C1].second_fence
    fuzhou.tell(bus.AgentRinging(at=fuzhou.now, call_id="c1", agent=BEN))
    step(fuzhou, "back")
    over = (leg_gone(fuzhou.now, BEN), leg_gone(fuzhou.now, BEN))  # the phone's, and the trunk's between the nodes
    if gone_first:
        fuzhou.tell(over[0])
    failed(fuzhou, fence, "CANCEL", BEN)
    for event in over:
        fuzhou.tell(event)
    assert (state(fuzhou, ANNE), state(fuzhou, BEN)) == (AgentState.TALKING, AgentState.READY)
    assert C1 in fuzhou.matcher.offers


def test_after_complete_he_has_the_caller_at_both_sites_and_his_wrap_up_at_the_end() -> None:
    fuzhou, xiamen, fence = talks()
    fuzhou.tell(leg_gone(1020, ANNE))
    offer = fuzhou.matcher.offers[C1]
    assert (offer.agent, offer.fence, offer.talks, offer.second) == (FAR, fence, True, "")
    [note] = [command for command in fuzhou.commands if isinstance(command, bus.NoteLeg)]
    assert (note.agent, note.begun_at) == (FAR, 1020)
    assert (state(fuzhou, ANNE), state(xiamen, FAR)) == (AgentState.WRAP_UP, AgentState.TALKING)
    both(fuzhou, xiamen, leg_gone(1030))
    gone = bus.CallGone(at=1030, call_id="c1", node="fuzhou-1", channel="c", uniqueid="u", cause=16)
    fuzhou.tell(gone)
    meet(fuzhou, xiamen)
    assert state(xiamen, FAR) is AgentState.WRAP_UP
    assert not fuzhou.matcher.offers
    assert not xiamen.matcher.offers


def test_while_three_talk_over_the_tie_line_both_agents_have_a_part() -> None:
    fuzhou, xiamen, _ = talks()
    step(fuzhou, "join")
    fuzhou.tell(bus.CallTransferred(at=1010, call_id="c1", kind="threeway"))
    both(fuzhou, xiamen, leg_gone(1020))
    notes = [command for command in fuzhou.commands if isinstance(command, bus.NoteLeg)]
    assert [(one.agent, one.begun_at, one.beside) for one in notes] == [(FAR, 1010, True), (ANNE, 1020, False)]
    assert (state(fuzhou, ANNE), state(xiamen, FAR)) == (AgentState.TALKING, AgentState.WRAP_UP)


def test_after_back_the_first_agent_has_his_caller_and_the_other_site_knows_nothing_of_him() -> None:
    fuzhou, xiamen, fence = talks()
    step(fuzhou, "back")
    assert steps(fuzhou)[-1] == ("back", FAR, fence, "xiamen-1")
    both(fuzhou, xiamen, leg_gone(1020))
    assert (state(fuzhou, ANNE), state(xiamen, FAR)) == (AgentState.TALKING, AgentState.WRAP_UP)
    assert (fuzhou.matcher.offers[C1].second, dict(xiamen.matcher.offers)) == ("", {})
    not_waiting(xiamen)


def test_a_phone_that_is_called_off_over_there_costs_its_agent_nothing_and_he_can_be_asked_again() -> None:
    fuzhou, xiamen, fence = rings()
    step(fuzhou, "back")
    both(fuzhou, xiamen, leg_gone(1001))
    failed(xiamen, fence, "CANCEL")
    meet(fuzhou, xiamen)
    assert (state(fuzhou, ANNE), state(xiamen, FAR)) == (AgentState.TALKING, AgentState.READY)
    assert C1 not in xiamen.matcher.gone, "his caller is there and may be sent over yet"
    not_waiting(xiamen)
    step(fuzhou, "consult", FAR)
    meet(fuzhou, xiamen)
    assert state(xiamen, FAR) is AgentState.OFFERED
    assert [what for what, *_ in steps(fuzhou)] == ["consult", "back", "consult"]


@pytest.mark.parametrize("status", ["NOANSWER", "BUSY"])
def test_who_does_not_answer_over_there_pauses_and_the_talk_goes_on(status: str) -> None:
    fuzhou, xiamen, fence = rings()
    both(fuzhou, xiamen, leg_gone(1008))
    failed(xiamen, fence, status)
    meet(fuzhou, xiamen)
    assert (state(fuzhou, ANNE), state(xiamen, FAR)) == (AgentState.TALKING, AgentState.NOT_READY)
    assert (fuzhou.matcher.offers[C1].second, dict(xiamen.matcher.offers)) == ("", {})
    not_waiting(xiamen)


@pytest.mark.parametrize("status", ["TIEFULL", "CHANUNAVAIL", "CONGESTION"])
def test_a_tie_line_without_a_free_channel_is_said_and_gives_the_agent_back(status: str) -> None:
    fuzhou, xiamen, fence = lent()
    failed(fuzhou, fence, status)
    meet(fuzhou, xiamen)
    assert refusals(fuzhou) == [(ANNE, FAR, status.lower())]
    assert (state(fuzhou, ANNE), state(xiamen, FAR)) == (AgentState.TALKING, AgentState.READY)
    assert not fuzhou.matcher.offers[C1].second
    not_waiting(xiamen)


def test_who_became_busy_meanwhile_is_not_lent_and_it_is_said_why() -> None:
    fuzhou, xiamen = talking()
    xiamen.waits("c2", "mandarin")
    step(fuzhou, "consult", FAR)
    meet(fuzhou, xiamen)
    assert refusals(fuzhou) == [(ANNE, FAR, "offered")]
    assert steps(fuzhou) == []
    assert not fuzhou.matcher.offers[C1].second


def test_a_site_that_is_not_seen_is_not_asked() -> None:
    fuzhou, xiamen = talking()
    fuzhou.loses(xiamen)
    step(fuzhou, "consult", FAR)
    assert refusals(fuzhou) == [(ANNE, FAR, "unseen")]
    assert not [event for event in fuzhou.told if isinstance(event, bus.AgentWanted)]


def test_a_site_that_does_not_answer_in_time_is_not_waited_for_and_its_late_word_is_declined() -> None:
    fuzhou, xiamen = talking()
    step(fuzhou, "consult", FAR)
    fuzhou.tick(1000 + WANTED_S)
    assert refusals(fuzhou) == [(ANNE, FAR, "silent")]
    assert not fuzhou.matcher.offers[C1].second
    meet(fuzhou, xiamen)
    assert steps(fuzhou) == []
    assert state(xiamen, FAR) is AgentState.READY, "declined"
    not_waiting(xiamen)


def test_a_wish_told_at_the_other_site_is_heard_at_the_callers() -> None:
    fuzhou, xiamen = talking()
    step(xiamen, "consult", FAR)
    meet(fuzhou, xiamen)
    assert [(what, to) for what, to, *_ in steps(fuzhou)] == [("consult", FAR)]


@pytest.mark.parametrize("where", [FUZHOU, XIAMEN])
def test_a_wish_to_consult_that_is_heard_late_is_void(where: SiteId) -> None:
    fuzhou, xiamen = talking()
    late = bus.TransferAsked(at=1000 - ASKED_S - 0.1, call_id="c1", agent=ANNE, step="consult", to_agent=FAR)
    (fuzhou if where == FUZHOU else xiamen).tell(late)
    meet(fuzhou, xiamen)
    assert steps(fuzhou) == []
    assert not fuzhou.matcher.offers[C1].second


def test_who_wants_to_consult_a_second_one_beside_the_first_is_refused() -> None:
    fuzhou, _, _ = rings()
    step(fuzhou, "consult", FAR)
    assert refusals(fuzhou) == [], "it rings already"
    step(fuzhou, "consult", BEN)
    assert refusals(fuzhou) == [(ANNE, BEN, "consults")]


def test_an_agent_is_lent_once_and_not_rung_by_a_second_word() -> None:
    fuzhou, xiamen, fence = lent()
    again = bus.OfferMade(at=1001, call_id="c1", agent=FAR, fence=fence + 1, lease_until=1006, call_site=FUZHOU)
    xiamen.tell(again)
    fuzhou.sees(xiamen)
    assert [what for what, *_ in steps(fuzhou)] == ["consult"]
    declined = [event for event in fuzhou.told if isinstance(event, bus.OfferDeclined)]
    assert [(one.agent, one.fence) for one in declined] == [(FAR, fence + 1)]


@pytest.mark.parametrize("leaves", ["back", "first", "caller"])
def test_an_agent_lent_to_nobody_any_more_is_given_back(leaves: str) -> None:
    fuzhou, xiamen = talking()
    step(fuzhou, "consult", FAR)
    if leaves == "back":
        step(fuzhou, "back")
    elif leaves == "first":
        fuzhou.tell(leg_gone(1001, ANNE))
    else:
        fuzhou.tell(bus.CallGone(at=1001, call_id="c1", node="fuzhou-1", channel="c", uniqueid="u", cause=16))
    meet(fuzhou, xiamen)
    assert steps(fuzhou) == []
    assert not [one for one in fuzhou.commands if isinstance(one, bus.NoteLeg)], "nobody else had the caller"
    assert state(xiamen, FAR) is AgentState.READY
    assert state(fuzhou, ANNE) is (AgentState.TALKING if leaves == "back" else AgentState.WRAP_UP)


def test_a_talk_is_not_completed_with_somebody_who_is_not_lent_yet() -> None:
    fuzhou, xiamen = talking()
    step(fuzhou, "consult", FAR)
    for early in ("complete", "join"):
        step(fuzhou, early)
    assert steps(fuzhou) == []
    meet(fuzhou, xiamen)
    assert [what for what, *_ in steps(fuzhou)] == ["consult"]


def test_a_matcher_killed_at_the_agents_site_does_not_leave_him_reserved() -> None:
    _, xiamen, _ = lent()
    heir = heir_of(xiamen)
    assert heir.seats[AgentId(FAR)].state is AgentState.OFFERED
    heir.tick(1000 + RULES.lease_s + 2)
    assert heir.seats[AgentId(FAR)].state is AgentState.READY
    assert not heir.offers
    assert not heir.peer_waiting, "his caller talks"


def test_a_matcher_killed_at_the_callers_site_forgets_whom_it_asked_for() -> None:
    fuzhou, _ = talking()
    step(fuzhou, "consult", FAR)
    heir = heir_of(fuzhou)
    heir.tick(1000 + WANTED_S)
    assert not heir.offers[C1].second
    assert heir.offers[C1].agent == ANNE


def heir_of(site: Site) -> Matcher:
    heir = Matcher(site.agents, RULES, LADDERS, frozenset((site.id,)), next_fence=1_000_000)
    heir.restore(site.matcher.waiting.values(), site.matcher.seats, site.matcher.offers.values())
    return heir


def test_a_caller_handed_over_while_it_rings_over_there_has_that_agent_once_he_answers() -> None:
    fuzhou, xiamen, fence = rings()
    fuzhou.tell(bus.CallTransferred(at=1003, call_id="c1", kind="attended"))
    fuzhou.tell(leg_gone(1004, ANNE))
    both(fuzhou, xiamen, bus.AgentAnswered(at=1005, call_id="c1", agent=FAR))
    notes = [(one.agent, one.begun_at) for one in fuzhou.commands if isinstance(one, bus.NoteLeg)]
    assert notes == [("", 1003), (FAR, 1005)]
    offer = fuzhou.matcher.offers[C1]
    assert (offer.agent, offer.fence, offer.talks) == (FAR, fence, True)
    assert (state(fuzhou, ANNE), state(xiamen, FAR)) == (AgentState.WRAP_UP, AgentState.TALKING)


def test_a_caller_whom_nobody_over_there_took_on_waits_again() -> None:
    fuzhou, xiamen, fence = rings()
    fuzhou.tell(bus.CallTransferred(at=1003, call_id="c1", kind="attended"))
    xiamen.tell(leg_gone(1010))
    failed(xiamen, fence, "CANCEL")
    fuzhou.tell(
        bus.CallWaiting(
            at=1011, call_id="c1", node="fuzhou-1", channel="c", city="fuzhou", dialect="min_dong",
            business="repair", since=1000, moved_at=1011,
        )
    )  # fmt: skip
    assert C1 in fuzhou.matcher.waiting
    assert state(xiamen, FAR) is AgentState.READY


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("not_ready", "a2001 is not ready"),
        ("unseen", "xiamen is not seen now, so nobody knows what a2001 does"),
        ("tiefull", "no channel of the tie line to xiamen is free for a2001"),
    ],
)
def test_a_refusal_is_told_in_plain_words(why: str, words: str) -> None:
    assert in_words(FAR, XIAMEN, why) == words

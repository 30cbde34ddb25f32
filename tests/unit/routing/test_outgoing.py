"""What leaves the matcher: what a turn comes to, and the words of mailboxes."""

from dataclasses import replace

import pytest

from routing.consulting import alone
from routing.intake import Rescue
from routing.offers import LendAgent, MakeOffer, Offer, TakeUpOffer, WithdrawOffer
from routing.outgoing import GRACE_S, commands_of, lasting
from tests.unit.routing.people import FUZHOU, call
from tests.unit.routing.test_explain import DECISION
from tieline import bus
from tieline.model import AgentId, CallId, NodeId, SiteId
from tieline.streams import EVENTS, commands_stream

pytestmark = pytest.mark.unit

OFFER = Offer(call("c1", 10), AgentId("a1001"), 7, 25.0)
MADE = MakeOffer(OFFER, DECISION)


def sent(*effects: MakeOffer | TakeUpOffer | WithdrawOffer | Rescue, way: str = "") -> list[tuple[str, object]]:
    """Give stream and message of everything that is told or commanded."""
    found: list[tuple[str, object]] = []
    for command in commands_of(FUZHOU, effects, 20.0, lambda _agent, _node: NodeId(way)):
        if command[0] != "XADD":
            continue
        stream, raw = str(command[1]), command[-1]
        assert isinstance(raw, bytes)
        found.append((stream, bus.decode_event(raw) if stream == EVENTS else bus.decode_command(raw)))
    return found


def test_an_offer_that_stands_at_the_end_of_the_turn_is_made() -> None:
    assert lasting([MADE], {OFFER.call.call_id: OFFER}) == [MADE]


@pytest.mark.parametrize(
    "offers",
    [{}, {CallId("c1"): replace(OFFER, fence=8)}, {CallId("c1"): replace(OFFER, taken=True, lease_until=0.0)}],
    ids=["the call is over", "another one was made", "he talks to the caller already"],
)
def test_an_offer_that_came_to_nothing_within_the_turn_is_not_heard_of(offers: dict[CallId, Offer]) -> None:
    rescue = Rescue(CallId("c9"), NodeId("fuzhou-1"), "c")
    assert lasting([MADE, WithdrawOffer(OFFER, "gone"), rescue], offers) == [rescue]


def test_the_end_of_an_earlier_offer_is_told() -> None:
    over = WithdrawOffer(replace(OFFER, fence=6), "lease")
    assert lasting([over, MADE], {OFFER.call.call_id: OFFER}) == [over, MADE]


def test_who_was_lent_to_a_talk_that_one_of_ours_has_is_told_of_while_he_is_wanted() -> None:
    talk = replace(OFFER, taken=True, lease_until=0.0, second=AgentId("a1002"), second_fence=8, second_until=25.0)
    made = LendAgent(replace(OFFER, agent=AgentId("a1002"), fence=8))
    assert lasting([made], {CallId("c1"): talk}) == [made]
    assert lasting([made], {CallId("c1"): alone(talk)}) == []


def test_what_the_other_site_offered_is_not_taken_up_when_it_is_over_but_its_end_is_told() -> None:
    over = WithdrawOffer(OFFER, "gone")
    assert lasting([TakeUpOffer(OFFER), over], {}) == [over]


def test_a_word_is_void_before_the_lease_ends() -> None:
    [(told_in, told), (stream, word)] = sent(MADE)
    assert (told_in, stream) == (EVENTS, commands_stream(OFFER.call.node))
    assert isinstance(told, bus.OfferMade)
    assert isinstance(word, bus.PutInMailbox)
    assert (told.fence, told.lease_until, told.call_site) == (7, 25.0, FUZHOU)
    assert word.word == f"agent:a1001:7:{round((25.0 - GRACE_S) * 1000)}"
    assert word.expires == 25.0 - GRACE_S


def test_a_word_names_the_node_by_which_the_phone_is_reached() -> None:
    [_, (_, word)] = sent(MADE, way="xiamen-1")
    assert isinstance(word, bus.PutInMailbox)
    assert word.word.endswith(":24000:xiamen-1")


def test_a_call_of_the_other_site_is_offered_by_telling_alone() -> None:
    abroad = replace(OFFER, call=replace(OFFER.call, site=SiteId("xiamen")))
    assert [stream for stream, _ in sent(MakeOffer(abroad, DECISION))] == [EVENTS]

"""Offers to who is called back: they stand longer, fill no mailbox, and are left to the call's own site."""

from dataclasses import replace

import pytest

from routing.exchange import CALL_BACK_S
from routing.matcher import Matcher, Rules
from routing.offers import MakeOffer
from routing.outgoing import commands_of
from tests.unit.routing.test_expected_wait import LADDERS, NOW, TEN, call
from tieline import bus
from tieline.model import AgentId, Lane, NodeId, SiteId
from tieline.streams import commanding

pytestmark = pytest.mark.unit

FUZHOU = SiteId("fuzhou")


def offered(*, lane: Lane, channel: str) -> MakeOffer:
    matcher = Matcher(TEN, Rules(), LADDERS, frozenset((FUZHOU,)))
    matcher.phone_seen(AgentId("a1003"), reachable=True, now=NOW)
    waiting = replace(call("one", 900, lane=lane), channel=channel)
    [effect] = [effect for effect in matcher.call_waiting(waiting, NOW) if isinstance(effect, MakeOffer)]
    return effect


def words(effect: MakeOffer) -> list[object]:
    beginning = commanding("fuzhou-1", bus.TakeSnapshot(at=NOW))[1]
    commands = commands_of(FUZHOU, [effect], NOW, lambda agent, node: NodeId(""))
    return [command for command in commands if command[1] == beginning]


def test_the_offer_stands_while_the_customers_phone_rings_and_no_mailbox_is_filled() -> None:
    effect = offered(lane=Lane.CALLBACK, channel="")
    assert effect.offer.lease_until == NOW + Rules().lease_s + CALL_BACK_S
    assert words(effect) == []


def test_an_ordinary_offer_is_short_and_goes_into_the_mailbox() -> None:
    effect = offered(lane=Lane.NORMAL, channel="PJSIP/edge-1-1")
    assert effect.offer.lease_until == NOW + Rules().lease_s
    assert len(words(effect)) == 1

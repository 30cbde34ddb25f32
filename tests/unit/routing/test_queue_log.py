"""queue_log: which lines follow from what happens, in Asterisk's own words and fields."""

from collections.abc import Sequence

import msgspec
import pytest

from routing.agents import Agent
from routing.intake import Intake
from routing.matcher import Matcher, Rules
from routing.offers import Effect
from routing.queue_log import Stay
from routing.queue_log_book import QueueLogBook
from tests.unit.routing.people import FUZHOU, LADDERS, agent, offers
from tieline import bus
from tieline.lease import Command
from tieline.model import AgentId, Business, CallId, NodeId, SiteId
from tieline.streams import commands_stream

pytestmark = pytest.mark.unit

NODE = NodeId("fuzhou-1")
ANNE, BEN = AgentId("a1001"), AgentId("a1002")
AGENTS = {
    ANNE: agent("a1001", "puxian", business=(Business.REPAIR, Business.BILLING)),
    BEN: agent("a1002"),
}
NUMBER = "+8659187654321"


class Site:
    """A matcher, its intake and its book, told of things as a shell tells them."""

    def __init__(self, stays: dict[str, Stay] | None = None, matcher: Matcher | None = None) -> None:
        rules = Rules(lease_s=5, ring_s=10, wrap_up_s=20, pause_s=30)
        self.matcher = matcher or Matcher(AGENTS, rules, LADDERS, frozenset((FUZHOU,)))
        self.intake = Intake(FUZHOU, self.matcher)
        self.book = QueueLogBook((NODE,), AGENTS, stays or {})
        self.lines: list[str] = []
        self.kept: dict[str, Stay] = dict(stays or {})
        self.fence = 0

    def tell(self, *events: bus.Event, now: float = 0.0) -> list[str]:
        """Tell events in one go, as read together, and give the lines that follow."""
        now = now or max(event.at for event in events)
        effects: list[Effect] = []
        for event in events:
            self.book.take(event, self.matcher, now)
            effects += [one for one in self.intake.apply(event, now) if not hasattr(one, "channel")]
        effects += self.matcher.tick(now)
        for offer in offers(effects):
            self.fence = offer.fence
        return self._write(self.book.commands(effects, self.matcher, now))

    def pass_time(self, now: float) -> list[str]:
        """Let time go on without an event."""
        return self._write(self.book.commands(self.matcher.tick(now), self.matcher, now))

    def _write(self, commands: Sequence[Command]) -> list[str]:
        new: list[str] = []
        for command in commands:
            if command[0] == "HDEL":
                self.kept.pop(str(command[2]), None)
            elif command[0] == "HSET":
                self.kept[str(command[2])] = msgspec.json.decode(bytes(command[3]), type=Stay)  # type: ignore[arg-type]
            else:
                assert command[1] == commands_stream(NODE)
                told = bus.decode_command(command[-1])  # type: ignore[arg-type]
                assert isinstance(told, bus.WriteQueueLog)
                new += ["|".join((one.uniqueid, one.queue, one.agent, one.event, *one.fields)) for one in told.lines]
        self.lines += new
        return new


def waits(name: str, at: float, dialect: str = "mandarin", since: float = 0.0) -> bus.CallWaiting:
    return bus.CallWaiting(
        at=at, call_id=name, node=NODE, channel=f"PJSIP/edge-1-{name}", city="fuzhou", dialect=dialect,
        business="repair", since=since or at, uniqueid=f"fuzhou-1-{name}.1", number=NUMBER,
    )  # fmt: skip


def at_work(site: Site, who: AgentId = ANNE, at: float = 1.0) -> list[str]:
    return site.tell(bus.PhoneSeen(at=at, agent=who, node=NODE, reachable=True))


def talk(site: Site, name: str, at: float, who: AgentId = ANNE) -> list[str]:
    taken = bus.OfferTaken(at=at, call_id=name, channel="x", agent=who, fence=site.fence)
    rings = bus.AgentRinging(at=at + 0.5, call_id=name, agent=who)
    return site.tell(taken, rings, bus.AgentAnswered(at=at + 4.5, call_id=name, agent=who, uniqueid="fuzhou-1-7.2"))


def leg_gone(name: str, at: float, who: AgentId = ANNE) -> bus.AgentLegGone:
    return bus.AgentLegGone(at=at, call_id=name, agent=who)


def gone(name: str, at: float) -> bus.CallGone:
    return bus.CallGone(at=at, call_id=name, node=NODE, channel="x", uniqueid="y", cause=16)


def test_a_call_that_is_answered_and_whose_caller_hangs_up() -> None:
    site = Site()
    at_work(site)
    entered = site.tell(waits("c1", 100.9))
    assert entered == [f"fuzhou-1-c1.1|repair-mandarin|NONE|ENTERQUEUE||{NUMBER}|1"]
    assert talk(site, "c1", 103.2) == ["fuzhou-1-c1.1|repair-mandarin|a1001|CONNECT|7|fuzhou-1-7.2|4"]
    assert site.tell(leg_gone("c1", 163.9), gone("c1", 164.0)) == [
        "fuzhou-1-c1.1|repair-mandarin|a1001|COMPLETECALLER|7|56|1"
    ]
    assert site.kept == {}


def test_an_agent_who_hangs_up_first_is_known_a_moment_later_while_the_caller_rates() -> None:
    site = Site()
    at_work(site)
    site.tell(waits("c1", 100))
    talk(site, "c1", 100)
    assert site.tell(leg_gone("c1", 160)) == []
    assert site.pass_time(163) == ["fuzhou-1-c1.1|repair-mandarin|a1001|COMPLETEAGENT|4|56|1"]
    assert site.tell(gone("c1", 170)) == []


def test_a_caller_who_is_sent_on_leaves_and_enters_again() -> None:
    site = Site()
    at_work(site)
    site.tell(waits("c1", 100))
    talk(site, "c1", 100)
    moved = msgspec.structs.replace(waits("c1", 100), at=120.0, moved_at=120.0, wanted="a1002")
    assert site.tell(leg_gone("c1", 120), moved) == [
        "fuzhou-1-c1.1|repair-mandarin|a1001|BLINDTRANSFER|a1002|transfer|4|16|1",
        f"fuzhou-1-c1.1|repair-mandarin|NONE|ENTERQUEUE||{NUMBER}|1",
    ]
    assert site.tell(gone("c1", 125)) == ["fuzhou-1-c1.1|repair-mandarin|NONE|ABANDON|1|1|5"]


def test_a_caller_who_is_handed_over_after_a_consultation() -> None:
    site = Site()
    at_work(site, BEN)
    at_work(site, ANNE, 2)
    site.tell(waits("c1", 100))
    talk(site, "c1", 100, BEN)
    asked = bus.TransferAsked(at=110, call_id="c1", agent=BEN, step="consult", to_agent=ANNE)
    assert site.tell(asked) == []
    assert site.tell(bus.AgentAnswered(at=112, call_id="c1", agent=ANNE)) == []
    assert site.tell(leg_gone("c1", 120, BEN)) == [
        "fuzhou-1-c1.1|repair-mandarin|a1002|ATTENDEDTRANSFER|BRIDGE|fuzhou-1-c1.1|4|16|1"
    ]
    assert site.tell(gone("c1", 130)) == []


def test_a_caller_handed_over_to_a_phone_that_nobody_answers_enters_again() -> None:
    site = Site()
    at_work(site, BEN)
    at_work(site, ANNE, 2)
    site.tell(waits("c1", 100))
    talk(site, "c1", 100, BEN)
    site.tell(bus.TransferAsked(at=110, call_id="c1", agent=BEN, step="consult", to_agent=ANNE))
    assert site.tell(bus.CallTransferred(at=115, call_id="c1", kind="threeway")) == [], "he is still there"
    assert site.tell(bus.CallTransferred(at=120, call_id="c1", kind="attended")) == [
        "fuzhou-1-c1.1|repair-mandarin|a1002|ATTENDEDTRANSFER|BRIDGE|fuzhou-1-c1.1|4|16|1"
    ]
    assert site.tell(leg_gone("c1", 122, BEN)) == [], "Asterisk keeps his leg while the phone rings"
    moved = msgspec.structs.replace(waits("c1", 100), at=125.0, moved_at=125.0)
    [entered, *paused] = site.tell(leg_gone("c1", 125), moved)
    assert entered == f"fuzhou-1-c1.1|repair-mandarin|NONE|ENTERQUEUE||{NUMBER}|1"
    assert {line.split("|", 2)[2] for line in paused} == {"a1001|PAUSE|no_answer"}


def test_who_gives_up_has_his_place_then_and_now() -> None:
    site = Site()
    site.tell(waits("c1", 100), waits("c2", 101), waits("c3", 102, "puxian"), waits("c4", 103))
    assert [line.rsplit("|", 1)[1] for line in site.lines] == ["1", "2", "1", "3"]
    assert site.tell(gone("c1", 110.5)) == ["fuzhou-1-c1.1|repair-mandarin|NONE|ABANDON|1|1|10"]
    assert site.tell(gone("c4", 111)) == ["fuzhou-1-c4.1|repair-mandarin|NONE|ABANDON|2|3|8"]
    again = bus.CallJournalled(at=111.1, call_id="c4", node=NODE, outcome="abandoned_waiting", witness="agi")
    assert site.tell(again) == []
    assert site.tell(waits("c4", 111.2)) == [], "news of a dead call"


def test_no_answer_pauses_and_the_call_does_not_enter_twice() -> None:
    site = Site()
    at_work(site)
    site.tell(waits("c1", 100))
    taken = bus.OfferTaken(at=100, call_id="c1", channel="x", agent=ANNE, fence=site.fence)
    site.tell(taken, bus.AgentRinging(at=100.25, call_id="c1", agent=ANNE))
    failed = bus.OfferFailed(at=110.5, call_id="c1", agent=ANNE, fence=site.fence, status="NOANSWER")
    lines = site.tell(leg_gone("c1", 110.4), failed, waits("c1", 110.5, since=100))
    assert lines == [
        "fuzhou-1-c1.1|repair-mandarin|a1001|RINGNOANSWER|10250",
        "NONE|billing-mandarin|a1001|PAUSE|no_answer",
        "NONE|billing-puxian|a1001|PAUSE|no_answer",
        "NONE|other-mandarin|a1001|PAUSE|no_answer",
        "NONE|other-puxian|a1001|PAUSE|no_answer",
        "NONE|repair-mandarin|a1001|PAUSE|no_answer",
        "NONE|repair-puxian|a1001|PAUSE|no_answer",
    ]


def test_a_call_that_the_safety_net_takes_leaves_and_app_queue_writes_the_rest() -> None:
    site = Site()
    at_work(site)
    site.tell(waits("c1", 100, "hakka"))
    into = bus.CallInNet(at=108.7, call_id="c1", node=NODE)
    assert site.tell(into) == ["fuzhou-1-c1.1|repair-hakka|NONE|EXITWITHTIMEOUT|1|1|8"]
    net = (bus.AgentRinging(at=109, call_id="c1", agent=ANNE), bus.AgentAnswered(at=110, call_id="c1", agent=ANNE))
    assert site.tell(*net, leg_gone("c1", 130), gone("c1", 131)) == []
    site.tell(waits("c2", 200, "hakka"))
    unheard = bus.AgentAnswered(at=210, call_id="c2", agent=BEN)
    without_offer = "fuzhou-1-c2.1|repair-hakka|NONE|EXITWITHTIMEOUT|1|1|10"
    assert site.tell(unheard)[0] == without_offer


def test_a_call_that_is_heard_of_when_the_safety_net_has_it_long_since_does_not_enter() -> None:
    assert Site().tell(waits("c1", 100), now=107.9) != []
    assert Site().tell(waits("c1", 100), now=108.1) == []


def test_members_come_pause_and_go_with_reasons() -> None:
    site = Site()
    assert at_work(site, BEN)[0] == "MANAGER|other-mandarin|a1002|ADDMEMBER|"
    meal = bus.AgentAsked(at=5, agent=BEN, wish="not_ready", reason="meal")
    assert site.tell(meal)[0] == "NONE|other-mandarin|a1002|PAUSE|meal"
    other = bus.AgentAsked(at=6, agent=BEN, wish="not_ready", reason="training")
    assert [line.split("|", 3)[3] for line in site.tell(other)] == ["UNPAUSE|"] * 2 + ["PAUSE|training"] * 2
    assert site.tell(bus.AgentAsked(at=7, agent=BEN, wish="ready"))[0] == "NONE|other-mandarin|a1002|UNPAUSE|"
    assert site.tell(bus.AgentAsked(at=8, agent=BEN, wish="ready")) == []
    phone = bus.PhoneSeen(at=9, agent=BEN, node=NODE, reachable=False)
    assert site.tell(phone)[0] == "MANAGER|other-mandarin|a1002|REMOVEMEMBER|"


def test_who_logs_in_and_is_not_ready_comes_paused() -> None:
    site = Site()
    asked = bus.AgentAsked(at=5, agent=BEN, wish="login", session="s")
    assert site.tell(asked)[0] == "MANAGER|other-mandarin|a1002|ADDMEMBER|PAUSED"


def test_a_matcher_that_takes_over_in_the_middle_goes_on() -> None:
    first = Site()
    at_work(first)
    first.tell(waits("c1", 100), waits("c2", 101))
    talk(first, "c1", 101)
    second = Site(first.kept, first.matcher)
    assert second.tell(leg_gone("c1", 150)) == []
    third = Site(second.kept, first.matcher)
    assert third.pass_time(153.5) == ["fuzhou-1-c1.1|repair-mandarin|a1001|COMPLETEAGENT|5|45|1"]
    assert third.tell(gone("c2", 160)) == ["fuzhou-1-c2.1|repair-mandarin|NONE|ABANDON|1|2|59"]


def test_a_caller_whom_the_other_site_answers_is_a_call_of_this_one() -> None:
    there = SiteId("xiamen")
    guest = agent("a2001", "puxian")
    abroad = Agent(guest.id, there, guest.name, guest.dialects, guest.business)
    pool = Matcher({**AGENTS, guest.id: abroad}, Rules(), LADDERS, frozenset((FUZHOU,)))
    site = Site(matcher=pool)
    site.tell(waits("c1", 100, "puxian"))
    pool.foreign_offer(CallId("c1"), guest.id, 9, 105.0, FUZHOU, 101.0)
    rings = bus.AgentRinging(at=101.5, call_id="c1", agent=guest.id)
    takes = bus.AgentAnswered(at=104.5, call_id="c1", agent=guest.id, uniqueid="fuzhou-1-7.3")
    assert site.tell(rings, takes) == ["fuzhou-1-c1.1|repair-puxian|a2001|CONNECT|4|fuzhou-1-7.3|3"]
    ended = site.tell(leg_gone("c1", 130, guest.id), gone("c1", 130.2))
    assert ended == ["fuzhou-1-c1.1|repair-puxian|a2001|COMPLETECALLER|4|26|1"]


def test_who_is_to_be_called_back_is_in_no_nodes_log_before_he_is_on_the_line() -> None:
    site = Site()
    placed = msgspec.structs.replace(waits("c1", 900.0, since=100.0), node="", channel="", lane="callback")
    assert site.tell(placed) == []
    assert site.tell(bus.CallbackWanted(at=901.0, call_id="c1", city="fuzhou", why="withdrawn")) == []
    assert site.kept == {}

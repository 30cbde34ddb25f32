"""Callers who go on with another agent, at once or after a consultation: one record, one ticket, nobody lost."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import pytest
from click.testing import CliRunner, Result

from crm_adapter.policy import load_policy
from crm_adapter.record import CallRecord
from lab.scripts import HangUp, Pause
from service.cli import main
from tests.live.disturbed import Background
from tests.live.house import House
from tests.live.listening import Ear
from tests.live.special_agents import REFUSES, RINGS, SLOW
from tests.live.test_queue_log import written
from tests.live.test_waiting import ask_all, seats
from tieline import bus
from tieline.model import AgentState, Business, Outcome, SiteId

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

FUZHOU, XIAMEN = SiteId("fuzhou"), SiteId("xiamen")
NODE: Final = "fuzhou-1"
SECOND, FAR = "a1024", "a2001"
"""Of Fuzhou and of Xiamen; they answer."""
LONGEST_MS: Final = 90_000
Told = TypeVar("Told", bound=bus.Event)


@pytest.fixture(autouse=True)
def _all_ready(lab: House) -> Iterator[None]:
    """Nobody rests or pauses, before and after."""
    ask_all(lab, "ready")
    yield
    ask_all(lab, "ready")


PASSING = ("did not answer in time", "is being offered another call", "it does not talk yet")
"""Why a consultation does not begin just now: a busy machine kept the other site from its 2 s; what its agents do,
and that one has answered, is seen a moment late."""


class Talk:
    """A caller from Fuzhou who talks with somebody, and whose end the test decides."""

    def __init__(
        self, lab: House, business: Business = Business.REPAIR, *, first: str = "", ear: Ear | None = None
    ) -> None:
        script = lab.script("fuzhou", "mandarin", business, Pause(LONGEST_MS), HangUp())
        self.lab = lab
        callers = (ear.caller,) if ear else None
        self._caller = Background(lambda: lab.call("fuzhou", script, callers=callers, sends_tone=bool(ear)))
        talk = self.wait(bus.AgentAnswered, lambda event: first in ("", event.agent))
        self.call_id, self.first = talk.call_id, talk.agent
        came = self.wait(bus.CallWaiting, lambda event: event.call_id == self.call_id)
        self.channel, self.node = came.channel, came.node

    def told(self, kind: type[Told], site: SiteId = FUZHOU) -> list[Told]:
        """Give what a site was told so far."""
        return [event for event in self.lab.events(site) if isinstance(event, kind)]

    def wait(self, kind: type[Told], fits: Callable[[Told], bool], site: SiteId = FUZHOU) -> Told:
        """Wait for something told."""
        while not (found := [event for event in self.told(kind, site) if fits(event)]):
            self.lab.wait_for_news()
        return found[0]

    def ask(self, *words: str) -> None:
        """Ask for a step, on the command line."""
        done = self._transfer(*words)
        assert done.exit_code == 0, done.output

    def consult_in_vain(self, agent: str) -> str:
        """Want to consult somebody who cannot be had; give what the command line says."""
        done = self._transfer("--step", "consult", "--to", f"agent:{agent}")
        assert done.exit_code == 1, done.output
        return done.output

    def _transfer(self, *words: str) -> Result:
        """Ask as somebody would: again while the reason is one that passes."""
        command = ["call", "--settings", str(self.lab.plan.settings_file), "transfer", self.call_id, *words]
        while True:
            done = CliRunner().invoke(main, command)
            if not any(reason in done.output for reason in PASSING):
                return done

    def consult(self, agent: str) -> None:
        """Let the first agent's phone ring a second one, and wait until that phone rings."""
        self.ask("--step", "consult", "--to", f"agent:{agent}")
        self.wait(bus.AgentRinging, lambda event: event.agent == agent)

    def answered(self, agent: str, site: SiteId = FUZHOU) -> None:
        """Wait until an agent has answered."""
        self.wait(bus.AgentAnswered, lambda event: event.agent == agent, site)

    def left(self, agent: str) -> None:
        """Wait until an agent's leg is over."""
        self.wait(bus.AgentLegGone, lambda event: event.agent == agent)

    def has_caller(self, agent: str) -> None:
        """Wait until the caller's channel says whose he is."""
        while f"{agent}:" not in self.lab.asterisk(self.node, f"core show channel {self.channel}"):
            self.lab.wait_for_news()

    def join(self, second: str) -> None:
        """Let all three talk."""
        self.ask("--step", "join")
        self.wait(bus.CallTransferred, lambda event: event.kind == "threeway")
        while "3" not in bridges(self.lab):
            self.lab.wait_for_news()
        self.has_caller(second)

    def ends_part(self, agent: str) -> None:
        """Wait until the caller's channel says that an agent's part is over."""
        over = re.compile(rf"{agent}:\w*@[0-9.]+-")
        while not over.search(self.lab.asterisk(self.node, f"core show channel {self.channel}")):
            self.lab.wait_for_news()

    def hang_up(self, agent: str) -> None:
        """End an agent's leg."""
        self._command(bus.EndLeg(at=time.time(), call_id=self.call_id, agent=agent))

    def _command(self, command: bus.Command) -> None:
        self.lab.run(self.lab.lives[FUZHOU].command(self.node, command))

    def end_caller(self) -> None:
        """End the caller's channel, and wait until he has noticed."""
        self._command(bus.HangUpChannel(at=time.time(), channel=self.channel, cause=16))
        assert self._caller.end().is_scripted

    def end(self, *agents: str, three: bool = False) -> CallRecord:
        """End the call; give its only record, of a talk with these agents, who are all free again.

        Without `three` they talked one after the other.
        """
        self.has_caller((self.first, *agents)[-1])
        self.end_caller()
        self.lab.settle(calls=1)
        record = self.lab.one()
        assert (record.call_id, record.outcome) == (self.call_id, Outcome.ANSWERED)
        assert [leg.agent for leg in record.legs] == [self.first, *agents]
        times = [at for leg in record.legs for at in (leg.begin, leg.end)]
        assert (times == sorted(times)) is not three
        last = max(record.legs, key=lambda leg: leg.end)
        assert (times[0], last.end, last.agent) == (record.agent_answered_at, record.hangup_at, record.agent)
        for agent in (self.first, *agents):
            self.becomes(agent, AgentState.WRAP_UP)
        assert self.lab.ticket_calls() == ([self.call_id] if load_policy().kind_for(record) else [])
        return record

    def becomes(self, agent: str, state: AgentState) -> None:
        """Wait until an agent was told to be in a state."""
        site = XIAMEN if agent.startswith("a2") else FUZHOU
        self.wait(bus.AgentChanged, lambda event: (event.agent, event.state) == (agent, state), site)

    def state(self, agent: str) -> str:
        """Give the state of the seat of one of Fuzhou's agents."""
        return seats(self.lab, self.lab.lives[FUZHOU])[agent]

    def queue_log(self, *, ends_with: str) -> list[tuple[str, str]]:
        """Give event and agent of each line of queue_log about the call, once the last one is there."""
        while True:
            lines = [line for line in written(self.lab, self.lab.since) if line.call == self.lab.one().uniqueid]
            found = [(line.event, line.agent) for line in lines]
            if found and found[-1][0] == ends_with:
                return found
            self.lab.wait_for_news()


def test_a_caller_who_is_sent_on_to_another_business_keeps_his_place_and_his_ticket(lab: House) -> None:
    talk = Talk(lab)
    talk.ask("--to", "business:billing")
    second = talk.wait(bus.AgentAnswered, lambda event: event.agent != talk.first).agent
    record = talk.end(second)
    assert [leg.business for leg in record.legs] == [Business.REPAIR, Business.BILLING]
    assert record.business == Business.BILLING
    assert lab.ticket_calls() == [talk.call_id], "of the fault, not of the bill"
    came, moved = talk.told(bus.CallWaiting)
    assert moved.since == pytest.approx(came.since, abs=0.001)
    assert moved.business == Business.BILLING
    assert came.moved_at == 0 < moved.moved_at
    assert talk.queue_log(ends_with="COMPLETECALLER") == [
        ("ENTERQUEUE", "NONE"),
        ("CONNECT", talk.first),
        ("BLINDTRANSFER", talk.first),
        ("ENTERQUEUE", "NONE"),
        ("CONNECT", second),
        ("COMPLETECALLER", second),
    ]


def test_a_caller_who_is_sent_on_to_an_agent_of_the_other_site_stays_the_same_call(lab: House) -> None:
    talk = Talk(lab)
    talk.ask("--to", f"agent:{FAR}")
    talk.answered(FAR)
    [offer] = talk.told(bus.OfferMade, XIAMEN)
    assert (offer.call_id, offer.agent, offer.call_site) == (talk.call_id, FAR, FUZHOU)
    record = talk.end(FAR)
    assert (record.site, record.node) == (FUZHOU, NODE)


def test_after_a_consultation_the_second_agent_takes_the_caller_on(lab: House) -> None:
    talk = Talk(lab)
    talk.consult(SECOND)
    talk.answered(SECOND)
    talk.ask("--step", "complete")
    talk.left(talk.first)
    record = talk.end(SECOND)
    first, second = record.legs
    assert first.end == second.begin
    assert talk.queue_log(ends_with="ATTENDEDTRANSFER") == [
        ("ENTERQUEUE", "NONE"),
        ("CONNECT", talk.first),
        ("ATTENDEDTRANSFER", talk.first),
    ]


def test_three_talk_and_when_the_first_agent_leaves_the_second_has_the_caller(lab: House) -> None:
    talk = Talk(lab)
    talk.consult(SECOND)
    talk.answered(SECOND)
    talk.join(SECOND)
    talk.hang_up(talk.first)
    talk.left(talk.first)
    assert "2" in bridges(lab)
    first, second = talk.end(SECOND, three=True).legs
    [joined] = talk.told(bus.CallTransferred)
    assert second.begin == pytest.approx(joined.at, abs=0.001), "not his answer, nor the other one's leaving"
    assert first.begin < second.begin < first.end < second.end


def bridges(lab: House) -> set[str]:
    """Give how many are in each bridge of the node."""
    lines = lab.asterisk(NODE, "bridge show all").splitlines()[1:]
    return {line.split()[-4] for line in lines if line}


def test_an_agent_who_goes_back_has_his_caller_again(lab: House) -> None:
    talk = Talk(lab)
    talk.consult(SECOND)
    talk.answered(SECOND)
    talk.ask("--step", "back")
    talk.left(SECOND)
    talk.becomes(SECOND, AgentState.WRAP_UP)
    assert talk.state(talk.first) == AgentState.TALKING
    talk.end()
    assert talk.queue_log(ends_with="COMPLETECALLER")[-1] == ("COMPLETECALLER", talk.first)


def test_when_the_second_agent_declines_the_first_has_his_caller_again(lab: House) -> None:
    talk = Talk(lab, Business.EXPANSION)
    talk.consult(REFUSES[1])
    talk.left(REFUSES[1])
    talk.becomes(REFUSES[1], AgentState.NOT_READY)
    assert talk.state(talk.first) == AgentState.TALKING
    talk.consult(SECOND)
    talk.answered(SECOND)
    talk.ask("--step", "complete")
    talk.left(talk.first)
    talk.end(SECOND)


@pytest.mark.parametrize("hangs_up", [True, False])
def test_a_caller_handed_over_to_a_phone_that_rings_is_answered_there(lab: House, hangs_up: bool) -> None:
    talk = Talk(lab, Business.BILLING)
    talk.consult(SLOW)
    if hangs_up:
        talk.hang_up(talk.first)
    else:
        talk.ask("--step", "complete")
    talk.wait(bus.CallTransferred, lambda event: event.kind == "attended")
    assert not [event for event in talk.told(bus.AgentAnswered) if event.agent == SLOW], "it still rings"
    talk.answered(SLOW)
    talk.becomes(SLOW, AgentState.TALKING)
    first, second = talk.end(SLOW).legs
    assert first.end < second.begin


def test_a_caller_handed_over_to_a_phone_that_nobody_answers_is_back_in_the_pool_with_his_first_arrival(
    lab: House,
) -> None:
    talk = Talk(lab, Business.BILLING)
    talk.consult(RINGS)
    talk.hang_up(talk.first)
    talk.wait(bus.CallTransferred, lambda event: event.kind == "attended")
    third = talk.wait(bus.AgentAnswered, lambda event: event.agent not in (talk.first, RINGS)).agent
    talk.becomes(RINGS, AgentState.NOT_READY)
    came, back = talk.told(bus.CallWaiting)
    assert back.since == pytest.approx(came.since, abs=0.001)
    assert back.business == came.business
    first, last = talk.end(third).legs
    assert last.begin - first.end > 5, "the phone rang to its end"
    assert talk.queue_log(ends_with="COMPLETECALLER") == [
        ("ENTERQUEUE", "NONE"),
        ("CONNECT", talk.first),
        ("ATTENDEDTRANSFER", talk.first),
        ("ENTERQUEUE", "NONE"),
        ("CONNECT", third),
        ("COMPLETECALLER", third),
    ]

"""A caller who talks, and whose end the test decides: what he and his agents do next, and what is known of it."""

import re
import time
from collections.abc import Callable
from typing import Final, TypeVar

from click.testing import CliRunner, Result

from crm_adapter.policy import load_policy
from crm_adapter.record import CallRecord
from lab.scripts import HangUp, Pause
from service.cli import main
from tests.live.disturbed import Background
from tests.live.house import House
from tests.live.listening import Ear
from tests.live.test_queue_log import written
from tests.live.test_waiting import seats
from tieline import bus
from tieline.model import AgentState, Business, Outcome, SiteId

FUZHOU, XIAMEN = SiteId("fuzhou"), SiteId("xiamen")
NODE: Final = "fuzhou-1"
SECOND, FAR = "a1012", "a2001"
"""Of Fuzhou and of Xiamen; they answer. Neither speaks Min Dong, so neither is anybody's first agent."""
LONGEST_MS: Final = 90_000
Told = TypeVar("Told", bound=bus.Event)

PASSING = ("did not answer in time", "is being offered another call", "it does not talk yet")
"""Why a consultation does not begin just now: a busy machine kept the other site from its 2 s; what its agents do,
and that one has answered, is seen a moment late."""


class Talk:
    """A caller from Fuzhou who talks with somebody, and whose end the test decides.

    He asks for Min Dong, which only agents of Fuzhou speak, so that his first agent is one of them. Who asks for
    Mandarin is given an agent of the other site when those at home are kept for their own dialects.
    """

    def __init__(
        self,
        lab: House,
        business: Business = Business.REPAIR,
        *,
        dialect: str = "min_dong",
        first: str = "",
        ear: Ear | None = None,
    ) -> None:
        script = lab.script("fuzhou", dialect, business, Pause(LONGEST_MS), HangUp())
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
        while f"consults {agent}" in (done := self._consult(agent)).output:
            self.lab.wait_for_news()
        assert done.exit_code == 1, done.output
        return done.output

    def _consult(self, agent: str) -> Result:
        """Ask for a consultation; that one consults already is said to who asked again because of a late answer."""
        return self._transfer("--step", "consult", "--to", f"agent:{agent}")

    def _transfer(self, *words: str) -> Result:
        """Ask as somebody would: again while the reason is one that passes."""
        command = ["call", "--settings", str(self.lab.plan.settings_file), "transfer", self.call_id, *words]
        while True:
            done = CliRunner().invoke(main, command)
            if not any(reason in done.output for reason in PASSING):
                return done

    def consult(self, agent: str) -> None:
        """Let the first agent's phone ring a second one, and wait until that phone rings."""
        done = self._consult(agent)
        assert done.exit_code == 0 or f"consults {agent}" in done.output, done.output
        self.wait(bus.AgentRinging, lambda event: event.agent == agent)

    def answered(self, agent: str) -> None:
        """Wait until an agent has answered, as both sites see it: one over the tie line is first known at his own."""
        for site in {FUZHOU, site_of(agent)}:
            self.wait(bus.AgentAnswered, lambda event: event.agent == agent, site)

    def answered_next(self) -> str:
        """Wait until somebody has answered after the first agent, who may be it again; give who."""
        while len(answers := self.told(bus.AgentAnswered)) < 2:
            self.lab.wait_for_news()
        return answers[1].agent

    def left(self, agent: str) -> None:
        """Wait until an agent's leg is over."""
        self.wait(bus.AgentLegGone, lambda event: event.agent == agent)

    def has_caller(self, agent: str) -> None:
        """Wait until the caller's channel says that an agent has a part in his call."""
        self._channel_says(rf"^TL_LEGS=(.*&)?{agent}:")

    def _channel_says(self, pattern: str) -> None:
        said = re.compile(pattern, re.MULTILINE)
        while not said.search(self.lab.asterisk(self.node, f"core show channel {self.channel}")):
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
        self._channel_says(rf"^TL_LEGS=(.*&)?{agent}:\w*@[0-9.]+-")

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
        self._channel_says(rf"^TL_LEGS=([^&\n]*&){{{len(agents)}}}[^&\n]*$")
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
        self.wait(bus.AgentChanged, lambda event: (event.agent, event.state) == (agent, state), site_of(agent))

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


def site_of(agent: str) -> SiteId:
    """Tell where an agent works."""
    return XIAMEN if agent.startswith("a2") else FUZHOU


def bridges(lab: House) -> set[str]:
    """Give how many are in each bridge of the node."""
    lines = lab.asterisk(NODE, "bridge show all").splitlines()[1:]
    return {line.split()[-4] for line in lines if line}

"""The matcher's live shell: of a site's matchers the one that holds the lease follows the bus and offers calls.

State, position in the bus, events told and mailbox words leave in one step of Redis that looks at the lease
(`tieline.lease`): a matcher that takes over finds all of what its predecessor did or nothing of it, and one that was
frozen can do nothing any more. A standby asks for the lease and does nothing else; what it takes over it reads then,
in some milliseconds. With an empty Redis the state is rebuilt from the nodes' snapshots. Waiting callers need no
rescue: while no heartbeat comes the hold loop hands them to the safety net.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from routing.agents import Agent
from routing.figures import encode_figures
from routing.follower import Follower
from routing.intake import Intake, Rescue
from routing.keys import FIGURES, HEARTBEAT_KEY, LEASE
from routing.ladders import LadderSet
from routing.matcher import Matcher, Rules
from routing.net_members import NetMembers
from routing.offers import Effect, MakeOffer, WithdrawOffer
from routing.outgoing import commands_of, lasting
from routing.peer_intake import PeerIntake
from routing.peer_news import PeerNews
from routing.peers import Abroad, Listener, Peers
from routing.queue_log_book import QueueLogBook, load_stays
from routing.saved_state import FENCES_A_TERM, SavedState, load
from routing.waits import Waits
from tieline import bus
from tieline.clock import Clock
from tieline.endings import cancel_until_done
from tieline.errors import RemoteProtocolError, TielineError
from tieline.lease import RENEW_S, Command, Hold, Lease, process_name
from tieline.live import Live
from tieline.model import AgentId, AgentState, NodeId, SiteId
from tieline.streams import commanding
from tieline.switch_plan import StaticQueue

EVERY_S: Final = 0.1
"""Looks at most this often: the hold loop itself looks every 200 ms, and events come in bunches."""
LONGEST_LOOK_S: Final = 1.0
AGAIN_S: Final = 0.5
BATCH: Final = 500

_COUNTED: Final = {MakeOffer: "offers", WithdrawOffer: "withdrawn", Rescue: "rescued"}

_log = structlog.get_logger("matcher")


class MatcherShell:
    """Runs a site's matcher as long as the lease is ours.

    Args:
        site: Whose calls and agents.
        live: The site's Redis.
        agents: Those of all sites.
        ladders: What the choice goes by.
        rules: Times.
        clock: Unix seconds.
        nodes: The site's nodes, whose snapshots are asked for when we take over.
        abroad: The other sites; without any there is no crossing.
        net: The site's queues of the safety net, whose members follow the agents.
    """

    def __init__(
        self,
        site: SiteId,
        live: Live,
        agents: Mapping[AgentId, Agent],
        ladders: LadderSet,
        rules: Rules,
        clock: Clock,
        nodes: Sequence[NodeId] = (),
        abroad: Abroad | None = None,
        net: Sequence[StaticQueue] = (),
    ) -> None:
        self._site = site
        self._live = live
        self._clock = clock
        self._agents = agents
        self._ladders = ladders
        self._rules = rules
        self._nodes = nodes
        self._abroad = abroad or Abroad()
        self._peers = Peers(self._abroad.replicas)
        self._net = net
        self._lease = Lease(live, LEASE, process_name())
        self._saved: SavedState | None = None
        self._waits = Waits()
        names = (*_COUNTED.values(), "terms", "skipped", "unreadable")
        self.counters: dict[str, int] = dict.fromkeys(names, 0)

    def use(self, ladders: LadderSet) -> None:
        """Go by other ladders from now on."""
        self._ladders = ladders
        self._peers.rung.set()  # the loop that follows the bus looks up

    async def run(self) -> None:
        """Stand by and match until cancelled; a lease or a Redis that is lost is waited for again."""
        while True:
            try:
                await self._serve_a_term()
            except TielineError as error:
                _log.warning("not acting any more", reason=str(error))
            await asyncio.sleep(AGAIN_S)

    def metrics(self) -> Mapping[str, float]:
        """Give the numbers worth a graph; a standby has those of its own past."""
        numbers: dict[str, float] = {**self.counters, "acting": self._saved is not None, **self._peers.metrics()}
        if self._saved is None:
            return numbers
        matcher = self._saved.matcher
        states = [seat.state for seat in matcher.seats.values()]
        numbers |= {"waiting": len(matcher.waiting), "offered": len(matcher.offers)}
        numbers["ladders_version"] = matcher.ladders.version
        numbers |= {f"agents_{state}": states.count(state) for state in AgentState}
        return {**numbers, **self._waits.metrics()}

    # A term --------------------------------------------------------------------------------------------------

    async def _serve_a_term(self) -> None:
        hold = await self._lease.take()
        try:
            saved = self._saved = await load(self._live, self._new_matcher(hold.term))
            self._waits = Waits()
            self.counters["terms"] += 1
            self.counters["unreadable"] += saved.unreadable
            _log.info("acting", term=hold.term, waiting=len(saved.matcher.waiting), offers=len(saved.matcher.offers))
            # What was lost with a bridge or a Redis is told by nobody: the nodes show what is true.
            asking = bus.TakeSnapshot(at=self._clock())
            await self._lease.act(hold, [self._beat(), *(commanding(node, asking) for node in self._nodes)])
            await self._act(hold, saved)
        finally:
            self._saved = None
            await self._lease.give_up(hold)

    def _new_matcher(self, term: int) -> Matcher:
        own = frozenset((self._site,))
        return Matcher(self._agents, self._rules, self._ladders, own, next_fence=term * FENCES_A_TERM + 1)

    async def _act(self, hold: Hold, saved: SavedState) -> None:
        """Follow the buses and beat; the first of these that fails ends the others."""
        self._peers = Peers(self._abroad.replicas)  # what one knew before is as old as the last term
        works = (self._follow(hold, saved), self._keep(hold, saved), self._peers.run())
        tasks = [asyncio.create_task(work) for work in works]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                await cancel_until_done(task)
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, hold: Hold, saved: SavedState) -> None:
        while True:
            figures: Command = ("SET", FIGURES, encode_figures(self.metrics()))
            waits = self._waits.commands(saved.matcher, self._clock())
            await self._lease.act(hold, [self._beat(), figures, *waits])
            await asyncio.sleep(RENEW_S)

    def _beat(self) -> Command:
        return ("SET", HEARTBEAT_KEY, f"{self._clock():.3f}", "EX", 60)

    async def _follow(self, hold: Hold, saved: SavedState) -> None:
        intake = Intake(self._site, saved.matcher)
        abroad = PeerIntake(saved.matcher, self._abroad.nodes, self._abroad.business_sites)
        book = QueueLogBook(self._nodes, self._agents, await load_stays(self._live))
        followers: Sequence[Follower] = (NetMembers(self._nodes, self._net), book)
        listener = Listener(self._live, self._peers.rung, BATCH)
        used: LadderSet | None = None
        try:
            while True:
                effects, is_news = await self._take_all(listener, intake, abroad, followers, saved)
                now = self._clock()
                if used is not self._ladders:
                    used = self._ladders
                    effects += saved.matcher.use(used, now)
                effects += saved.matcher.tick(now)
                saved.touch(effects)
                effects = lasting(effects, saved.matcher.offers)
                commands = self._commands(effects, intake, abroad, saved, now)
                followed = [one for each in followers for one in each.commands(effects, saved.matcher, now)]
                if is_news or effects or followed:
                    await self._lease.act(hold, [*commands, *followed])
                    await asyncio.sleep(EVERY_S)
        finally:
            await listener.close()

    async def _take_all(
        self,
        listener: Listener,
        intake: Intake,
        abroad: PeerIntake,
        followers: Sequence[Follower],
        saved: SavedState,
    ) -> tuple[list[Effect | Rescue], bool]:
        """Take in all that has been told, before anything is done or a lease is over: who takes over is behind.

        Gives what it leads to, and whether there was anything.
        """
        effects: list[Effect | Rescue] = []
        is_news = False
        while True:
            entries = await listener.next(saved.position, self._patience_s(saved))
            now = self._clock()
            effects += self._take_in(entries, intake, followers, saved, now)
            news = self._peers.take()
            effects += self._take_in_news(news, abroad, saved, now)
            is_news = is_news or bool(entries or news)
            if len(entries) < BATCH:
                return effects, is_news

    def _patience_s(self, saved: SavedState) -> float:
        now = self._clock()
        due = saved.matcher.next_deadline(now)
        return LONGEST_LOOK_S if due is None else min(LONGEST_LOOK_S, max(0.01, due - now))

    @staticmethod
    def _take_in_news(
        news: Sequence[PeerNews], abroad: PeerIntake, saved: SavedState, now: float
    ) -> list[Effect | Rescue]:
        effects: list[Effect | Rescue] = []
        for one in news:
            effects += abroad.apply(one, now)
        for call_id in abroad.touched:
            saved.touch_call(call_id)
        abroad.touched.clear()
        return effects

    def _take_in(
        self,
        entries: Sequence[tuple[str, bytes]],
        intake: Intake,
        followers: Sequence[Follower],
        saved: SavedState,
        now: float,
    ) -> list[Effect | Rescue]:
        effects: list[Effect | Rescue] = []
        for entry, raw in entries:
            saved.position = entry
            try:
                event = bus.decode_event(raw)
                for follower in followers:
                    follower.take(event, saved.matcher, now)
                effects += intake.apply(event, now)
            except RemoteProtocolError:
                self.counters["skipped"] += 1
        return effects

    def _commands(
        self, effects: Sequence[Effect | Rescue], intake: Intake, abroad: PeerIntake, saved: SavedState, now: float
    ) -> list[Command]:
        """Give all that must happen in one step: the state, and what it leads to."""
        self._count(effects)
        for call_id in intake.touched:
            saved.touch_call(call_id)
        intake.touched.clear()
        return [*saved.take_changes(), *commands_of(self._site, effects, now, abroad.way_to)]

    def _count(self, effects: Sequence[Effect | Rescue]) -> None:
        for effect in effects:
            name = _COUNTED.get(type(effect))
            if name:
                self.counters[name] += 1

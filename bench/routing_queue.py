"""A model of `app_queue`, kindly meant: the plain set-ups that a good administrator can make of it.

A queue for each dialect and kind of business. Members have penalties: 0 for speakers, 1 for basic knowledge, then
the others, scarce speakers last; `QUEUE_MAX_PENALTY` gives a caller speakers only until a queue rule raises it.
What is kept of app_queue.c:

- A caller looks once a `retry` second, in a rhythm of his own; so among queues a free member goes to who looks first.
- Only the first callers of a queue look, as many as it has idle members (`is_our_turn` with autofill), whatever their
  penalties.
- Of the idle members of the lowest penalty the one whose last call is longest ago is rung (`leastrecent`).
- A queue with more weight holds its members back from others while it has at least as many callers as idle members
  (`compare_weight`), whether they may have him or not.

Kinder than the real one: no member is stuck, states are shared between sites at once, `retry` is one second,
wrap-up holds in all queues, and a caller who overflows keeps his place and his wait.

Source:
    Asterisk apps/app_queue.c: is_our_turn, num_available_members, compare_weight, calc_metric.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil, inf
from typing import Final

from bench.world.floor import Floor
from bench.world.model import Try
from bench.world.people import EVERYBODYS
from routing.agents import Agent
from tieline.model import MANDARIN, AgentId, Business, CallId, DialectId, Level, SiteId

RETRY_S: Final = 1.0
COMMON: Final = 20
"""A dialect with at least so many speakers among the people is common, the others are scarce."""

_KINDS: Final = (EVERYBODYS[0], *(business for business in Business if business not in EVERYBODYS))
"""Businesses that all are trained for share their queues."""

SPEAKER, _BASIC, _MANDARIN_ONLY, _COMMON, MOST = range(5)
"""Penalties; the last one is that of scarce speakers in other queues."""


class Reach(StrEnum):
    """Who is a member of a site's queues."""

    SITE = "site"
    """The site's own people."""
    OVERFLOW = "overflow"
    """The same, and after `overflow_s` everybody's."""
    BOTH = "both"
    """Everybody."""


@dataclass(frozen=True, slots=True)
class QueueSetup:
    """One way to configure it.

    Attributes:
        open_s: After this wait a dialect caller may have those who do not speak it; infinite for never.
        spare_s: After this wait a Mandarin caller may have speakers of scarce dialects.
        weighted: The queues of dialects have more weight than those of Mandarin.
        overflow_s: When a caller overflows.
    """

    reach: Reach
    open_s: float
    spare_s: float = 0.0
    weighted: bool = False
    overflow_s: float = 25.0

    @property
    def name(self) -> str:
        """Short name, e.g. `both_open17_weight`."""
        parts = [str(self.reach), "never" if self.open_s == inf else f"open{self.open_s:g}"]
        parts += [f"spare{self.spare_s:g}"] if self.spare_s else []
        return "_".join(parts + (["weight"] if self.weighted else []))


@dataclass(slots=True, eq=False)
class _Caller:
    call: Try
    came: float
    looks: bool = False
    """A look is to come."""


@dataclass(slots=True, eq=False)
class _Queue:
    weight: int
    penalties: dict[AgentId, int]
    idle: dict[AgentId, None] = field(default_factory=dict)
    """Members who are idle, longest first."""
    callers: list[_Caller] = field(default_factory=list)


class QueuePolicy:
    """The queues, and who looks when."""

    def __init__(self, floor: Floor, setup: QueueSetup) -> None:
        self._floor = floor
        self._setup = setup
        self._wrap_up_s = floor.world.callers.wrap_up_s
        self._queues = _Queues(floor, setup)
        self._at: dict[CallId, tuple[_Queue, _Caller]] = {}
        self._off: set[AgentId] = set()

    # Events of the floor ---------------------------------------------------------------------------------------

    def arrived(self, call: Try, now: float) -> None:
        """Enter the queue and look at once."""
        setup, caller = self._setup, _Caller(call, now)
        site = None if setup.reach is Reach.BOTH else call.caller.site
        self._enter(self._queues.of(call, site), caller, now)
        opens = setup.open_s if call.caller.wants_dialect else setup.spare_s
        if call.call_id in self._at and 0 < opens < call.patience_s:
            self._floor.wake(now + opens, caller)
        if setup.reach is Reach.OVERFLOW and call.call_id in self._at and setup.overflow_s < call.patience_s:
            self._floor.wake(now + setup.overflow_s, (caller,))

    def gone(self, call: Try, agent: AgentId | None, now: float) -> None:
        """Leave the queue, or free the agent whose phone rang."""
        if agent is None:
            self._leave(call, now)
        else:
            self._free(agent, now)

    def answered(self, _call: Try, _agent: AgentId, _now: float) -> None:
        """Nothing to do: the member is in use since the phone rang."""

    def ended(self, _call: Try, agent: AgentId, now: float) -> None:
        """Let the member wrap up."""
        self._floor.wake(now + self._wrap_up_s, agent)

    def on_duty(self, agent: AgentId, now: float) -> None:
        """Unpause a member."""
        self._off.discard(agent)
        self._free(agent, now)

    def off_duty(self, agent: AgentId, _now: float) -> None:
        """Pause a member."""
        self._off.add(agent)
        self._take(agent)

    def due(self, what: Hashable, now: float) -> None:
        """Somebody looks, has waited long enough for more, overflows, or has wrapped up."""
        if isinstance(what, _Caller):
            what.looks = False
            if what.call.call_id in self._at:
                self._look(what, now)
        elif isinstance(what, tuple):
            self._overflow(what[0], now)
        else:
            self._free(AgentId(str(what)), now)

    # Callers ---------------------------------------------------------------------------------------------------

    def _enter(self, queue: _Queue, caller: _Caller, now: float) -> None:
        queue.callers.append(caller)
        self._at[caller.call.call_id] = (queue, caller)
        self._look(caller, now)

    def _leave(self, call: Try, now: float) -> None:
        queue, caller = self._at.pop(call.call_id)
        queue.callers.remove(caller)
        self._wake(queue, now)

    def _overflow(self, caller: _Caller, now: float) -> None:
        if caller.call.call_id in self._at:
            self._leave(caller.call, now)
            self._enter(self._queues.of(caller.call, None), caller, now)

    def _look(self, caller: _Caller, now: float) -> None:
        """Ring the best member, or look again in a second if there is one whom only weight holds back."""
        queue, _ = self._at[caller.call.call_id]
        if caller not in queue.callers[: len(queue.idle)]:
            return
        most = self._most_penalty(caller, now)
        allowed = [agent for agent in queue.idle if queue.penalties[agent] <= most]
        if not allowed:
            return
        for agent in sorted(allowed, key=queue.penalties.__getitem__):
            if not self._queues.held_back(agent, queue):
                self._take(agent)
                self._leave(caller.call, now)
                self._floor.ring(caller.call, agent, now)
                return
        self._look_later(caller, now + RETRY_S / 2)

    def _most_penalty(self, caller: _Caller, now: float) -> int:
        waited, setup = now - caller.came, self._setup
        if caller.call.caller.wants_dialect:
            return MOST if waited >= setup.open_s else SPEAKER
        return MOST if waited >= setup.spare_s else _COMMON

    def _wake(self, queue: _Queue, now: float) -> None:
        """Have those look whose turn it is."""
        for caller in queue.callers[: len(queue.idle)]:
            self._look_later(caller, now)

    def _look_later(self, caller: _Caller, now: float) -> None:
        """Look at the caller's next second."""
        if not caller.looks:
            caller.looks = True
            self._floor.wake(caller.came + ceil((now - caller.came) / RETRY_S) * RETRY_S, caller)

    # Members ---------------------------------------------------------------------------------------------------

    def _free(self, agent: AgentId, now: float) -> None:
        if agent in self._off:
            return
        for queue in self._queues.with_member(agent):
            queue.idle[agent] = None
            self._wake(queue, now)

    def _take(self, agent: AgentId) -> None:
        for queue in self._queues.with_member(agent):
            queue.idle.pop(agent, None)


def penalties(agents: Mapping[AgentId, Agent], dialect: DialectId) -> dict[AgentId, int]:
    """Give the members' penalties in the queue of a dialect: speakers 0, the scarcest speakers of others most."""
    speakers = Counter(each for agent in agents.values() for each in agent.dialects if agent.speaks(each))
    scarce = frozenset(each for each, count in speakers.items() if count < COMMON)
    return {agent.id: _penalty(agent, dialect, scarce) for agent in agents.values()}


def _penalty(agent: Agent, dialect: DialectId, scarce: frozenset[DialectId]) -> int:
    if dialect != MANDARIN and agent.speaks(dialect):
        return SPEAKER
    if agent.dialects.get(dialect) is Level.BASIC:
        return _BASIC
    own = [name for name in agent.dialects if name != MANDARIN and agent.speaks(name)]
    if not own:
        return _MANDARIN_ONLY
    return MOST if scarce.intersection(own) else _COMMON


class _Queues:
    """All queues of a set-up."""

    def __init__(self, floor: Floor, setup: QueueSetup) -> None:
        agents = floor.agents
        dialects = {MANDARIN, *(name for shares in floor.world.callers.dialects.values() for name in shares)}
        sites: list[SiteId | None] = [None, *(() if setup.reach is Reach.BOTH else floor.world.people)]
        of_dialect = {dialect: penalties(agents, dialect) for dialect in sorted(dialects)}
        self._queues = {
            (dialect, business, site): _Queue(
                weight=int(setup.weighted and dialect != MANDARIN),
                penalties={
                    agent: penalty
                    for agent, penalty in of_dialect[dialect].items()
                    if business in agents[agent].business and site in (None, agents[agent].site)
                },
            )
            for dialect in of_dialect
            for business in _KINDS
            for site in sites
        }
        self._of_member = {
            agent: [queue for queue in self._queues.values() if agent in queue.penalties] for agent in agents
        }

    def of(self, call: Try, site: SiteId | None) -> _Queue:
        """Give the queue of a call at a site; that of all sites for none, and where the site has nobody for it."""
        business = call.caller.business
        kind = EVERYBODYS[0] if business in EVERYBODYS else business
        queue = self._queues[call.caller.dialect, kind, site]
        return queue if queue.penalties else self._queues[call.caller.dialect, kind, None]

    def with_member(self, agent: AgentId) -> Sequence[_Queue]:
        """Give the queues that an agent is a member of."""
        return self._of_member[agent]

    def held_back(self, agent: AgentId, queue: _Queue) -> bool:
        """Tell whether a queue with more weight keeps a member for itself."""
        return any(
            other.weight > queue.weight and other.callers and len(other.callers) >= len(other.idle)
            for other in self._of_member[agent]
        )

"""A model of `app_queue`, kindly meant: the plain set-ups that a good administrator can make of it.

What is kept of app_queue.c:

- A caller looks once a `retry` second, in a rhythm of his own; so among queues a free member goes to who looks first.
- Only the first callers of a queue look, as many as it has idle members (`is_our_turn` with autofill), whatever their
  penalties. Callers whom a phone rings for are passed over.
- Of the idle members of the lowest penalty the one whose last call is longest ago is rung (`leastrecent`). That is
  told in whole seconds, as is wrap-up: a member is free at the turn of a second of the clock.
- A queue with more weight holds its members back from others while it has at least as many callers as idle members
  (`compare_weight`), whether they may have him or not. Callers whom a phone rings for count.

Kinder than the real one: no member is stuck, states are shared between sites at once, `retry` is one second,
wrap-up holds in all queues, a caller who overflows keeps his place and his wait, and whoever wrote the queue rules
knows that a caller at his turn passes one a second late (`time(NULL) - start > rule`).

Source:
    Asterisk apps/app_queue.c: is_our_turn, num_available_members, is_member_available, compare_weight, calc_metric,
    queue_exec.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, inf
from typing import Final

from bench.queue_setup import COMMON_SPEAKER, MOST, RETRY_S, SPEAKER, QueueSetup, Reach, order_of_equals, penalties
from bench.world.floor import Floor
from bench.world.model import Try
from bench.world.people import EVERYBODYS
from tieline.model import MANDARIN, AgentId, Business, CallId, SiteId

_KINDS: Final = (EVERYBODYS[0], *(business for business in Business if business not in EVERYBODYS))
"""Businesses that all are trained for share their queues."""


@dataclass(slots=True, eq=False)
class _Caller:
    call: Try
    came: float
    opens_at: float
    """From then on he may have everybody."""
    looks: bool = False
    """A look is to come."""


@dataclass(slots=True, eq=False)
class _Queue:
    weight: int
    penalties: dict[AgentId, int]
    idle: set[AgentId] = field(default_factory=set)
    callers: list[_Caller] = field(default_factory=list)
    """Those whom no phone rings for, in order."""
    ringing: int = 0
    """How many callers a phone rings for."""

    @property
    def count(self) -> int:
        """Callers who are not answered yet."""
        return len(self.callers) + self.ringing


class QueuePolicy:
    """The queues, and who looks when."""

    def __init__(self, floor: Floor, setup: QueueSetup) -> None:
        self._floor = floor
        self._setup = setup
        self._wrap_up_s = floor.world.callers.wrap_up_s
        self._queues = _Queues(floor, setup)
        self._at: dict[CallId, tuple[_Queue, _Caller]] = {}
        self._ringing: dict[CallId, _Queue] = {}
        self._ended_s: dict[AgentId, int] = {}
        """Whole second of a member's last call."""
        self._place = {agent: place for place, agent in enumerate(order_of_equals(floor.agents))}
        self._off: set[AgentId] = set()

    # Events of the floor ---------------------------------------------------------------------------------------

    def arrived(self, call: Try, now: float) -> None:
        """Enter the queue and look at once."""
        setup = self._setup
        opens = setup.open_s if call.caller.wants_dialect else setup.spare_s
        caller = _Caller(call, now, now + opens)
        site = None if setup.reach is Reach.BOTH else call.caller.site
        self._enter(self._queues.of(call, site), caller, now)
        if call.call_id in self._at and 0 < opens < call.patience_s:
            self._floor.wake(caller.opens_at, caller)
        if setup.reach is Reach.OVERFLOW and call.call_id in self._at and setup.overflow_s < call.patience_s:
            self._floor.wake(now + setup.overflow_s, (caller,))

    def gone(self, call: Try, agent: AgentId | None, now: float) -> None:
        """Leave the queue, or free the agent whose phone rang."""
        if agent is None:
            self._leave(call, now)
        else:
            self._ringing.pop(call.call_id).ringing -= 1
            self._free(agent, now)

    def answered(self, call: Try, _agent: AgentId, _now: float) -> None:
        """Leave the queue; the member is in use since the phone rang."""
        self._ringing.pop(call.call_id).ringing -= 1

    def ended(self, _call: Try, agent: AgentId, now: float) -> None:
        """Let the member wrap up."""
        self._ended_s[agent] = floor(now)
        self._floor.wake(floor(now) + self._wrap_up_s, agent)

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
        allowed = self._allowed(queue, caller, now)
        if not allowed:
            return
        for agent in allowed:
            if not self._queues.held_back(agent, queue):
                self._ring(queue, caller, agent, now)
                return
        self._look_later(caller, now + RETRY_S / 2)

    def _allowed(self, queue: _Queue, caller: _Caller, now: float) -> Sequence[AgentId]:
        """Idle members that a caller may have, the best first."""
        most = SPEAKER if caller.call.caller.wants_dialect else COMMON_SPEAKER
        if now >= caller.opens_at:
            most = MOST
        allowed = [agent for agent in queue.idle if queue.penalties[agent] <= most]
        return sorted(
            allowed, key=lambda agent: (queue.penalties[agent], self._ended_s.get(agent, -inf), self._place[agent])
        )

    def _ring(self, queue: _Queue, caller: _Caller, agent: AgentId, now: float) -> None:
        self._take(agent)
        self._leave(caller.call, now)
        queue.ringing += 1
        self._ringing[caller.call.call_id] = queue
        self._floor.ring(caller.call, agent, now)

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
            queue.idle.add(agent)
            self._wake(queue, now)

    def _take(self, agent: AgentId) -> None:
        for queue in self._queues.with_member(agent):
            queue.idle.discard(agent)


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
            other.weight > queue.weight and 0 < other.count >= len(other.idle) for other in self._of_member[agent]
        )

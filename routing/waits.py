"""What waiting callers are told: position and expected wait in Redis, and how wrong the estimates were.

The acting matcher lends its pool once a second. What becomes of a call is seen in the same looks: waits and errors
are true to a second, which is little beside the minutes that are spoken.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from routing.expected_wait import WaitEstimator
from routing.matcher import Matcher
from routing.seats import Seat
from tieline.lease import Command
from tieline.live import Live
from tieline.model import AgentId, AgentState, CallId

WAITS: Final = "tl:waits"
EVERY_S: Final = 1.0
STALE_S: Final = 10.0
"""What is older is not told to callers."""
_AT_ONCE: Final = 1000
"""Words in one command: a script of Redis cannot take many thousands."""
MOST_CALLS: Final = 2000
"""With more nothing is estimated: the matcher has better to do, and callers hear that all are busy."""
_WEIGHT: Final = 0.05
"""Of the newest talk in the mean: about the last twenty count."""
_BUSY: Final = frozenset((AgentState.TALKING, AgentState.WRAP_UP))


class Wait(msgspec.Struct, frozen=True):
    """What one waiting caller may be told.

    Attributes:
        ahead: Calls before it.
        wait_s: Seconds still to wait, None when nobody can tell.
        at: When it was estimated, Unix seconds.
    """

    ahead: int
    wait_s: float | None
    at: float


class Waits:
    """Estimates the waits of a site's calls for a term of its matcher, and learns from what became of them. Pure."""

    def __init__(self) -> None:
        self._estimator: WaitEstimator | None = None
        self._next = 0.0
        self._busy_s = 0.0
        self._busy_since: dict[AgentId, float] = {}
        self._told: dict[CallId, tuple[float, float]] = {}
        self._written: set[CallId] = set()
        self._began = False
        self._errors = {"answered": 0, "waited_s": 0.0, "error_s": 0.0, "bias_s": 0.0}

    def metrics(self) -> Mapping[str, float]:
        """Give sums over the calls that had to wait and were answered: waits, errors and bias of the first estimates.

        Errors are absolute; the bias is positive when callers waited shorter than they were told.
        """
        return {**{f"estimates_{name}": value for name, value in self._errors.items()}, "busy_mean_s": self._busy_s}

    def commands(self, pool: Matcher, now: float) -> list[Command]:
        """Look at the pool, at most once a second; give the commands that write what its own callers may be told."""
        if now < self._next:
            return []
        self._next = now + EVERY_S
        self._busy_s = self._busy_s or pool.ladders.numbers.talk_s
        self._learn_busy(pool.seats, now)
        self._learn_errors(pool, now)
        waits = self._estimate(pool, now)
        for call_id, wait in waits.items():
            if wait.wait_s is not None:
                self._told.setdefault(call_id, (now, wait.wait_s))
        return self._writing(waits)

    def _estimate(self, pool: Matcher, now: float) -> dict[CallId, Wait]:
        if not pool.waiting:
            return {}
        if self._estimator is None or self._estimator.agents is not pool.agents:
            self._estimator = WaitEstimator(pool.agents, pool.ladders)
        self._estimator.use(pool.ladders)
        waiting = [*pool.waiting.values(), *pool.peer_waiting.values()]
        if len(waiting) > MOST_CALLS:
            return {}
        seats = {**pool.peer_seats, **pool.seats}
        expected = self._estimator.estimate(waiting, seats, busy_s=self._busy_s, now=now)
        return {call_id: Wait(expected[call_id].ahead, expected[call_id].wait_s, now) for call_id in pool.waiting}

    def _writing(self, waits: Mapping[CallId, Wait]) -> list[Command]:
        gone = list(self._written - waits.keys())
        fields = [part for call_id, wait in waits.items() for part in (call_id, msgspec.json.encode(wait))]
        commands: list[Command] = [] if self._began else [("DEL", WAITS)]  # what a matcher before us left
        commands += [("HSET", WAITS, *fields[at : at + _AT_ONCE]) for at in range(0, len(fields), _AT_ONCE)]
        commands += [("HDEL", WAITS, *gone[at : at + _AT_ONCE]) for at in range(0, len(gone), _AT_ONCE)]
        self._written, self._began = set(waits), True
        return commands

    def _learn_busy(self, seats: Mapping[AgentId, Seat], now: float) -> None:
        """Follow how long calls keep agents, wrap-up included."""
        for agent, seat in seats.items():
            if seat.state in _BUSY:
                self._busy_since.setdefault(agent, now)
            elif agent in self._busy_since:
                self._busy_s += _WEIGHT * (now - self._busy_since.pop(agent) - self._busy_s)

    def _learn_errors(self, pool: Matcher, now: float) -> None:
        """Compare the first estimate of each call that has left the pool for an agent; forget who gave up."""
        for call_id in self._told.keys() - pool.waiting.keys():
            offer = pool.offers.get(call_id)
            if offer is not None and offer.lease_until:
                continue  # it rings: the call may come back
            begin, estimate = self._told.pop(call_id)
            if offer is not None:
                waited = now - begin
                self._errors["answered"] += 1
                self._errors["waited_s"] += waited
                self._errors["error_s"] += abs(estimate - waited)
                self._errors["bias_s"] += estimate - waited


async def read_wait(live: Live, call_id: str, now: float) -> Wait | None:
    """Read what a caller may be told now; None when nobody can tell.

    Raises:
        TielineError: Redis is away.
    """
    raw = await live.call("HGET", WAITS, call_id)
    wait = msgspec.json.decode(raw, type=Wait) if raw else None
    return wait if wait is not None and now - wait.at < STALE_S else None

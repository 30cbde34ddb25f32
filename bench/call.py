"""`tieline bench call`: CPU of each part per call, beside the same calls through a plain `Queue()`, in one run.

Each round is the same calls to Tieline's node, then to the plain one (see `bench.call_arms`), so what else the
machine does falls on both alike; a ratio is the median of the ratios within a round. A call's cost is what its round
cost beyond what the parts cost at rest; the latter is told by itself.
"""

import re
import time
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from bench.call_arms import PLAIN, TIELINE, Arm, arms_plan, prepare_arms, run_of
from bench.call_cost import Reading, Spent, per_call, reading, spent
from bench.result import BenchResult, Figure, figure, versions_of
from lab.book_reader import read_journals
from lab.calls import place_calls
from lab.client import LabClient
from lab.errors import LabError
from lab.parts import Exits, Part
from lab.plan import LabPlan
from lab.root import Say
from lab.supervisor import Request
from tieline.model import Outcome

PYTHON_GOAL: Final = 0.4
ASTERISK_GOAL: Final = 1.3
AT_REST_S: Final = 10.0
WARM_CALLS: Final = 20
SETTLE_S: Final = 2.0
"""After the last caller is gone: the books of a call are written within a second."""
ASK_S: Final = 10.0
_COMPLETED: Final = re.compile(r"\bC:(\d+)")

PARTS: Final[Mapping[str, str]] = {
    "edge": "edge",
    "asterisk": TIELINE.site,
    "python": "tieline-",
    "redis": "redis-",
    "sql": "postgres",
}
"""Reported parts of Tieline's arm, and how the names of the lab's parts begin."""


def run(*, instance: int, rounds: int, calls: int, rate_per_s: float, say: Say) -> BenchResult:
    """Bring both arms up, measure, take them down; about `rounds` × 2 × (`calls` / `rate_per_s` + 10) s and 40 more.

    Raises:
        LabError: The lab did not come up, or calls could not be made.
    """
    plan = arms_plan(instance, say)
    client = LabClient(plan.state)
    client.down()
    answer = client.up(prepare_arms(plan, say), say)
    try:
        if not answer.ok:
            raise LabError("; ".join(part.reason for part in answer.parts if part.reason))
        return _measure(_Bench(client, plan, calls, rate_per_s, say), rounds)
    finally:
        client.down()


class _Bench:
    """A lab with both arms up."""

    def __init__(self, client: LabClient, plan: LabPlan, calls: int, rate_per_s: float, say: Say) -> None:
        self.client, self.plan, self.calls, self.rate_per_s, self.say = client, plan, calls, rate_per_s, say
        self.began = time.time()
        self.made = {TIELINE.name: 0, PLAIN.name: 0}
        self.unscripted = 0

    def reading(self) -> Reading:
        return reading(self.client.ask(Request(do="status")).parts, time.monotonic())

    def at_rest(self) -> Spent:
        before = self.reading()
        time.sleep(AT_REST_S)
        return spent(before, self.reading())

    def round(self, arm: Arm, calls: int) -> Spent:
        """Make a round of calls of one arm; gives what it cost."""
        run_ = run_of(self.plan, arm, calls, self.rate_per_s, self.made[arm.name])
        before = self.reading()
        result = place_calls(self.client, self.plan, run_)
        time.sleep(SETTLE_S)
        cost = spent(before, self.reading())
        self.made[arm.name] += calls
        self.unscripted += sum(not call.is_scripted for call in result.calls)
        parts = ", ".join(f"{part} {ms / calls:.1f}" for part, ms in cost.cpu_ms.items() if ms / calls > 0.05)
        self.say(f"{arm.name}: {calls} calls, ms a call: {parts}")
        return cost


def _measure(bench: _Bench, rounds: int) -> BenchResult:
    for arm in (TIELINE, PLAIN):
        bench.round(arm, WARM_CALLS)
    idle = bench.at_rest()
    costs = [(bench.round(TIELINE, bench.calls), bench.round(PLAIN, bench.calls)) for _ in range(rounds)]
    figures = cost_figures(costs, idle, bench.calls)
    figures |= {
        "calls_an_arm": figure(bench.made[TIELINE.name], "count"),
        "calls_not_as_scripted": figure(bench.unscripted, "count", goal=0),
        "tieline_not_answered": figure(bench.made[TIELINE.name] - _answered(bench), "count", goal=0),
        "plain_not_answered": figure(bench.made[PLAIN.name] - _completed(bench), "count", goal=0),
    }
    return BenchResult("call", figures, versions_of(("uvloop", "redis", "msgspec", "panoramisk", "SQLAlchemy")))


def cost_figures(costs: Sequence[tuple[Spent, Spent]], idle: Spent, calls: int) -> dict[str, Figure]:
    """Compare the arms. Pure.

    Args:
        costs: For each round what Tieline's and the plain arm's calls cost.
        idle: What the parts cost without calls.
        calls: Calls of a round, in each arm.
    """
    ours = {part: [per_call(mine, idle, begin, calls) for mine, _ in costs] for part, begin in PARTS.items()}
    plain = {
        part: [per_call(theirs, idle, begin, calls) for _, theirs in costs]
        for part, begin in (("edge", PARTS["edge"]), ("asterisk", PLAIN.site))
    }
    figures = {f"tieline_{part}": figure(median(values), "ms") for part, values in ours.items()}
    figures |= {f"plain_{part}": figure(median(values), "ms") for part, values in plain.items()}
    own = zip(ours["python"], ours["redis"], ours["asterisk"], strict=True)
    share = median((python + redis) / asterisk for python, redis, asterisk in own)
    figures["python_and_redis_of_asterisk"] = figure(share, "ratio", goal=PYTHON_GOAL)
    beside = median(mine / theirs for mine, theirs in zip(ours["asterisk"], plain["asterisk"], strict=True))
    figures["asterisk_of_plain"] = figure(beside, "ratio", goal=ASTERISK_GOAL)
    at_rest = {**PARTS, "plain_asterisk": PLAIN.site}
    return figures | {
        f"at_rest_{part}": figure(idle.of(begin) / idle.seconds, "ms/s") for part, begin in at_rest.items()
    }


def _answered(bench: _Bench) -> int:
    """Count the calls that Tieline's books call answered."""
    records = read_journals(bench.plan, bench.began)
    return len({record.call_id for record in records if record.outcome is Outcome.ANSWERED})


def _completed(bench: _Bench) -> int:
    """Ask the plain node how many calls its queue completed."""
    [node] = bench.plan.topology.sites[PLAIN.site].nodes
    conf = bench.plan.state / "conf" / node.id / "etc" / "asterisk" / "asterisk.conf"
    log = bench.plan.state / "calls" / "plain-queue.txt"
    log.unlink(missing_ok=True)
    argv = ("asterisk", "-C", str(conf), "-rx", "queue show plain")
    bench.client.run(Part(name="queue", argv=argv, ready=Exits(), log=str(log), ready_s=ASK_S, stop_s=1))
    found = _COMPLETED.search(log.read_text(errors="replace"))
    return int(found[1]) if found else 0

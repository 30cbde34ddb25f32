"""CPU of a lab's parts: whole process trees, ended children included. Read from /proc."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from lab.process import family
from lab.supervisor import PartStatus

TICK_MS: Final = 1000 / os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


class Reading(msgspec.Struct, frozen=True):
    """Counters at one moment.

    Attributes:
        at_s: Monotonic seconds.
        cpu_ms: CPU since the start, milliseconds, by part.
    """

    at_s: float
    cpu_ms: Mapping[str, float]


class Spent(msgspec.Struct, frozen=True):
    """What passed between two readings: `seconds`, and CPU milliseconds by part."""

    seconds: float
    cpu_ms: Mapping[str, float]

    def of(self, begin: str) -> float:
        """Add up the parts whose names begin so, milliseconds."""
        return sum(cost for part, cost in self.cpu_ms.items() if part.startswith(begin))


def reading(parts: Iterable[PartStatus], at_s: float) -> Reading:
    """Read the counters of every part that runs."""
    return Reading(at_s, {part.name: tree_ms(part.pid) for part in parts if part.pid is not None})


def spent(before: Reading, after: Reading) -> Spent:
    """Take the difference; parts that came or went meanwhile are left out."""
    both = before.cpu_ms.keys() & after.cpu_ms.keys()
    return Spent(after.at_s - before.at_s, {part: after.cpu_ms[part] - before.cpu_ms[part] for part in sorted(both)})


def tree_ms(pid: int, proc: Path = _PROC) -> float:
    """Give the CPU of a process and of all it started, milliseconds.

    What has ended counts with the parent that waited for it.
    """
    return sum(_stat_ms(proc / str(one) / "stat") for one in family(pid))


def _stat_ms(stat: Path) -> float:
    """Give utime, stime, cutime and cstime together (proc_pid_stat(5), fields 14 to 17)."""
    try:
        words = stat.read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, words[11:15])) * TICK_MS


def per_call(cost: Spent, idle: Spent, begin: str, calls: int) -> float:
    """Give what a call cost beyond what the same parts cost in the same time without calls, milliseconds."""
    at_rest = idle.of(begin) / idle.seconds * cost.seconds
    return (cost.of(begin) - at_rest) / calls

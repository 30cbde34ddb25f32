"""What a drill costs: CPU seconds by kind of part, beside what the whole machine did. Read from /proc."""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from lab.process import family
from lab.supervisor import PartStatus

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_KINDS: Final = ("redis", "postgres", "edge", "tieline", "phones")
CALLERS: Final = "callers"
NODES: Final = "asterisk"


class Moment(msgspec.Struct, frozen=True):
    """Counters at one moment, in seconds of CPU since their processes, or the machine, started."""

    parts: dict[str, float]
    busy: float
    steal: float


class Burden(msgspec.Struct, frozen=True, kw_only=True):
    """What a span of time cost.

    Attributes:
        seconds: Length of the span.
        cpus: Of the machine.
        cpu_s: CPU seconds by kind of part; `callers` and `phones` are SIPp, the load itself.
        others_s: CPU seconds of everything on the machine that is not this lab.
        steal_s: CPU seconds that the machine was denied by its host.
        load_1m: Load average at the end.
    """

    seconds: float
    cpus: int
    cpu_s: dict[str, float]
    others_s: float
    steal_s: float
    load_1m: float


def kind_of(part: str) -> str:
    """Give the kind of a part by its name, e.g. `tieline` for `tieline-fuzhou`."""
    return next((kind for kind in _KINDS if part.startswith(kind)), NODES)


def moment(parts: Iterable[PartStatus]) -> Moment:
    """Read the counters of all parts and of the machine."""
    spent: dict[str, float] = defaultdict(float)
    for part in parts:
        if part.pid is not None:
            spent[kind_of(part.name)] += sum(_spent(pid) for pid in family(part.pid))
    busy, steal = _machine()
    return Moment(dict(spent), busy, steal)


class CallersCost:
    """CPU seconds of the lab's callers, who come and go: looked at again and again while they live.

    Nobody could be asked afterwards: bwrap does not wait for its child, so the kernel adds it to nobody's children.
    """

    def __init__(self, state: Path) -> None:
        self._mark = f"{state}/calls/".encode()
        self._spent: dict[int, float] = {}

    def look(self) -> None:
        """Read the counters of those that are there."""
        for path in Path("/proc").iterdir():
            if path.name.isdigit() and _is_caller(path, self._mark):
                self._spent[int(path.name)] = _spent(int(path.name))

    @property
    def seconds(self) -> float:
        """What all seen so far have cost."""
        return sum(self._spent.values())


def burden(before: Moment, after: Moment, callers_s: float, seconds: float) -> Burden:
    """Take the difference of two moments. Pure but for the load average."""
    cpu_s = {kind: round(after.parts[kind] - before.parts.get(kind, 0.0), 1) for kind in after.parts}
    cpu_s[CALLERS] = round(callers_s, 1)
    return Burden(
        seconds=round(seconds, 1),
        cpus=os.cpu_count() or 1,
        cpu_s=cpu_s,
        others_s=round(after.busy - before.busy - sum(cpu_s.values()), 1),
        steal_s=round(after.steal - before.steal, 1),
        load_1m=round(os.getloadavg()[0], 2),
    )


def _spent(pid: int) -> float:
    """Give the CPU seconds of a process (proc_pid_stat(5), fields 14 and 15), 0 when it is gone."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / _TICKS


def _machine() -> tuple[float, float]:
    """Give the machine's busy and stolen seconds (proc_stat(5)): all but idle, waiting for disks, and guests."""
    words = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts, steal = words[:8]
    return (user + nice + system + interrupts + soft_interrupts) / _TICKS, steal / _TICKS


def _is_caller(process: Path, mark: bytes) -> bool:
    try:
        arguments = (process / "cmdline").read_bytes()
    except OSError:
        return False
    return arguments.startswith(b"sipp\0") and mark in arguments


def shares(burden_: Burden) -> Mapping[str, float]:
    """Give each kind's share of the whole machine, 0 to 1, largest first."""
    whole = burden_.seconds * burden_.cpus
    costs = burden_.cpu_s | {"others": burden_.others_s, "steal": burden_.steal_s}
    return {kind: cost / whole for kind, cost in sorted(costs.items(), key=lambda item: -item[1])}

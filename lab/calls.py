"""Placing calls: one run is one SIPp in the lab, with one script and any number of callers.

Runs are bounded in number of calls and in time. Several runs may go on at once, from several threads.
"""

import contextlib
import fcntl
import itertools
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lab.client import LabClient
from lab.errors import LabError
from lab.parts import Exits, Part
from lab.plan import LabPlan
from lab.scenario import SIPP, one_socket_an_address, run_name
from lab.scenario_caller import caller_xml
from lab.scripts import CallerScript
from lab.tones import CALLER_HZ, tone
from tieline.model import CityId
from tieline.topology import Address

_SIP_FIRST: Final = 5060
_RTP_FIRST: Final = 20_000
_PORTS_A_CALL: Final = 4
_CALLS_A_BLOCK: Final = 100
_BLOCKS: Final = 100
"""Media ports are handed out in blocks: two SIPp on one address would take the same ones without a word."""

MOST_CALLS: Final = 2_400
"""In one run: SIPp's `[auto_media_port]` begins again after 2,500 calls (4 ports each, modulo 10,000)."""

_LOG_LINE: Final = re.compile(r"(\d+)\|([a-z-]+)\|(\d+)")
_SERIAL: Final = itertools.count(1)
_OWN_FIELDS: Final = 3
"""Fields of the CSV file before the script's; the last one is the source address."""
_FIELD_FORBIDDEN: Final = (";", "\n", "\r")


@dataclass(frozen=True, slots=True)
class Caller:
    """One call of a run.

    Attributes:
        from_: Name and address of the From header, e.g. `<sip:15405910001@127.0.24.1>`; no `;`.
        ear: Where the caller wants to hear, or None for SIPp itself; the same for all callers of a run.
        fields: What the script refers to as `[field3]`, `[field4]`, …; as many for all callers of a run.
        source: Address that the call comes from; None is the run's.
    """

    from_: str
    ear: Address | None = None
    fields: tuple[str, ...] = ()
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRun:
    """Calls with one script.

    Attributes:
        city: Where they come from; callers with a source of their own may be of other cities.
        rate_per_s: New calls a second.
        limit_s: After so long the run is cut off, seconds.
        sends_tone: The callers send a tone for as long as they talk.
        dialled: Number dialled.
        source: Address that the calls come from; None is the city's first trunk group.
        edge: Which edge gets them, counted from 0.
    """

    city: CityId
    script: CallerScript
    callers: tuple[Caller, ...]
    rate_per_s: float = 10.0
    limit_s: float = 120.0
    sends_tone: bool = True
    dialled: str = "95598"
    source: str | None = None
    edge: int = 0
    extra_headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallResult:
    """How one call went.

    Attributes:
        caller: Who it was.
        moments: What happened, and how many milliseconds after SIPp began: answered, presses, bye-sent, …
        is_scripted: It came to the end of its script.
    """

    caller: Caller
    moments: tuple[tuple[str, int], ...]
    is_scripted: bool


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run went.

    Attributes:
        status: SIPp's exit status: 0 all calls as scripted, 1 not all; -1 when it was cut off.
        faults: What SIPp found unexpected, at most 4,000 characters.
    """

    calls: tuple[CallResult, ...]
    status: int
    faults: str = field(repr=False, default="")

    @property
    def is_scripted(self) -> bool:
        """Whether every call ended as scripted."""
        return self.status == 0 and all(call.is_scripted for call in self.calls)


def unallocated_number(area_code: str, serial: int) -> str:
    """Give a mobile number that nobody has: block 154 059x (unallocated), four digits of `serial`."""
    return f"154{area_code}{serial % 10_000:04}"


def some_callers(plan: LabPlan, city: CityId, count: int, fields: Sequence[str] = ()) -> tuple[Caller, ...]:
    """Make callers of a city with numbers that have not called yet, as far as 10,000 numbers go round."""
    place = plan.topology.cities[city]
    source = place.trunk_groups[0].source
    begin = secrets.randbelow(10_000)
    numbers = (unallocated_number(place.area_code, begin + at) for at in range(count))
    return tuple(Caller(f"<sip:{number}@{source}>", fields=tuple(fields)) for number in numbers)


def place_calls(client: LabClient, plan: LabPlan, run: CallRun) -> RunResult:
    """Place the calls of a run and wait for their ends.

    Raises:
        LabError: No lab is up, SIPp did not start, or a caller's field cannot be written to its file.
    """
    if not 0 < len(run.callers) <= MOST_CALLS:
        raise LabError(f"a run has 1 to {MOST_CALLS} calls, not {len(run.callers)}")
    with _folder(plan) as folder, _blocks(plan, len(run.callers)) as block:
        (folder / "caller.xml").write_text(_scenario(folder, run))
        source = run.source or plan.topology.cities[run.city].trunk_groups[0].source
        (folder / "callers.csv").write_text(_csv(run.callers, source))
        status = client.run(_part(plan, run, source, folder, block))
        faults = _read(folder / "faults.log")[:4000]
        output = _read(folder / "sipp.log")[-2000:]
        if status not in (0, 1, -1):
            raise LabError(f"SIPp gave up (status {status}): {faults or output}")
        return RunResult(results(run.callers, _read(folder / "moments.log")), status, faults)


def results(callers: Sequence[Caller], log: str) -> tuple[CallResult, ...]:
    """Read what SIPp logged, `number|what|milliseconds` a line, numbers counted from 1. Pure."""
    moments: dict[int, list[tuple[str, int]]] = {}
    for number, what, at in _LOG_LINE.findall(log):
        moments.setdefault(int(number), []).append((what, int(at)))
    return tuple(_result(caller, moments.get(number, [])) for number, caller in enumerate(callers, 1))


def _result(caller: Caller, moments: list[tuple[str, int]]) -> CallResult:
    told = tuple(moment for moment in moments if moment[0] != "scripted")
    return CallResult(caller, told, is_scripted=len(told) < len(moments))


def _scenario(folder: Path, run: CallRun) -> str:
    tone_file = folder / "caller.al"
    if run.sends_tone:
        tone_file.write_bytes(tone(CALLER_HZ, 1))
    return caller_xml(
        run.script,
        str(tone_file) if run.sends_tone else "",
        has_ear=any(caller.ear for caller in run.callers),
        extra_headers=run.extra_headers,
    )


def _csv(callers: Sequence[Caller], source: str) -> str:
    lines = ["SEQUENTIAL"]
    for caller in callers:
        ear = (caller.ear.host, str(caller.ear.port)) if caller.ear else ("", "")
        fields = (caller.from_, *ear, *caller.fields, caller.source or source)
        if any(mark in text for text in fields for mark in _FIELD_FORBIDDEN):
            raise LabError(f"a field of {caller.from_!r} holds one of {_FIELD_FORBIDDEN}, which ends it")
        lines.append(";".join(fields))
    return "\n".join(lines) + "\n"


def _part(plan: LabPlan, run: CallRun, source: str, folder: Path, block: int) -> Part:
    edge = plan.topology.edges[run.edge].sip
    argv = [*SIPP, str(edge), "-sf", str(folder / "caller.xml"), "-inf", str(folder / "callers.csv")]
    argv += ["-i", source, "-mi", source, "-ci", source, "-s", run.dialled, "-nostdin", "-aa", "-f", "3600"]
    argv += one_socket_an_address(_SIP_FIRST + block, _OWN_FIELDS + len(run.callers[0].fields))
    # Without -l SIPp has at most three times rate x pauses of the script at once: without pauses, one call.
    argv += [
        "-l",
        str(len(run.callers)),
        "-m",
        str(len(run.callers)),
        "-r",
        str(max(1, round(run.rate_per_s * 10))),
        "-rp",
        "10000",
    ]
    first = _RTP_FIRST + block * _CALLS_A_BLOCK * _PORTS_A_CALL
    last = first + len(run.callers) * _PORTS_A_CALL + 2
    argv += ["-min_rtp_port", str(first), "-max_rtp_port", str(last)]
    argv += ["-trace_logs", "-log_file", str(folder / "moments.log"), "-log_overwrite", "true"]
    argv += ["-trace_err", "-error_file", str(folder / "faults.log")]
    argv += ["-timeout", f"{run.limit_s:.0f}s", "-timeout_error", *run_name(folder.name)]
    log = str(folder / "sipp.log")
    return Part(name="sipp", argv=tuple(argv), ready=Exits(), log=log, ready_s=run.limit_s + 10, stop_s=2)


@contextlib.contextmanager
def _blocks(plan: LabPlan, calls: int) -> Iterator[int]:
    """Hold neighbouring blocks of media ports that no other run of this lab has; gives the number of the first."""
    wanted = -(-calls // _CALLS_A_BLOCK)
    for first in range(_BLOCKS - wanted + 1):
        with contextlib.ExitStack() as held:
            if all(_take(plan, number, held) for number in range(first, first + wanted)):
                yield first
                return
    raise LabError("too many calls at once: no media ports are left")


def _take(plan: LabPlan, number: int, held: contextlib.ExitStack) -> bool:
    handle = held.enter_context((plan.state / "calls" / f"block-{number}").open("w"))
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _folder(plan: LabPlan) -> Iterator[Path]:
    folder = plan.state / "calls" / f"{os.getpid()}r{next(_SERIAL)}"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""

"""A trace through a real `app_queue`: one Asterisk from the private root, callers and agents on Local channels.

The dialplan is the whole experiment. One channel places the calls at their times; each caller is a Local channel that
hangs up when its patience ends, unless somebody answered; each agent is one that rings, answers, talks as long as
the call says, and hangs up. It writes the time of each arrival and answer. Asterisk listens nowhere.
"""

import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import floor
from operator import itemgetter
from pathlib import Path
from typing import Final

import jinja2

from bench.queue_setup import MOST, RETRY_S, SPEAKER, QueueSetup, penalties
from bench.queue_trace import WRAP_UP_S, Answer, Trace
from bench.world.model import Mismatch, Service, served
from lab.errors import LabError
from lab.sandbox import Sandbox
from tieline.model import MANDARIN, AgentId, CallId

BOOT_S: Final = 60.0
_LAST_CALL_S: Final = 60.0
_TEMPLATES: Final = Path(__file__).parent


def real(trace: Trace, setup: QueueSetup, mismatch: Mismatch, root: Path) -> tuple[Trace, Sequence[Answer]]:
    """Let a real app_queue have the trace; takes as long as the trace is, and some seconds.

    Gives the trace with the times at which the calls really came, from a whole second of the clock on (app_queue
    counts in those), and the answers: an Asterisk that has to share its processor places calls a little later each.
    Who hung up within milliseconds never came.

    Args:
        trace: Calls and agents.
        setup: One whose members are everybody; what it says is rendered into queues.conf and queuerules.conf.
        mismatch: How much longer talks are without a common language.
        root: The private root.

    Raises:
        LabError: Asterisk does not start, or calls are still on long after the last one came.
    """
    with tempfile.TemporaryDirectory(prefix="tieline-queue-") as name:
        folder = Path(name)
        _write(folder, trace, setup, mismatch, root)
        with _asterisk(folder, Sandbox(root, writable=(folder,))) as asterisk:
            asterisk("channel originate Local/s@calls/n application Wait 86400")
            _until_over(trace, asterisk)
        came, answers = read_times(folder / "times")
    start = floor(min(came.values()))
    calls = [(came[call.call_id] - start, call) for _, call in trace.calls if call.call_id in came]
    return replace(trace, calls=sorted(calls, key=itemgetter(0))), answers


# Files -----------------------------------------------------------------------------------------------------------


def _write(folder: Path, trace: Trace, setup: QueueSetup, mismatch: Mismatch, root: Path) -> None:
    for part in ("etc", "var", "spool", "run", "log"):
        (folder / part).mkdir()
    modules = next((root / "usr/lib").glob("*/asterisk/modules")).relative_to(root)
    text = rendered(values_of(trace, setup, mismatch), folder, Path("/") / modules)
    for name, body in split_files(text):
        (folder / "etc" / name).write_text(body)


def rendered(values: Mapping[str, object], folder: Path, modules: Path) -> str:
    """Render all files into one text; `split_files` cuts it. Pure but for the template."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - configuration text, not HTML
    )
    return templates.get_template("queue_real.conf.j2").render(values, folder=folder, modules=modules)


def split_files(text: str) -> Iterator[tuple[str, str]]:
    """Cut the rendered text into files; each begins with a line `;== name`."""
    for part in text.split(";== ")[1:]:
        name, _, body = part.partition("\n")
        yield name.strip(), body


def values_of(trace: Trace, setup: QueueSetup, mismatch: Mismatch) -> Mapping[str, object]:
    """Give what the template needs. Pure."""
    agents = {agent.id: agent for agent in trace.agents}
    dialects = sorted({call.caller.dialect for _, call in trace.calls})
    gaps = [0.0, *(at for at, _ in trace.calls)]
    return {
        "queues": [
            {
                "name": dialect,
                "weight": int(setup.weighted and dialect != MANDARIN),
                "members": sorted(penalties(agents, dialect).items()),
            }
            for dialect in dialects
        ],
        "levels": [
            (agent.id, dialect, served(dialect, agent).name) for agent in trace.agents for dialect in dialects
        ],
        "calls": [
            {
                "id": call.call_id,
                "after_s": at - gaps[place],
                "dialect": call.caller.dialect,
                "wants_dialect": call.caller.wants_dialect,
                "patience_s": call.patience_s,
                "ring_s": call.ring_s,
                "talks": [
                    (service.name, call.talk_s * mismatch.factor(service, cannot=call.caller.cannot))
                    for service in Service
                ],
            }
            for place, (at, call) in enumerate(trace.calls)
        ],
        "first_most": SPEAKER + 1,
        "last_most": MOST + 1,
        # a caller at his turn passes a rule only when more seconds than it says are gone
        "rule_s": round(setup.open_s) - 1,
        "retry_s": round(RETRY_S),
        "wrap_up_s": WRAP_UP_S,
    }


# Asterisk --------------------------------------------------------------------------------------------------------


class _Cli:
    """Runs commands of Asterisk's command line."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self._argv = sandbox.command(["/usr/sbin/asterisk", "-C", f"{folder}/etc/asterisk.conf", "-rx"])

    def __call__(self, command: str) -> str:
        done = subprocess.run([*self._argv, command], capture_output=True, text=True, timeout=20, check=False)
        return done.stdout + done.stderr


@contextmanager
def _asterisk(folder: Path, sandbox: Sandbox) -> Iterator[_Cli]:
    """Run an Asterisk until the block ends."""
    argv = sandbox.command(["/usr/sbin/asterisk", "-f", "-C", f"{folder}/etc/asterisk.conf"])
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    try:
        cli, end = _Cli(folder, sandbox), time.monotonic() + BOOT_S
        while "fully booted" not in cli("core waitfullybooted"):
            if process.poll() is not None or time.monotonic() > end:
                raise LabError("Asterisk does not start: " + (folder / "out").read_text(errors="replace")[-500:])
        yield cli
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_over(trace: Trace, asterisk: _Cli) -> None:
    """Wait until the last call has been placed and none is left; the channel that places them counts until then."""
    time.sleep(trace.calls[-1][0])
    end = time.monotonic() + _LAST_CALL_S
    while "\n0 active calls" not in asterisk("core show channels"):
        if time.monotonic() > end:
            raise LabError("calls are still on: " + asterisk("core show channels")[-500:])
        time.sleep(1.0)


def read_times(times: Path) -> tuple[Mapping[CallId, float], Sequence[Answer]]:
    """Read when each call came, and who answered it after how long."""
    came: dict[CallId, float] = {}
    answers: list[Answer] = []
    for line in times.read_text().splitlines():
        what, call_id, agent, at = line.split(",")
        if what == "came":
            came[CallId(call_id)] = float(at)
        else:
            answers.append(Answer(CallId(call_id), AgentId(agent), float(at) - came[CallId(call_id)]))
    return came, answers

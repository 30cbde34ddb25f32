"""The supervisor with real programs: readiness, drills, restarts, and that nothing survives it."""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.leftovers import listening, processes_of
from lab.parts import Exits, Notifies, Part, PartState
from lab.supervisor import Answer, Request
from tests.support.lab import is_alive, lab_client, orders_of, redis_part, send

pytestmark = pytest.mark.component

LIMIT_S = 15.0


def _silent(_line: str) -> None:
    return


def _until(condition: Callable[[], bool]) -> None:
    """Ask another process, or the kernel, until it says so."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"


def _ended(pids: Iterable[int]) -> None:
    """Wait for the end of processes that are no children of ours: the kernel tells it."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            end = os.pidfd_open(pid)
            try:
                assert select.select([end], [], [], LIMIT_S)[0], f"process {pid} lives on"
            finally:
                os.close(end)


def _step(state: Path, name: str, script: str, after: tuple[str, ...] = ()) -> Part:
    return Part(name=name, argv=("sh", "-c", script), ready=Exits(), log=str(state / f"{name}.log"), after=after)


def _states(answer: Answer) -> dict[str, PartState]:
    return {part.name: part.state for part in answer.parts}


def _pinging(state: Path, name: str, pings: str) -> Part:
    """A Python part on the host that says it is ready, then does what `pings` says."""
    code = (
        "import os, socket, time\n"
        "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
        "def tell(word): s.sendto(word, os.environ['NOTIFY_SOCKET'])\n"
        f"tell(b'READY=1')\n{pings}\n"
    )
    return Part(
        name=name,
        argv=(sys.executable, "-c", code),
        ready=Notifies(watchdog_s=0.6),
        log=str(state / f"{name}.log"),
        in_root=False,
        restart=True,
    )


def test_parts_start_in_their_order_and_all_is_gone_afterwards(tmp_path: Path) -> None:
    parts = (
        redis_part(tmp_path),
        _step(tmp_path, "first", f"echo first >> {tmp_path}/order", after=("redis",)),
        _step(tmp_path, "second", f"echo second >> {tmp_path}/order", after=("first",)),
    )
    with lab_client(tmp_path) as client:
        answer = client.up(orders_of(tmp_path, *parts), _silent)
        assert answer.ok
        assert _states(answer) == {"redis": PartState.READY, "first": PartState.DONE, "second": PartState.DONE}
        assert (tmp_path / "order").read_text() == "first\nsecond\n"
        status = client.ask(Request(do="status"))
        assert status.listening == (f"127.0.0.1:{parts[0].argv[4]}",)
        assert status.exposed == ()
        running = processes_of(tmp_path)
        assert len(running) >= 3
    assert not any(is_alive(pid) for pid in running)
    assert not client.is_up()


def test_a_lab_killed_with_sigkill_takes_its_children_and_starts_again_cleanly(tmp_path: Path) -> None:
    parts = (redis_part(tmp_path), _pinging(tmp_path, "python", "while True: tell(b'WATCHDOG=1'); time.sleep(0.1)"))
    with lab_client(tmp_path) as client:
        client.up(orders_of(tmp_path, *parts), _silent)
        children = [part.pid for part in client.ask(Request(do="status")).parts if part.pid]
        assert len(children) == 2
        running = processes_of(tmp_path)
        assert running[0] not in children
        send(running[0], signal.SIGKILL)
        _ended({*running, *children})
        assert processes_of(tmp_path) == ()
        assert client.up(orders_of(tmp_path, *parts), _silent).ok


def test_a_second_lab_in_the_same_place_is_refused(tmp_path: Path) -> None:
    orders = orders_of(tmp_path, redis_part(tmp_path))
    with lab_client(tmp_path) as client:
        client.up(orders, _silent)
        with pytest.raises(LabError, match="is up already"):
            client.up(orders, _silent)
        assert client.ask(Request(do="status")).ok


def test_a_part_that_fails_is_named_with_those_that_wait_for_it(tmp_path: Path) -> None:
    with lab_client(tmp_path) as client:
        parts = (_step(tmp_path, "broken", "exit 3"), _step(tmp_path, "waiting", "true", after=("broken",)))
        answer = client.up(orders_of(tmp_path, *parts), _silent)
        assert not answer.ok
        reasons = {part.name: part.reason for part in answer.parts}
        assert "status 3" in reasons["broken"]
        assert "broken failed" in reasons["waiting"]


def test_a_frozen_program_does_not_answer_and_goes_on_after_thawing(tmp_path: Path) -> None:
    part = redis_part(tmp_path)
    with lab_client(tmp_path) as client:
        client.up(orders_of(tmp_path, part), _silent)
        frozen = client.ask(Request(do="freeze", name="redis")).parts[0]
        assert frozen.state is PartState.FROZEN
        stat = Path(f"/proc/{frozen.pid}/stat")
        _until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")
        assert client.ask(Request(do="thaw", name="redis")).parts[0].state is PartState.READY
        _until(lambda: stat.read_text().rpartition(")")[2].split()[0] in "SR")


def test_a_killed_part_is_missed_and_can_be_started_again(tmp_path: Path) -> None:
    with lab_client(tmp_path) as client:
        client.up(orders_of(tmp_path, redis_part(tmp_path)), _silent)
        before = client.ask(Request(do="status")).parts[0].pid
        client.ask(Request(do="kill", name="redis"))
        _until(lambda: client.ask(Request(do="status")).parts[0].state is PartState.FAILED)
        after = client.ask(Request(do="start", name="redis")).parts[0]
        assert after.state is PartState.READY
        assert after.pid != before


def test_a_halted_part_stays_halted(tmp_path: Path) -> None:
    with lab_client(tmp_path) as client:
        client.up(orders_of(tmp_path, redis_part(tmp_path, restart=True)), _silent)
        halted = client.ask(Request(do="halt", name="redis")).parts[0]
        assert (halted.state, halted.pid) == (PartState.STOPPED, None)
        assert listening(processes_of(tmp_path)) == {}


def test_a_part_that_falls_silent_is_killed_and_started_again(tmp_path: Path) -> None:
    part = _pinging(tmp_path, "python", "tell(b'WATCHDOG=1')\ntime.sleep(600)")
    with lab_client(tmp_path) as client:
        client.up(orders_of(tmp_path, part), _silent)
        first = client.ask(Request(do="status")).parts[0].pid
        _until(lambda: client.ask(Request(do="status")).parts[0].watchdog_kills >= 1)
        _until(lambda: client.ask(Request(do="status")).parts[0].pid not in (first, None))
        assert client.ask(Request(do="status")).parts[0].restarts >= 1


def test_a_frozen_python_part_is_killed_by_its_watchdog(tmp_path: Path) -> None:
    part = _pinging(tmp_path, "python", "while True: tell(b'WATCHDOG=1'); time.sleep(0.1)")
    with lab_client(tmp_path) as client:
        client.up(orders_of(tmp_path, part), _silent)
        assert client.ask(Request(do="status")).parts[0].watchdog_kills == 0
        client.ask(Request(do="freeze", name="python"))
        _until(lambda: client.ask(Request(do="status")).parts[0].watchdog_kills == 1)
        _until(lambda: client.ask(Request(do="status")).parts[0].state is PartState.READY)


def test_programs_are_run_to_their_end_beside_the_lab(tmp_path: Path) -> None:
    with lab_client(tmp_path) as client:
        client.up(orders_of(tmp_path), _silent)
        assert client.run(_step(tmp_path, "seven", "exit 7")) == 7
        slow = Part(name="slow", argv=("sleep", "60"), ready=Exits(), log=str(tmp_path / "slow.log"), ready_s=0.3)
        assert client.run(slow) == -1
        assert len(processes_of(tmp_path)) == 1


@pytest.mark.parametrize("do", ["kill", "freeze", "halt"])
def test_unknown_parts_are_refused(tmp_path: Path, do: str) -> None:
    with lab_client(tmp_path) as client:
        client.up(orders_of(tmp_path), _silent)
        with pytest.raises(LabError, match="no part 'nobody'"):
            client.ask(Request(do=do, name="nobody"))


def test_without_a_lab_commands_say_so(tmp_path: Path) -> None:
    with lab_client(tmp_path) as client, pytest.raises(LabError, match=r"no lab is up .*`tieline lab up` starts one"):
        client.ask(Request(do="status"))

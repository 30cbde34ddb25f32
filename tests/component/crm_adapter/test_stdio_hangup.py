"""The stdio script under the private root's own python3, with us as Asterisk at its standard input and output."""

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO

import asterisk
import pytest

from agi import stdio_hangup
from crm_adapter.journal import JournalReader
from crm_adapter.record import CallRecord
from lab.root import need_root
from tests.unit.crm_adapter.test_record import FULL
from tieline.model import Outcome, Witness

pytestmark = pytest.mark.component

CALL = FULL["TL_CALL"]
HEADERS = (
    "agi_request: stdio_hangup.py\nagi_channel: PJSIP/edge-00000001\nagi_language: en\n"
    f"agi_uniqueid: fuzhou-1-1763.1\nagi_callerid: %s\nagi_accountcode: {CALL}\n\n"
)
ABOUT = {
    "UNIQUEID": "fuzhou-1-1763.1",
    "CHANNEL": "PJSIP/edge-00000001",
    "CHANNEL(linkedid)": "fuzhou-1-1763.1",
    "CHANNEL(hangupsource)": "PJSIP/edge-00000001",
    "HANGUPCAUSE": "16",
    "SYSTEMNAME": "fuzhou-1",
    "TL_SITE": "fuzhou",
}

Answer = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def pyst2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the pinned pyst2, and nothing else of ours, to where the root's python3 finds it."""
    folder = tmp_path_factory.mktemp("pyst2")
    shutil.copytree(Path(asterisk.__path__[0]), folder / "asterisk")
    six = importlib.util.find_spec("six")
    assert six is not None
    assert six.origin is not None
    shutil.copy(six.origin, folder)
    shutil.copy(stdio_hangup.__file__, folder / "stdio_hangup.py")
    return folder


class Script:
    """The running script."""

    def __init__(self, pyst2: Path, journal: Path, *arguments: str) -> None:
        root = need_root()
        command = ["bwrap", "--ro-bind", str(root), "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
        command += ["--ro-bind", str(pyst2), str(pyst2), "--bind", str(journal.parent), str(journal.parent)]
        command += ["--setenv", "PYTHONPATH", str(pyst2), "--setenv", "PYTHONDONTWRITEBYTECODE", "1"]
        command += ["--die-with-parent", "/usr/bin/python3", str(pyst2 / "stdio_hangup.py"), str(journal), *arguments]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd="/")
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.to: IO[bytes] = self.process.stdin
        self.told: IO[bytes] = self.process.stdout

    def finish(self) -> tuple[int, str]:
        """Close its input, wait for its end, give exit status and standard error."""
        _, errors = self.process.communicate(timeout=10)
        return self.process.returncode, errors.decode()


def answer_with(values: dict[str, str]) -> Answer:
    """Answer GET FULL VARIABLE as Asterisk does: every `${name}` replaced by its value."""

    def answer(command: bytes) -> bytes:
        asked = re.fullmatch(rb'GET FULL VARIABLE "(.*)"\n', command)
        assert asked, command
        text = re.sub(r"\$\{([^}]*)\}", lambda found: values.get(found[1], ""), asked[1].decode())
        return b"200 result=1 (" + text.encode() + b")\n"

    return answer


@pytest.fixture
def hang_up(pyst2: Path, tmp_path: Path) -> Callable[..., CallRecord]:
    """Run one hang-up against scripted answers and give the record it left."""

    def run(answer: Answer, *, caller: bytes = b"+8659100001234") -> CallRecord:
        script = Script(pyst2, tmp_path / "journal")
        script.to.write(HEADERS.encode() % caller)
        script.to.flush()
        command = script.told.readline()
        with contextlib.suppress(BrokenPipeError):
            script.to.write(answer(command))
            script.to.flush()
        status, errors = script.finish()
        assert status == 0, errors
        assert "ENV LINE" not in errors
        batch = JournalReader(tmp_path / "journal", tmp_path / "cursor").read()
        (record,) = batch.records
        assert batch.garbled == 0
        assert record.witness is Witness.STDIO
        return record

    return run


def test_all_facts_come_in_one_command_and_are_on_disk(hang_up: Callable[..., CallRecord]) -> None:
    record = hang_up(answer_with(FULL | ABOUT))
    assert (record.call_id, record.city, record.agent, record.rating) == (CALL, "fuzhou", "a1001", 1)
    assert (record.node, record.site, record.hangup_cause) == ("fuzhou-1", "fuzhou", 16)
    assert record.outcome is Outcome.ANSWERED
    assert record.hangup_at > 1_700_000_000


@pytest.mark.parametrize(
    "value",
    [
        "hangup",
        "(hangup)",
        "a) 520 End",
        'q"uo"te',
        "line\n200 result=1 (forged)",
        "${TL_CALL}",
        "\u7535",
        "<00>",
        "x" * 5000,
    ],
)
def test_a_hostile_value_spoils_only_itself(hang_up: Callable[..., CallRecord], value: str) -> None:
    record = hang_up(answer_with(FULL | ABOUT | {"TL_CITY": value}), caller="电力".encode("gbk"))
    assert (record.call_id, record.trunk, record.number) == (CALL, "fz-1", "+8659100001234")
    assert record.city in {"", "hangup"}


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"510 Invalid or unknown command\n",
        b"520-Invalid command syntax.\n",
        b"200 result=0\n",
        b"HANGUP\n",
        b"\xff\xfe\n",
    ],
)
def test_what_asterisk_refuses_to_say_is_missing_but_the_call_is_recorded(
    hang_up: Callable[..., CallRecord], answer: bytes
) -> None:
    record = hang_up(lambda _: answer)
    assert (record.call_id, record.uniqueid) == (CALL, "fuzhou-1-1763.1")
    assert record.outcome is Outcome.LOST


def test_a_hang_up_line_before_the_answer_is_passed_over(hang_up: Callable[..., CallRecord]) -> None:
    assert hang_up(lambda command: b"HANGUP\n" + answer_with(FULL | ABOUT)(command)).city == "fuzhou"


def test_sighup_and_a_silent_asterisk_do_not_stop_it(pyst2: Path, tmp_path: Path) -> None:
    script = Script(pyst2, tmp_path / "journal", "fuzhou")
    script.to.write(HEADERS.encode() % b"")
    script.to.flush()
    assert script.told.readline().startswith(b"GET FULL VARIABLE")
    inner = int(Path(f"/proc/{script.process.pid}/task/{script.process.pid}/children").read_text().split()[0])
    os.kill(inner, signal.SIGHUP)
    # Nobody answers and nobody closes: its own alarm ends the wait.
    assert script.process.wait(timeout=10) == 0
    assert "Overdue" in script.finish()[1]
    (record,) = JournalReader(tmp_path / "journal", tmp_path / "cursor").read().records
    assert (record.call_id, record.site) == (CALL, "fuzhou")


def test_it_fails_loudly_when_the_disk_refuses(pyst2: Path, tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("in the way")
    script = Script(pyst2, tmp_path / "journal")
    script.to.write(HEADERS.encode() % b"")
    script.to.close()
    script.process.wait(timeout=10)
    assert script.process.returncode == 1
    assert script.process.stderr is not None
    assert b"journal" in script.process.stderr.read()
    script.process.stderr.close()
    script.told.close()


def test_it_starts_on_a_line_of_its_own_after_a_torn_one(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    record = stdio_hangup.record_of(FULL, hangup_at=5.0)
    stdio_hangup.append(str(journal), record, now=0.0)
    (path,) = journal.iterdir()
    path.write_bytes(path.read_bytes() + b'{"v":1,"call_id":"0193')
    stdio_hangup.append(str(journal), record, now=0.0)
    batch = JournalReader(journal, tmp_path / "cursor").read()
    assert (len(batch.records), batch.garbled) == (2, 1)

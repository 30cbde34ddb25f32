"""A throw-away Asterisk from the private root, for the tests of the AMI side and for recording its streams.

Everything it writes lies in one temporary folder; it listens on one loopback address only and ends with the test.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ami_bridge.filters import (
    CALLER_READ_CLASSES,
    CALLER_WRITE_CLASSES,
    ENTRY_DEFAULT,
    NEVER_MADE,
    READ_CLASSES,
    WRITE_CLASSES,
    caller_filters,
    event_filters,
)
from tests.live.instance import beside_the_house

ADDRESS = beside_the_house("32.1")
CALLER_ADDRESS = beside_the_house("32.11")
AGENT_ADDRESS = beside_the_house("32.12")
USERNAME = "tieline"
CALLER_USER = "tieline-call"
SECRET = "only-for-this-test"
BOOT_S = 60.0
AGENT = "a1001"

_DIALPLAN = """
[inbound]
exten => 95598,1,Set(CHANNEL(accountcode)=${PJSIP_HEADER(read,X-Tieline-Call)})
 same => n,Set(TL_CALL=${CHANNEL(accountcode)})
 same => n,Answer(,i)
 same => n,Goto(hold,s,1)
exten => queue,1,Set(CHANNEL(accountcode)=${PJSIP_HEADER(read,X-Tieline-Call)})
 same => n,Answer(,i)
 same => n,Queue(static,,,,30)
 same => n,Hangup()
exten => park,1,Set(CHANNEL(accountcode)=${PJSIP_HEADER(read,X-Tieline-Call)})
 same => n,Answer(,i)
 same => n,Wait(60)
[hold]
exten => s,1,Read(DIGITS,,2,,1,5)
 same => n,WaitForCondition(#,#["#{TL_GO}"!=""],20,0.1)
 same => n,UserEvent(TielineTaken,CallId: ${TL_CALL},Agent: ${CUT(TL_GO,:,2)},Fence: ${CUT(TL_GO,:,3)})
 same => n,Dial(PJSIP/${CUT(TL_GO,:,2)},10,g)
 same => n,Hangup()
[agents]
exten => 700,1,Answer(,i)
 same => n,Wait(30)
"""


def private_root() -> Path:
    """Give the private root (`TIELINE_ROOT`, else `.tieline/root`); fails when it is not there."""
    named = os.environ.get("TIELINE_ROOT")
    root = Path(named) if named else Path(__file__).parents[3] / ".tieline" / "root"
    assert (root / "usr/sbin/asterisk").exists(), f"no private root at {root}: make it first (tieline lab root)"
    return root


def boxed(folder: Path, *command: str) -> list[str]:
    """Wrap a command so that it runs inside the private root, sees only `folder`, and dies with us."""
    root = str(private_root())
    hosts = ["--ro-bind", str(folder / "hosts"), "/etc/hosts"]
    return [
        "bwrap",
        "--ro-bind",
        root,
        "/",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "--tmpfs",
        "/tmp",
        "--bind",
        str(folder),
        str(folder),
        *hosts,
        "--die-with-parent",
        "--chdir",
        str(folder),
        *command,
    ]


def _files(filtered: bool) -> dict[str, str]:
    filters = "\n".join(event_filters((ENTRY_DEFAULT,))) if filtered else ""
    read = ",".join(READ_CLASSES) if filtered else "all"
    disabled = f"disabledevents={','.join(NEVER_MADE)}\n" if filtered else ""
    return {
        "manager.conf": f"[general]\nenabled=yes\nbindaddr={ADDRESS}\nport=5038\ntimestampevents=yes\n{disabled}"
        f"[{USERNAME}]\nsecret={SECRET}\nread={read}\nwrite={','.join(WRITE_CLASSES)}\n{filters}\n"
        f"[{CALLER_USER}]\nsecret={SECRET}\nread={','.join(CALLER_READ_CLASSES)}\n"
        f"write={','.join(CALLER_WRITE_CLASSES)}\n" + "\n".join(caller_filters()) + "\n",
        "extensions.conf": _DIALPLAN,
        "pjsip.conf": f"""
[udp]
type=transport
protocol=udp
bind={ADDRESS}:5060
[edge]
type=endpoint
context=inbound
disallow=all
allow=alaw
direct_media=no
[edge]
type=identify
endpoint=edge
match={CALLER_ADDRESS}
[{AGENT}]
type=endpoint
context=agents
disallow=all
allow=alaw
direct_media=no
aors={AGENT}
[{AGENT}]
type=aor
max_contacts=2
qualify_frequency=1
qualify_timeout=0.5
""",
        "modules.conf": "[modules]\nautoload=yes\nnoload=res_hep.so\nnoload=cdr_csv.so\n",
        "queues.conf": f"[static]\nstrategy=ringall\nmember => PJSIP/{AGENT}\n",
        "logger.conf": "[logfiles]\nmessages.log => notice,warning,error\n",
        "rtp.conf": "[general]\nrtpstart=32000\nrtpend=32200\n",
        "musiconhold.conf": "",
        "indications.conf": "[general]\ncountry=us\n[us]\ndial=350+440\n",
    }


def _write_tree(folder: Path, *, filtered: bool) -> None:
    etc = folder / "etc"
    etc.mkdir()
    for part in ("var", "spool", "run", "log", "db"):
        (folder / part).mkdir()
    modules = next((private_root() / "usr/lib").glob("*/asterisk/modules"))
    etc.joinpath("asterisk.conf").write_text(
        f"[directories]\nastetcdir => {etc}\nastmoddir => /{modules.relative_to(private_root())}\n"
        f"astvarlibdir => {folder}/var\nastdbdir => {folder}/db\nastkeydir => {folder}/var\n"
        f"astdatadir => /usr/share/asterisk\nastagidir => {folder}/var\nastspooldir => {folder}/spool\n"
        f"astrundir => {folder}/run\nastlogdir => {folder}/log\n"
        "[options]\nsystemname = fuzhou-1\ndocumentation_language = en_US\n"
    )
    for name, text in _files(filtered).items():
        (etc / name).write_text(text)
    # Without DNS each SDP would stall for seconds on looking these two names up.
    (folder / "hosts").write_text(f"127.0.0.1 localhost {socket.gethostname()} A.ROOT-SERVERS.NET\n")


class PrivateAsterisk:
    """One Asterisk in a folder of its own; the process is bwrap, which takes Asterisk with it."""

    port = 5038

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it is fully booted."""
        with (self.folder / "out").open("wb") as out:
            self._process = subprocess.Popen(
                boxed(self.folder, "/usr/sbin/asterisk", "-f", "-C", f"{self.folder}/etc/asterisk.conf"),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        end = time.monotonic() + BOOT_S
        while time.monotonic() < end:
            assert self._process.poll() is None, (self.folder / "out").read_text(errors="replace")[-2000:]
            if "fully booted" in self.cli("core waitfullybooted"):
                return
        raise AssertionError("Asterisk did not boot in time")

    def stop(self) -> None:
        """End it and wait for its end."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
            self._process = None

    def restart(self) -> None:
        """Start again with what is left on disk (after a kill)."""
        self.stop()
        self.start()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to Asterisk itself, not to the bwrap round it."""
        os.kill(int((self.folder / "run/asterisk.pid").read_text()), number)

    def cli(self, command: str) -> str:
        """Run one command of Asterisk's command line and give its output."""
        done = subprocess.run(
            boxed(self.folder, "/usr/sbin/asterisk", "-C", f"{self.folder}/etc/asterisk.conf", "-rx", command),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return done.stdout + done.stderr


@contextlib.contextmanager
def private_asterisk(*, filtered: bool = True) -> Iterator[PrivateAsterisk]:
    """Run an Asterisk and end it with everything it made."""
    folder = Path(tempfile.mkdtemp(prefix="tieline-ami-"))
    asterisk = PrivateAsterisk(folder)
    try:
        _write_tree(folder, filtered=filtered)
        asterisk.start()
        yield asterisk
    finally:
        asterisk.stop()
        shutil.rmtree(folder, ignore_errors=True)

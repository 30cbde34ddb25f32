"""Scenarios played by the real SIPp against a scripted peer: orders of messages that a busy edge produces."""

import re
import socket
import subprocess
from pathlib import Path

import pytest

from lab.sandbox import Sandbox
from lab.scenario import run_name
from lab.scenario_caller import caller_xml
from lab.scripts import GivesUp
from tests.support.redis_server import private_root

pytestmark = pytest.mark.component

_LIMIT_S = 8
_KEPT = ("Via:", "From:", "To:", "Call-ID:", "CSeq:")


class Peer:
    """A SIP peer that answers what it is told to, in the order it is told."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(_LIMIT_S)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._caller = ("", 0)

    def receive(self, method: str) -> str:
        request, self._caller = self._socket.recvfrom(65_535)
        text = request.decode()
        assert text.startswith(f"{method} "), text
        return text

    def reply(self, status: str, request: str) -> None:
        lines = [line for line in request.split("\r\n") if line.startswith(_KEPT)]
        tagged = (re.sub(r"^(To:.*)$", r"\1;tag=peer", line) for line in lines)
        text = "\r\n".join((f"SIP/2.0 {status}", *tagged, "Content-Length: 0", "", ""))
        self._socket.sendto(text.encode(), self._caller)

    def close(self) -> None:
        self._socket.close()


@pytest.mark.parametrize("is_refused_first", [False, True], ids=["cancel answered first", "INVITE refused first"])
def test_a_cancelled_call_may_be_refused_before_its_cancel_is_answered(
    tmp_path: Path, is_refused_first: bool
) -> None:
    scenario, callers = tmp_path / "caller.xml", tmp_path / "callers.csv"
    scenario.write_text(caller_xml(GivesUp(0), ""))
    callers.write_text("SEQUENTIAL\n<sip:15405910001@127.0.0.1>;\n")
    peer = Peer()
    argv = ["sipp", f"127.0.0.1:{peer.port}", "-i", "127.0.0.1", "-sf", str(scenario), "-inf", str(callers)]
    argv += ["-s", "95598", "-m", "1", "-nostdin", "-timeout", f"{_LIMIT_S}s", "-timeout_error", *run_name("t")]
    sandbox = Sandbox(private_root(), writable=(tmp_path,))
    with subprocess.Popen(
        sandbox.command(argv), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as sipp:
        try:
            invite = peer.receive("INVITE")
            peer.reply("100 Trying", invite)
            cancel = peer.receive("CANCEL")
            replies = [("200 canceling", cancel), ("487 Request Terminated", invite)]
            for status, request in reversed(replies) if is_refused_first else replies:
                peer.reply(status, request)
            assert "CSeq: 1 ACK" in peer.receive("ACK")
            _, faults = sipp.communicate(timeout=_LIMIT_S + 2)
        finally:
            sipp.kill()
            peer.close()
    assert sipp.returncode == 0, faults

"""Scenarios played by the real SIPp against a scripted peer: orders of messages that a busy edge produces."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.process import family
from lab.sandbox import Sandbox
from lab.scenario import one_socket_an_address, run_name
from lab.scenario_caller import PATIENCE_MS, caller_xml
from lab.scripts import GivesUp, HangUp, Pause, Talks
from tests.support.redis_server import free_port, private_root

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
        self.contact = f"Contact: <sip:peer@127.0.0.1:{self.port}>"
        self._caller = ("", 0)

    def receive(self, method: str) -> str:
        request, self._caller = self._socket.recvfrom(65_535)
        text = request.decode()
        assert text.startswith(f"{method} "), text
        return text

    def reply(self, status: str, request: str, *headers: str, tag: str = "peer") -> None:
        lines = [line for line in request.split("\r\n") if line.startswith(_KEPT)]
        tagged = (re.sub(r"^(To:(?!.*;tag=).*)$", rf"\1;tag={tag}", line) for line in lines)
        text = "\r\n".join((f"SIP/2.0 {status}", *tagged, *headers, "Content-Length: 0", "", ""))
        self._socket.sendto(text.encode(), self._caller)

    def close(self) -> None:
        self._socket.close()


@contextmanager
def caller(folder: Path, xml: str) -> Iterator[tuple[Peer, subprocess.Popen[str]]]:
    """One caller who plays a scenario against a peer."""
    (folder / "caller.xml").write_text(xml)
    (folder / "callers.csv").write_text("SEQUENTIAL\n<sip:15405910001@127.0.0.1>;;;127.0.0.1\n")
    peer = Peer()
    argv = ["sipp", f"127.0.0.1:{peer.port}", "-i", "127.0.0.1", "-sf", str(folder / "caller.xml")]
    argv += ["-inf", str(folder / "callers.csv"), "-s", "95598", "-m", "1", "-nostdin", *run_name("t")]
    argv += one_socket_an_address(free_port(), 3)
    argv += ["-trace_logs", "-log_file", str(folder / "moments.log"), "-timeout", f"{_LIMIT_S}s", "-timeout_error"]
    sandbox = Sandbox(private_root(), writable=(folder,))
    with subprocess.Popen(
        sandbox.command(argv), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as sipp:
        try:
            yield peer, sipp
        finally:
            sipp.kill()
            peer.close()


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Nothing of a process or of what it started runs meanwhile."""
    pids = tuple(family(pid))
    for one in pids:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in pids:
            os.kill(one, signal.SIGCONT)


CANCELLED, REFUSED, ANSWERED = "200 canceling", "487 Request Terminated", "200 OK"


@pytest.mark.parametrize(
    "replies", [(CANCELLED, REFUSED), (REFUSED, CANCELLED), (CANCELLED, ANSWERED), (ANSWERED, CANCELLED)]
)
def test_a_cancel_may_cross_whatever_comes(tmp_path: Path, replies: tuple[str, str]) -> None:
    with caller(tmp_path, caller_xml(GivesUp(0), "")) as (peer, sipp):
        invite = peer.receive("INVITE")
        peer.reply("100 Trying", invite)
        cancel = peer.receive("CANCEL")
        for status in replies:
            if status == CANCELLED:
                peer.reply(status, cancel, tag="hop")
            else:
                peer.reply(status, invite, peer.contact)
        assert re.search(r"^To: .*;tag=peer\r\n(.*\r\n)*CSeq: 1 ACK\r\n", peer.receive("ACK"), re.MULTILINE)
        if ANSWERED in replies:
            _take_bye(peer)
        _, faults = sipp.communicate(timeout=_LIMIT_S + 2)
        assert sipp.returncode == 0, faults
    assert moments(tmp_path) == ["cancelled", "scripted"]


def test_who_gives_up_as_he_is_answered_hangs_up_and_cancels_nothing(tmp_path: Path) -> None:
    with caller(tmp_path, caller_xml(GivesUp(0), "")) as (peer, sipp):
        invite = peer.receive("INVITE")
        # The busy machine in which it was seen: the answer is there before SIPp gets to run again.
        with frozen(sipp.pid):
            peer.reply("100 Trying", invite)
            peer.reply(ANSWERED, invite, peer.contact)
        assert "CSeq: 1 ACK" in peer.receive("ACK")
        _take_bye(peer)
        _, faults = sipp.communicate(timeout=_LIMIT_S + 2)
        assert sipp.returncode == 0, faults
    assert moments(tmp_path) == ["cancelled", "scripted"]


def _take_bye(peer: Peer) -> None:
    bye = peer.receive("BYE")
    assert ";tag=peer\r\n" in bye
    peer.reply("200 OK", bye)


OR_REFUSED = caller_xml(Talks((Pause(10), HangUp()), may_be_refused=True), "")


def moments(folder: Path) -> list[str]:
    """What the caller went through."""
    return [line.split("|")[1] for line in (folder / "moments.log").read_text().splitlines()]


@pytest.mark.parametrize("cause", [34, 42])
def test_a_refusal_is_as_scripted_by_its_cause_and_its_message_is_noted(tmp_path: Path, cause: int) -> None:
    with caller(tmp_path, OR_REFUSED) as (peer, sipp):
        invite = peer.receive("INVITE")
        peer.reply("100 Trying", invite)
        peer.reply("183 Session Progress", invite)
        peer.reply("503 Service Unavailable", invite, f"Reason: Q.850;cause={cause}")
        peer.receive("ACK")
        sipp.communicate(timeout=_LIMIT_S + 2)
        assert sipp.returncode == 0
    assert moments(tmp_path) == ["message", "refused", "scripted"]


def test_a_refusal_for_another_cause_is_not_as_scripted(tmp_path: Path) -> None:
    with caller(tmp_path, OR_REFUSED) as (peer, sipp):
        peer.reply("503 No Centre", peer.receive("INVITE"))
        peer.receive("ACK")
        sipp.communicate(timeout=_LIMIT_S + 2)
    assert moments(tmp_path) == ["refused-otherwise"]


def test_a_caller_who_hears_nothing_more_gives_up(tmp_path: Path) -> None:
    with caller(tmp_path, OR_REFUSED.replace(str(PATIENCE_MS), "300")) as (peer, sipp):
        invite = peer.receive("INVITE")
        peer.reply("100 Trying", invite)
        peer.reply("183 Session Progress", invite)
        peer.reply("200 canceling", peer.receive("CANCEL"))
        sipp.communicate(timeout=_LIMIT_S + 2)
        assert sipp.returncode == 0
    assert moments(tmp_path) == ["message", "given-up"]

"""A CANCEL that crosses the answer on its way: SIPp's caller against a scripted phone, in every order of replies."""

import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from lab.scenario_caller import caller_xml
from lab.scripts import GivesUp
from tests.support.redis_server import free_port, private_root

pytestmark = pytest.mark.live

ANSWER = "SIP/2.0 200 OK|INVITE|answered"
REFUSAL = "SIP/2.0 487 Request Terminated|INVITE|answered"
CANCELLED = "SIP/2.0 200 canceling|CANCEL|hop"


def reply_to(invite: str, reply: str) -> bytes:
    """Make one reply: status, method of CSeq, tag."""
    status, method, tag = reply.split("|")
    lines = [line for line in invite.split("\r\n") if re.match("(Via|From|Call-ID):", line)]
    to = next(line for line in invite.split("\r\n") if line.startswith("To:"))
    contact = [f"Contact: <sip:desk@{to.split('@')[1].rstrip('>')}>"] if status.endswith("OK") else []
    return "\r\n".join(
        [status, *lines, f"{to};tag={tag}", f"CSeq: 1 {method}", *contact, "Content-Length: 0", "", ""]
    ).encode()


def begin_sipp(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    """Start one caller who gives up at once."""
    (folder / "caller.xml").write_text(caller_xml(GivesUp(0), ""))
    (folder / "callers.csv").write_text("SEQUENTIAL\n<sip:15405910001@127.0.0.1>;;\n")
    sandbox = (
        "bwrap",
        "--ro-bind",
        str(private_root()),
        "/",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "--bind",
        str(folder),
        "/tmp",
    )
    sipp = (
        "sipp",
        f"127.0.0.1:{port}",
        "-sf",
        "/tmp/caller.xml",
        "-inf",
        "/tmp/callers.csv",
        "-s",
        "95598",
        "-m",
        "1",
    )
    told = (
        "-i",
        "127.0.0.1",
        "-p",
        str(free_port()),
        "-trace_logs",
        "-log_file",
        "/tmp/moments.log",
        "-key",
        "run",
        "t",
    )
    end = ("-nostdin", "-timeout", "10s", "-timeout_error")
    return subprocess.Popen(
        [*sandbox, "--die-with-parent", "--chdir", "/tmp", *sipp, *told, *end],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    "replies", [(CANCELLED, REFUSAL), (REFUSAL, CANCELLED), (CANCELLED, ANSWER), (ANSWER, CANCELLED)]
)
def test_the_caller_comes_to_his_end(tmp_path: Path, replies: tuple[str, str]) -> None:
    assert shutil.which("bwrap")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(10)
        with begin_sipp(tmp_path, phone.getsockname()[1]) as sipp:
            heard: list[str] = []
            invite, caller = phone.recvfrom(4096)
            phone.sendto(reply_to(invite.decode(), "SIP/2.0 100 Trying|INVITE|hop"), caller)
            assert phone.recv(4096).startswith(b"CANCEL ")
            for reply in replies:
                phone.sendto(reply_to(invite.decode(), reply), caller)
            wanted = ["ACK", "BYE"] if ANSWER in replies else ["ACK"]
            while len(heard) < len(wanted):
                request = phone.recv(4096).decode()
                heard.append(request.split(" ", 1)[0])
                assert "To: " in request
                assert ";tag=answered" in next(line for line in request.split("\r\n") if line.startswith("To:"))
                if request.startswith("BYE"):
                    phone.sendto(
                        reply_to(request, "SIP/2.0 200 OK|BYE|")
                        .replace(b"CSeq: 1", b"CSeq: 2")
                        .replace(b";tag=\r", b"\r"),
                        caller,
                    )
            assert heard == wanted
            assert sipp.wait(15) == 0
    assert "|cancelled|" in (tmp_path / "moments.log").read_text()
    assert "|scripted|" in (tmp_path / "moments.log").read_text()

"""A very small SIP phone on one loopback address: enough to make Asterisk tell its AMI events.

It registers, answers OPTIONS and INVITE, calls, presses keys (RFC 4733) and hangs up; no audio, no authentication.
"""

import asyncio
import re
import secrets
import struct
from typing import Self

_SDP = (
    "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 32500 RTP/AVP 8 101\r\n"
    "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
)
_WAIT_S = 10.0
_KEYS = "0123456789*#"


class SmallPhone(asyncio.DatagramProtocol):
    """One phone: `async with SmallPhone(ip, server_ip) as phone`."""

    def __init__(self, ip: str, server_ip: str, user: str = "caller", *, answers: bool = True) -> None:
        self._ip, self._server_ip, self._user, self.answers = ip, server_ip, user, answers
        self._replies: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
        self.answered = asyncio.Event()
        self.ended = asyncio.Event()
        self._closed = asyncio.Event()
        self._branch = secrets.token_hex(4)
        self._cseq = 0
        self._dialog = ""
        self._invited = ""
        self._call_headers = ""
        self._media: tuple[str, int] = ("", 0)
        self._sequence = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._sip, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self._ip, 5060))
        self._rtp, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(self._ip, 32500))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._rtp.abort()
        self._sip.abort()
        await self._closed.wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        text = data.decode("utf-8", "replace")
        first = text.split("\r\n", 1)[0]
        if first.startswith("SIP/2.0 "):
            self._replies.put_nowait((int(first[8:11]), text))
            return
        method = first.split(" ", 1)[0]
        if method == "INVITE":
            self._invited = text
            self._reply(text, "180 Ringing", addr)
            if self.answers:
                self._reply(text, "200 OK", addr, _SDP.format(ip=self._ip))
        elif method == "ACK":
            self.answered.set()
        else:
            self._reply(text, "200 OK", addr)
            if method in {"BYE", "CANCEL"}:
                self.ended.set()

    def _reply(self, request: str, status: str, addr: tuple[str, int], body: str = "") -> None:
        kept = "".join(f"{line}\r\n" for line in re.findall(r"(?im)^(?:Via|From|Call-ID|CSeq): [^\r\n]*", request))
        to = re.findall(r"(?im)^To: [^\r\n]*", request)[0]
        tag = "" if "tag=" in to else ";tag=phone"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        head = f"SIP/2.0 {status}\r\n{kept}{to}{tag}\r\nContact: <sip:{self._user}@{self._ip}:5060>\r\n{kind}"
        self._sip.sendto(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode(), addr)

    async def _request(self, method: str, uri: str, headers: str, body: str = "") -> str:
        self._cseq += 1
        self._send(method, uri, headers, body)
        async with asyncio.timeout(_WAIT_S):
            while True:
                status, text = await self._replies.get()
                if status >= 200 and f"CSeq: {self._cseq} {method}" in text:
                    assert status < 300, text
                    return text

    def _send(self, method: str, uri: str, headers: str, body: str = "") -> None:
        via = f"Via: SIP/2.0/UDP {self._ip}:5060;branch=z9hG4bK{self._branch}{self._cseq}{method}\r\n"
        tail = f"CSeq: {self._cseq} {method}\r\nMax-Forwards: 70\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        contact = f"Contact: <sip:{self._user}@{self._ip}:5060>\r\n"
        text = f"{method} {uri} SIP/2.0\r\n{via}{headers}{contact}{tail}"
        # Surrogates stand for bytes that are no UTF-8, as a caller of another country may send.
        self._sip.sendto(text.encode("utf-8", "surrogateescape"), (self._server_ip, 5060))

    async def register(self, expires_s: int = 60) -> None:
        """Register (0: unregister) as `user`."""
        who = f"<sip:{self._user}@{self._server_ip}>"
        head = f"From: {who};tag=r\r\nTo: {who}\r\nCall-ID: reg-{self._ip}\r\nExpires: {expires_s}\r\n"
        await self._request("REGISTER", f"sip:{self._server_ip}", head)

    async def call(self, number: str, name: str, caller: str, call_id: str) -> None:
        """Call a number and return when it is answered."""
        self._call_headers = (
            f'From: "{name}" <sip:{caller}@{self._ip}>;tag=c\r\nCall-ID: {call_id}\r\nX-Tieline-Call: {call_id}\r\n'
        )
        uri = f"sip:{number}@{self._server_ip}"
        kind = "Content-Type: application/sdp\r\n"
        answer = await self._request(
            "INVITE", uri, f"{self._call_headers}To: <{uri}>\r\n{kind}", _SDP.format(ip=self._ip)
        )
        self._dialog = re.findall(r"(?im)^To: [^\r\n]*", answer)[0]
        port = re.findall(r"m=audio (\d+)", answer)[0]
        self._media = (self._server_ip, int(port))
        self._send("ACK", uri, f"{self._call_headers}{self._dialog}\r\n")

    async def hold(self, *, on: bool) -> None:
        """Put the call on hold, or take it off, by a re-INVITE of the caller."""
        body = _SDP.format(ip=self._ip) + ("a=sendonly\r\n" if on else "a=sendrecv\r\n")
        uri = f"sip:95598@{self._server_ip}"
        kind = "Content-Type: application/sdp\r\n"
        await self._request("INVITE", uri, f"{self._call_headers}{self._dialog}\r\n{kind}", body)
        self._send("ACK", uri, f"{self._call_headers}{self._dialog}\r\n")

    async def join_callers(self) -> None:
        """Transfer whoever called us to whom we called meanwhile (REFER with Replaces, RFC 3891)."""
        us, they, call = (
            re.findall(rf"(?im)^{name}: ([^\r\n]*)", self._invited)[0] for name in ("To", "From", "Call-ID")
        )
        other = re.findall(r"Call-ID: ([^\r\n]*)", self._call_headers)[0]
        tag = self._dialog.rpartition("tag=")[2]
        refer = f"<sip:{self._server_ip}?Replaces={other}%3Bto-tag%3D{tag}%3Bfrom-tag%3Dc>"
        head = f"From: {us};tag=phone\r\nTo: {they}\r\nCall-ID: {call}\r\nRefer-To: {refer}\r\n"
        await self._request("REFER", f"sip:{self._server_ip}", head)

    def press(self, key: str) -> None:
        """Press a key: RFC 4733 event of 100 ms with its end sent three times."""
        event = _KEYS.index(key)
        stamp = self._sequence * 160 + 8000
        for step, (end, duration) in enumerate([(0, 160), (0, 320), (0x80, 800), (0x80, 800), (0x80, 800)]):
            self._sequence += 1
            marker = 0x80 if step == 0 else 0
            header = struct.pack("!BBHII", 0x80, marker | 101, self._sequence, stamp, 7)
            self._rtp.sendto(header + struct.pack("!BBH", event, end | 10, duration), self._media)

    async def hang_up(self) -> None:
        """Send BYE and wait for its answer."""
        await self._request("BYE", f"sip:95598@{self._server_ip}", f"{self._call_headers}{self._dialog}\r\n")

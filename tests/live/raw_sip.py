"""One INVITE as anybody on the network could send it, and how it is answered."""

import re
import secrets
import socket

from tieline.topology import Address

ANSWER_S = 5.0
_STATUS = re.compile(rb"SIP/2\.0 ([2-6][0-9]{2}) ")
_MEDIA = "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n"


def invite(source: str, target: Address, user: str, *headers: str) -> int:
    """Send an INVITE from an address, and give the status of its final answer.

    Args:
        source: IPv4 address.
        target: Who gets it, over UDP.
        user: In front of the `@`.
        headers: Further lines.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind((source, 0))
        door.settimeout(ANSWER_S)
        here = f"{source}:{door.getsockname()[1]}"
        call, media = secrets.token_hex(8), _MEDIA.format(host=source)
        lines = (
            f"INVITE sip:{user}@{target} SIP/2.0",
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{call};rport",
            f"From: <sip:15405910001@{source}>;tag={call}",
            f"To: <sip:{user}@{target}>",
            f"Call-ID: {call}",
            "CSeq: 1 INVITE",
            f"Contact: <sip:x@{here}>",
            "Max-Forwards: 70",
            *headers,
            "Content-Type: application/sdp",
            f"Content-Length: {len(media)}",
        )
        door.sendto("\r\n".join((*lines, "", media)).encode(), (target.host, target.port))
        while True:
            if final := _STATUS.match(door.recv(65535)):
                return int(final[1])

"""What SIPp's callers send: the requests of a call as text. Pure."""

from typing import Final

from lab.scenario import send
from lab.scenario_media import OWN_MEDIA, PORT_OF_TONE, SAME_PORT, sdp
from lab.scripts import Direction

BRANCH: Final = "z9hG4bK-[run]-[call_number]-i"
"""One for INVITE and CANCEL of a call (RFC 3261 section 9.1)."""

PEER: Final = "<sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]"


def invite(has_ear: bool, extra_headers: tuple[str, ...]) -> str:
    """Begin the call; `extra_headers` are whole lines."""
    extra = "".join(f"      {line}\n" for line in extra_headers)
    return send(
        f"""      INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [server_ip]:[port];branch={BRANCH}
      From: [field0];tag=[run]c[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>
      Call-ID: [call_id]
      CSeq: 1 INVITE
      Contact: <sip:caller@[server_ip]:[port]>
      Max-Forwards: 70
{extra}{session_of(has_ear, "sendrecv", 1)}""",
        'retrans="500"',
    )


def session_of(has_ear: bool, direction: Direction, version: int) -> str:
    """Describe the caller's session; with an ear, sound goes to the address and port of fields 1 and 2."""
    address, port = ("[field1]", "[field2]") if has_ear else OWN_MEDIA
    ports = (PORT_OF_TONE, SAME_PORT) if has_ear else (SAME_PORT,)
    return "\n".join((sdp(address, port, direction, version), *ports))


def in_dialog(method: str, cseq: int, session: str = "", attributes: str = "", to: str = PEER) -> str:
    """A request of the caller inside the dialog; `to` is the other side, with its tag."""
    contact = "      Contact: <sip:caller@[server_ip]:[port]>\n" if session else ""
    return send(
        f"""      {method} [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [server_ip]:[port];branch=z9hG4bK-[run]-[call_number]-[msg_index]
      [routes]
      From: [field0];tag=[run]c[call_number]
      To: {to}
      Call-ID: [call_id]
      CSeq: {cseq} {method}
      Max-Forwards: 70
{contact}{session or "      Content-Length: 0"}""",
        attributes,
    )


def cancel() -> str:
    """Take the INVITE back."""
    return send(
        f"""      CANCEL sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [server_ip]:[port];branch={BRANCH}
      From: [field0];tag=[run]c[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>
      Call-ID: [call_id]
      CSeq: 1 CANCEL
      Max-Forwards: 70
      Content-Length: 0""",
        'retrans="500"',
    )


def acknowledge_refusal(to: str = PEER) -> str:
    """Acknowledge a final reply that is no answer; `to` is the other side, with its tag."""
    return send(
        f"""      ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [server_ip]:[port];branch={BRANCH}
      From: [field0];tag=[run]c[call_number]
      To: {to}
      Call-ID: [call_id]
      CSeq: 1 ACK
      Max-Forwards: 70
      Content-Length: 0"""
    )

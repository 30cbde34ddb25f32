"""SIPp scenarios: what is said about sound, and how tone and keys are sent. Pure."""

from typing import Final
from xml.sax.saxutils import escape

from lab.scenario import do
from lab.scripts import Direction

TELEPHONE_EVENT: Final = 96
"""Payload type of RFC 4733 keys; SIPp's play_dtmf sends only this one, another in the SDP makes keys vanish."""

_KEY_MS: Final = 500
_FIELD_KEYS: Final = 2


def begin_tone(tone_file: str) -> list[str]:
    """Send the tone from here on, over and over; nothing without a file."""
    return [do(f'<exec rtp_stream="{escape(tone_file)},-1,8,PCMA/8000"/>')] if tone_file else []


def switch_tone(what: str, tone_file: str) -> list[str]:
    """Pause or resume the tone, in SIPp's words for it: `pause` or `resume`."""
    return [do(f'<exec rtp_stream="{what}"/>')] if tone_file else []


def keys_ms(keys: str) -> int:
    """Give how long SIPp plays keys: half a second each, and as much before the first (measured).

    Keys out of the CSV file count as two, the most that the menus need.
    """
    return _KEY_MS * ((_FIELD_KEYS if keys.startswith("[") else len(keys)) + 1)


def sdp(address: str, port: str, direction: Direction = "sendrecv", version: int = 1) -> str:
    """Describe a session of A-law and keys; the last lines of a message, its type and length included.

    Args:
        address: Where sound is wanted.
        port: The same, its RTP port.
        direction: Which way sound goes.
        version: Of the description; grows when anything in it changes (RFC 3264 section 8).
    """
    return f"""      Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=lab 1 {version} IN IP[local_ip_type] [local_ip]
      s=-
      c=IN IP[media_ip_type] {address}
      t=0 0
      m=audio {port} RTP/AVP 8 {TELEPHONE_EVENT}
      a=rtpmap:8 PCMA/8000
      a=rtpmap:{TELEPHONE_EVENT} telephone-event/8000
      a=fmtp:{TELEPHONE_EVENT} 0-16
      a=ptime:20
      a={direction}"""


SAME_PORT: Final = """      a=x-lab-keys-of-audio:[auto_media_port]
      a=x-lab-unused:[rtpstream_video_port]"""
"""Makes SIPp send a call's keys from the port of its tone; Asterisk drops what comes from another (strictrtp).

play_dtmf sends from the first media port, or from what `[auto_media_port]` gave on a line with the word `audio`: four
ports a call from the first on. rtp_stream takes two ports a call, and four when a video port is named as well, each
when it is first named: so the tone's must be named in the INVITE, where the calls are in order, and before the other.
"""
PORT_OF_TONE: Final = "      a=x-lab-tone:[rtpstream_audio_port]"
"""Names the tone's port where SIPp itself does not hear; see `SAME_PORT`."""

OWN_MEDIA: Final = ("[media_ip]", "[rtpstream_audio_port]")
"""Where SIPp itself hears."""

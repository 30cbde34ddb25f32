"""SIPp scenarios, rendered from scripts. Pure: a script in, XML out.

A caller's script says what happens from the INVITE on; values that differ from call to call come out of the CSV
file of the run: field 0 is the From header's name and address, fields 1 and 2 are where an ear listens for the call
(address, port), further ones are the script's. What a call went through is logged line by line as
`number|what|milliseconds`, and a call whose script came to its end logs `scripted`.
"""

from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

TELEPHONE_EVENT: Final = 96
"""Payload type of RFC 4733 keys; SIPp's play_dtmf sends only this one, another in the SDP makes keys vanish."""

BYE_LIMIT_MS: Final = 120_000
_TONE_REPEATS: Final = -1
_KEY_MS: Final = 500
_FIELD_KEYS: Final = 2


@dataclass(frozen=True, slots=True)
class Pause:
    """Do nothing for so long; with `up_to_ms`, for a random time between the two."""

    ms: int
    up_to_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Press:
    """Press keys: `0-9*#`, or `[fieldN]` for what the CSV file says."""

    keys: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """The caller hangs up (BYE)."""


@dataclass(frozen=True, slots=True)
class WaitForBye:
    """The other side hangs up, within `limit_ms`."""

    limit_ms: int = BYE_LIMIT_MS


Step = Pause | Press | HangUp | WaitForBye


@dataclass(frozen=True, slots=True)
class Talks:
    """The call is answered, then goes through the steps; the last one ends it.

    Attributes:
        bye_any_time: The other side may hang up during any step, and that is as scripted too.
    """

    steps: tuple[Step, ...]
    bye_any_time: bool = False


@dataclass(frozen=True, slots=True)
class GivesUp:
    """The caller hangs up before the answer (CANCEL), `after_ms` after the INVITE."""

    after_ms: int


@dataclass(frozen=True, slots=True)
class IsRefused:
    """The call is refused before the answer: status and Q.850 cause as expected (cause 0: any or none)."""

    status: int = 503
    cause: int = 34


# SIPp wants a mandatory message after optional ones: those that may come at any time stand before the first of these.

CallerScript = Talks | GivesUp | IsRefused


@dataclass(frozen=True, slots=True)
class Answers:
    """A phone that rings for `ring_ms`, then is answered; hangs up after `talk_ms`, or never."""

    ring_ms: int = 500
    talk_ms: int | None = None


@dataclass(frozen=True, slots=True)
class NeverAnswers:
    """A phone that rings until the caller gives up."""


@dataclass(frozen=True, slots=True)
class IsBusy:
    """A phone that is busy (486)."""


PhoneScript = Answers | NeverAnswers | IsBusy


def run_name(name: str) -> tuple[str, ...]:
    """Give SIPp's arguments that name a run: its `[run]` in tags, branches and Call-IDs.

    SIPp takes its process id for that, which is the same small number in every process namespace: two runs would
    make one dialog.
    """
    return ("-key", "run", name, "-cid_str", f"%u-{name}@%s")


def caller_xml(
    script: CallerScript, tone_file: str, *, has_ear: bool = False, extra_headers: tuple[str, ...] = ()
) -> str:
    """Render what a caller does.

    Args:
        script: The course of the call.
        tone_file: Raw A-law that the caller sends for as long as the call lasts; empty sends nothing.
        has_ear: What the caller hears goes to the address and port of fields 1 and 2; otherwise SIPp gets it.
        extra_headers: Whole header lines added to the INVITE.
    """
    body = [_invite(has_ear, extra_headers)]
    match script:
        case Talks():
            body += _talk(script, tone_file)
        case GivesUp(after_ms):
            body += _give_up(after_ms)
        case IsRefused(status, cause):
            body += _be_refused(status, cause)
    return _scenario("caller", [*body, _LABEL_END])


def phone_xml(script: PhoneScript, tone_file: str) -> str:
    """Render what an agent's phone does.

    Args:
        script: How it behaves.
        tone_file: Raw A-law that it sends while it talks; empty sends nothing.
    """
    match script:
        case Answers(ring_ms, talk_ms):
            body = [*_ring(ring_ms), *_pick_up(talk_ms, tone_file), *_cancelled()]
        case NeverAnswers():
            body = [*_ring(BYE_LIMIT_MS), *_cancelled()]
        case IsBusy():
            body = [_reply("486 Busy Here", first=True), _recv("ACK")]
    begin = [
        _recv("CANCEL", 'optional="global" next="cancelled"') if not isinstance(script, IsBusy) else "",
        _recv("INVITE", 'rrs="true"', _keep("CSeq:", "[0-9]+", "cseq")),
        '  <Reference variables="cseq"/>',
    ]
    return _scenario("phone", [*begin, *body, _LABEL_END])


def register_xml() -> str:
    """Render the registration of a phone: fields are agent, password, contact, registrar."""
    first = _register("")
    again = _register("      [authentication username=[field0] password=[field1]]\n")
    challenge = '  <recv response="401" auth="true"/>'
    return _scenario("register", [first, challenge, again, '  <recv response="200"/>', _log("scripted")])


# Pieces ------------------------------------------------------------------------------------------------------

_LABEL_END: Final = '  <label id="end"/>'
_BRANCH: Final = "z9hG4bK-[run]-[call_number]-i"
"""One for INVITE and CANCEL of a call (RFC 3261 section 9.1)."""


def _scenario(name: str, body: list[str]) -> str:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n'
    return f'{head}<scenario name="{name}">\n' + "\n".join(body) + "\n</scenario>\n"


def _send(message: str, attributes: str = "") -> str:
    return f"  <send {attributes}>\n    <![CDATA[\n\n{message}\n\n    ]]>\n  </send>"


def _recv(request: str, attributes: str = "", *actions: str) -> str:
    inner = f"<action>{''.join(actions)}</action>" if actions else ""
    return f'  <recv request="{request}" {attributes}>{inner}</recv>'


def _keep(header: str, regexp: str, name: str) -> str:
    return f'<ereg regexp="{regexp}" search_in="hdr" header="{header}" assign_to="{name}"/>'


def _do(action: str) -> str:
    return f"  <nop><action>{action}</action></nop>"


def _log(what: str) -> str:
    return _do(f'<log message="[call_number]|{what}|[clock_tick]"/>')


def _end() -> str:
    return '  <nop next="end"/>'


def _stream(tone_file: str) -> list[str]:
    return [_do(f'<exec rtp_stream="{escape(tone_file)},-1,8,PCMA/8000"/>')] if tone_file else []


def _tone(what: str, tone_file: str) -> list[str]:
    """Pause or resume the tone."""
    return [_do(f'<exec rtp_stream="{what}"/>')] if tone_file else []


def keys_ms(keys: str) -> int:
    """Give how long SIPp plays keys: half a second each, and as much before the first (measured).

    Keys out of the CSV file count as two, the most that the menus need.
    """
    return _KEY_MS * ((_FIELD_KEYS if keys.startswith("[") else len(keys)) + 1)


def _sdp(address: str, port: str) -> str:
    return f"""      Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=lab 1 1 IN IP[local_ip_type] [local_ip]
      s=-
      c=IN IP[media_ip_type] {address}
      t=0 0
      m=audio {port} RTP/AVP 8 {TELEPHONE_EVENT}
      a=rtpmap:8 PCMA/8000
      a=rtpmap:{TELEPHONE_EVENT} telephone-event/8000
      a=fmtp:{TELEPHONE_EVENT} 0-16
      a=ptime:20
      a=sendrecv"""


_SAME_PORT: Final = """      a=x-lab-keys-of-audio:[auto_media_port]
      a=x-lab-unused:[rtpstream_video_port]"""
"""Makes SIPp send a call's keys from the port of its tone; Asterisk drops what comes from another (strictrtp).

play_dtmf sends from the first media port, or from what `[auto_media_port]` gave on a line with the word `audio`: four
ports a call from the first on. rtp_stream takes two ports a call, and four when a video port is named as well, each
when it is first named: so the tone's must be named in the INVITE, where the calls are in order, and before the other.
"""
_PORT_OF_TONE: Final = "      a=x-lab-tone:[rtpstream_audio_port]"

_OWN_MEDIA: Final = ("[media_ip]", "[rtpstream_audio_port]")


def _invite(has_ear: bool, extra_headers: tuple[str, ...]) -> str:
    address, port = ("[field1]", "[field2]") if has_ear else _OWN_MEDIA
    extra = "".join(f"      {line}\n" for line in extra_headers)
    ports = (_PORT_OF_TONE, _SAME_PORT) if has_ear else (_SAME_PORT,)
    sdp = "\n".join((_sdp(address, port), *ports))
    return _send(
        f"""      INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={_BRANCH}
      From: [field0];tag=[run]c[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>
      Call-ID: [call_id]
      CSeq: 1 INVITE
      Contact: <sip:caller@[local_ip]:[local_port]>
      Max-Forwards: 70
{extra}{sdp}""",
        'retrans="500"',
    )


def _in_dialog(method: str, cseq: int, attributes: str = "") -> str:
    """A request of the caller inside the dialog."""
    return _send(
        f"""      {method} [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK-[run]-[call_number]-[msg_index]
      [routes]
      From: [field0];tag=[run]c[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
      Call-ID: [call_id]
      CSeq: {cseq} {method}
      Max-Forwards: 70
      Content-Length: 0""",
        attributes,
    )


def _talk(script: Talks, tone_file: str) -> list[str]:
    body = [
        '  <recv response="100" optional="true"/>',
        '  <recv response="180" optional="true"/>',
        '  <recv response="183" optional="true"/>',
        *([_recv("BYE", 'optional="global" next="bye"')] if script.bye_any_time else []),
        '  <recv response="200" rrs="true"/>',
        _in_dialog("ACK", 1),
        _log("answered"),
    ]
    body += _steps_with_tone(script.steps, tone_file)
    if script.bye_any_time:
        body += ['  <label id="bye"/>', _reply("200 OK"), _log("bye-received"), _log("scripted")]
    return body


def _steps_with_tone(steps: tuple[Step, ...], tone_file: str) -> list[str]:
    """Render the steps; the tone begins, or goes on, once the keys before it have been played.

    SIPp sends keys as a stream of their own (other port, other SSRC): a key among packets of sound is heard twice.
    """
    body: list[str] = []
    begun = False
    if not any(isinstance(step, Press) for step in steps):
        body, begun = _stream(tone_file), True
    keys = ""
    for step in steps:
        if isinstance(step, Press):
            body += _tone("pause", tone_file) if begun else []
            keys = step.keys
        elif keys and isinstance(step, Pause) and step.up_to_ms is None and step.ms > keys_ms(keys):
            body += _step(Pause(keys_ms(keys)))
            body += _tone("resume", tone_file) if begun else _stream(tone_file)
            step, keys, begun = Pause(step.ms - keys_ms(keys)), "", True  # noqa: PLW2901 - the rest of the pause
        body += _step(step)
    return body


def _step(step: Step) -> list[str]:
    match step:
        case Pause(ms, None):
            return [f'  <pause milliseconds="{ms}"/>']
        case Pause(ms, up_to_ms):
            return [f'  <pause distribution="uniform" min="{ms}" max="{up_to_ms}"/>']
        case Press(keys):
            return [_log("presses"), _do(f'<exec play_dtmf="{keys}"/>')]
        case HangUp():
            bye = _in_dialog("BYE", 2, 'retrans="500"')
            return [bye, '  <recv response="200"/>', _log("bye-sent"), _log("scripted"), _end()]
        case WaitForBye(limit_ms):
            received = _recv("BYE", f'timeout="{limit_ms}"')
            return [received, _reply("200 OK"), _log("bye-received"), _log("scripted"), _end()]


def _give_up(after_ms: int) -> list[str]:
    cancel = f"""      CANCEL sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={_BRANCH}
      From: [field0];tag=[run]c[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>
      Call-ID: [call_id]
      CSeq: 1 CANCEL
      Max-Forwards: 70
      Content-Length: 0"""
    told = (_log("cancelled"), _log("scripted"))
    return [
        '  <recv response="180" optional="global"/>',
        '  <recv response="183" optional="global"/>',
        '  <recv response="100"/>',
        f'  <pause milliseconds="{after_ms}"/>',
        _send(cancel, 'retrans="500"'),
        '  <recv response="487" optional="true" next="refused-first"/>',
        '  <recv response="200"/>',
        '  <recv response="487"/>',
        _ack_refusal(),
        *told,
        _end(),
        '  <label id="refused-first"/>',
        # After a jump SIPp takes the next datagram before it sends: the 200 may be there already.
        '  <recv response="200"/>',
        _ack_refusal(),
        *told,
    ]


def _be_refused(status: int, cause: int) -> list[str]:
    expected = f'  <recv response="{status}"/>'
    if cause:
        check = _keep("Reason:", f"cause={cause}(;|$)", "cause").replace("/>", ' check_it="true"/>')
        expected = f'  <recv response="{status}"><action>{check}</action></recv>\n  <Reference variables="cause"/>'
    return [
        '  <recv response="100" optional="true"/>',
        '  <recv response="183" optional="true"/>',
        expected,
        _ack_refusal(),
        _log("refused"),
        _log("scripted"),
    ]


def _ack_refusal() -> str:
    return _send(
        f"""      ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={_BRANCH}
      From: [field0];tag=[run]c[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
      Call-ID: [call_id]
      CSeq: 1 ACK
      Max-Forwards: 70
      Content-Length: 0"""
    )


def _reply(
    status: str, *, first: bool = False, cseq: str = "[last_CSeq:]", content: str = "", attributes: str = ""
) -> str:
    """A reply to the last request; `first` adds our tag, which later requests of the dialog carry already."""
    tag = ";tag=[run]p[call_number]" if first else ""
    contact = "      Contact: <sip:phone@[local_ip]:[local_port]>\n" if content else ""
    return _send(
        f"""      SIP/2.0 {status}
      [last_Via:]
      [last_Record-Route:]
      [last_From:]
      [last_To:]{tag}
      [last_Call-ID:]
      {cseq}
{contact}{content or "      Content-Length: 0"}""",
        attributes,
    )


def _ring(ring_ms: int) -> list[str]:
    return [
        _reply("180 Ringing", first=True),
        f'  <pause milliseconds="{ring_ms}"/>',
    ]


def _pick_up(talk_ms: int | None, tone_file: str) -> list[str]:
    body = [
        _reply("200 OK", first=True, content=_sdp(*_OWN_MEDIA), attributes='retrans="500"'),
        *([_recv("BYE", 'optional="global" next="bye"')] if talk_ms is not None else []),
        _recv("ACK", "", _keep("To:", ".*", "us"), _keep("From:", ".*", "them")),
        '  <Reference variables="us,them"/>',
        *_stream(tone_file),
    ]
    if talk_ms is None:
        return [*body, _recv("BYE"), _reply("200 OK"), _end()]
    bye = """      BYE [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK-[run]-[call_number]-[msg_index]
      From: [$us]
      To: [$them]
      [last_Call-ID:]
      CSeq: 1 BYE
      Max-Forwards: 70
      Content-Length: 0"""
    return [
        *body,
        f'  <pause milliseconds="{talk_ms}"/>',
        _send(bye, 'retrans="500"'),
        '  <recv response="200"/>',
        _end(),
        '  <label id="bye"/>',
        _reply("200 OK"),
        _end(),
    ]


def _cancelled() -> list[str]:
    return [
        '  <label id="cancelled"/>',
        _reply("200 OK", first=True),
        _reply("487 Request Terminated", first=True, cseq="CSeq: [$cseq] INVITE"),
        _recv("ACK"),
    ]


def _register(authorization: str) -> str:
    return _send(
        f"""      REGISTER sip:[field3] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK-[run]-[call_number]-[msg_index]
      From: <sip:[field0]@[remote_ip]>;tag=[run]r[call_number]
      To: <sip:[field0]@[remote_ip]>
      Call-ID: [call_id]
      CSeq: [cseq] REGISTER
      Contact: <sip:[field2]>
      Expires: 7200
      Max-Forwards: 70
{authorization}      Content-Length: 0""",
        'retrans="500"',
    )

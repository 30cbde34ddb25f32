"""SIPp scenarios of callers. Pure."""

from typing import Final

from lab.scenario import LABEL_END, do, end, keep, log, recv, reply, scenario, send
from lab.scenario_media import OWN_MEDIA, PORT_OF_TONE, SAME_PORT, begin_tone, keys_ms, sdp, switch_tone
from lab.scripts import CallerScript, GivesUp, HangUp, IsRefused, Pause, Press, Step, Talks, WaitForBye

_BRANCH: Final = "z9hG4bK-[run]-[call_number]-i"
"""One for INVITE and CANCEL of a call (RFC 3261 section 9.1)."""


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
    return scenario("caller", [*body, LABEL_END])


def _invite(has_ear: bool, extra_headers: tuple[str, ...]) -> str:
    address, port = ("[field1]", "[field2]") if has_ear else OWN_MEDIA
    extra = "".join(f"      {line}\n" for line in extra_headers)
    ports = (PORT_OF_TONE, SAME_PORT) if has_ear else (SAME_PORT,)
    session = "\n".join((sdp(address, port), *ports))
    return send(
        f"""      INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={_BRANCH}
      From: [field0];tag=[run]c[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>
      Call-ID: [call_id]
      CSeq: 1 INVITE
      Contact: <sip:caller@[local_ip]:[local_port]>
      Max-Forwards: 70
{extra}{session}""",
        'retrans="500"',
    )


def _in_dialog(method: str, cseq: int, attributes: str = "") -> str:
    """A request of the caller inside the dialog."""
    return send(
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
    # SIPp wants a mandatory message after optional ones: those that may come at any time stand before the first.
    body = [
        '  <recv response="100" optional="true"/>',
        '  <recv response="180" optional="true"/>',
        '  <recv response="183" optional="true"/>',
        *([recv("BYE", 'optional="global" next="bye"')] if script.bye_any_time else []),
        '  <recv response="200" rrs="true"/>',
        _in_dialog("ACK", 1),
        log("answered"),
    ]
    body += _steps_with_tone(script.steps, tone_file)
    if script.bye_any_time:
        body += ['  <label id="bye"/>', reply("200 OK"), log("bye-received"), log("scripted")]
    return body


def _steps_with_tone(steps: tuple[Step, ...], tone_file: str) -> list[str]:
    """Render the steps; the tone begins, or goes on, once the keys before it have been played.

    SIPp sends keys as a stream of their own (other port, other SSRC): a key among packets of sound is heard twice.
    """
    body: list[str] = []
    begun = False
    if not any(isinstance(step, Press) for step in steps):
        body, begun = begin_tone(tone_file), True
    keys = ""
    for step in steps:
        if isinstance(step, Press):
            body += switch_tone("pause", tone_file) if begun else []
            keys = step.keys
        elif keys and isinstance(step, Pause) and step.up_to_ms is None and step.ms > keys_ms(keys):
            body += _step(Pause(keys_ms(keys)))
            body += switch_tone("resume", tone_file) if begun else begin_tone(tone_file)
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
            return [log("presses"), do(f'<exec play_dtmf="{keys}"/>')]
        case HangUp():
            bye = _in_dialog("BYE", 2, 'retrans="500"')
            return [bye, '  <recv response="200"/>', log("bye-sent"), log("scripted"), end()]
        case WaitForBye(limit_ms):
            received = recv("BYE", f'timeout="{limit_ms}"')
            return [received, reply("200 OK"), log("bye-received"), log("scripted"), end()]


def _give_up(after_ms: int) -> list[str]:
    cancel = f"""      CANCEL sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={_BRANCH}
      From: [field0];tag=[run]c[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>
      Call-ID: [call_id]
      CSeq: 1 CANCEL
      Max-Forwards: 70
      Content-Length: 0"""
    told = (log("cancelled"), log("scripted"))
    return [
        '  <recv response="180" optional="global"/>',
        '  <recv response="183" optional="global"/>',
        '  <recv response="100"/>',
        f'  <pause milliseconds="{after_ms}"/>',
        send(cancel, 'retrans="500"'),
        '  <recv response="487" optional="true" next="refused-first"/>',
        '  <recv response="200"/>',
        '  <recv response="487"/>',
        _ack_refusal(),
        *told,
        end(),
        '  <label id="refused-first"/>',
        # After a jump SIPp takes the next datagram before it sends: the 200 may be there already.
        '  <recv response="200"/>',
        _ack_refusal(),
        *told,
    ]


def _be_refused(status: int, cause: int) -> list[str]:
    expected = f'  <recv response="{status}"/>'
    if cause:
        check = keep("Reason:", f"cause={cause}(;|$)", "cause").replace("/>", ' check_it="true"/>')
        expected = f'  <recv response="{status}"><action>{check}</action></recv>\n  <Reference variables="cause"/>'
    return [
        '  <recv response="100" optional="true"/>',
        '  <recv response="183" optional="true"/>',
        expected,
        _ack_refusal(),
        log("refused"),
        log("scripted"),
    ]


def _ack_refusal() -> str:
    return send(
        f"""      ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={_BRANCH}
      From: [field0];tag=[run]c[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
      Call-ID: [call_id]
      CSeq: 1 ACK
      Max-Forwards: 70
      Content-Length: 0"""
    )

"""SIPp scenarios of agents' phones and of their registration. Pure."""

from lab.scenario import LABEL_END, end, keep, log, recv, reply, scenario, send
from lab.scenario_media import OWN_MEDIA, begin_tone, sdp
from lab.scripts import BYE_LIMIT_MS, Answers, IsBusy, NeverAnswers, PhoneScript


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
            body = [reply("486 Busy Here", first=True), recv("ACK")]
    begin = [
        recv("CANCEL", 'optional="global" next="cancelled"') if not isinstance(script, IsBusy) else "",
        recv("INVITE", 'rrs="true"', keep("CSeq:", "[0-9]+", "cseq")),
        '  <Reference variables="cseq"/>',
    ]
    return scenario("phone", [*begin, *body, LABEL_END])


def register_xml() -> str:
    """Render the registration of a phone: fields are agent, password, contact, registrar."""
    first = _register("")
    again = _register("      [authentication username=[field0] password=[field1]]\n")
    challenge = '  <recv response="401" auth="true"/>'
    return scenario("register", [first, challenge, again, '  <recv response="200"/>', log("scripted")])


def _ring(ring_ms: int) -> list[str]:
    return [
        reply("180 Ringing", first=True),
        f'  <pause milliseconds="{ring_ms}"/>',
    ]


def _pick_up(talk_ms: int | None, tone_file: str) -> list[str]:
    body = [
        reply("200 OK", first=True, content=sdp(*OWN_MEDIA), attributes='retrans="500"'),
        *([recv("BYE", 'optional="global" next="bye"')] if talk_ms is not None else []),
        recv("ACK", "", keep("To:", ".*", "us"), keep("From:", ".*", "them")),
        '  <Reference variables="us,them"/>',
        *begin_tone(tone_file),
    ]
    if talk_ms is None:
        return [*body, recv("BYE"), reply("200 OK"), end()]
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
        send(bye, 'retrans="500"'),
        '  <recv response="200"/>',
        end(),
        '  <label id="bye"/>',
        reply("200 OK"),
        end(),
    ]


def _cancelled() -> list[str]:
    return [
        '  <label id="cancelled"/>',
        reply("200 OK", first=True),
        reply("487 Request Terminated", first=True, cseq="CSeq: [$cseq] INVITE"),
        recv("ACK"),
    ]


def _register(authorization: str) -> str:
    return send(
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

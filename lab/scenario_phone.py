"""SIPp scenarios of agents' phones and of their registration. Pure."""

from lab.scenario import LABEL_END, accepted, end, keep, log, recv, reply, scenario, send
from lab.scenario_media import OWN_MEDIA, begin_tone, sdp
from lab.scripts import BYE_LIMIT_MS, Answers, Direction, Holds, NeverAnswers, PhoneScript, Refuses


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
        case Refuses(status, ring_ms):
            body = [
                *(_ring(ring_ms) if ring_ms else ()),
                reply(status, first=True),
                recv("ACK"),
                end(),
                *_cancelled(),
            ]
        case Holds(talk_ms, hold_ms, ring_ms):
            body = [*_ring(ring_ms), *_hold(talk_ms, hold_ms, tone_file), *_cancelled()]
    begin = [
        recv("CANCEL", 'optional="global" next="cancelled"'),
        recv("INVITE", 'rrs="true"', keep("CSeq:", "[0-9]+", "cseq")),
        '  <Reference variables="cseq"/>',
    ]
    return scenario("phone", [*begin, *body, LABEL_END])


def register_xml() -> str:
    """Render the registration of a phone: fields are agent, password, contact."""
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
    bye_any_time = talk_ms is not None
    body = _answer(tone_file, bye_any_time=bye_any_time)
    if talk_ms is None:
        return [*body, recv("BYE"), reply("200 OK"), end()]
    return [
        *body,
        f'  <pause milliseconds="{talk_ms}"/>',
        _request("BYE", 1, attributes='retrans="500"'),
        '  <recv response="200"/>',
        end(),
        '  <label id="bye"/>',
        reply("200 OK"),
        end(),
    ]


def _hold(talk_ms: int, hold_ms: int, tone_file: str) -> list[str]:
    """Answer, hold and take back. The tone goes on during the hold: the caller must not hear it then."""
    return [
        *_answer(tone_file, bye_any_time=True),
        f'  <pause milliseconds="{talk_ms}"/>',
        *_offer("sendonly", 1),
        f'  <pause milliseconds="{hold_ms}"/>',
        *_offer("sendrecv", 2),
        recv("BYE"),
        '  <label id="bye"/>',
        reply("200 OK"),
        end(),
    ]


def _answer(tone_file: str, *, bye_any_time: bool) -> list[str]:
    return [
        reply("200 OK", first=True, content=sdp(*OWN_MEDIA), attributes='retrans="500"'),
        *([recv("BYE", 'optional="global" next="bye"')] if bye_any_time else []),
        recv("ACK", "", keep("To:", ".*", "us"), keep("From:", ".*", "them")),
        '  <Reference variables="us,them"/>',
        *begin_tone(tone_file),
    ]


def _offer(direction: Direction, cseq: int) -> list[str]:
    """Offer the session again, in this direction."""
    invite = _request("INVITE", cseq, sdp(*OWN_MEDIA, direction, cseq + 1), 'retrans="500"')
    return [invite, *accepted(direction), _request("ACK", cseq)]


def _request(method: str, cseq: int, content: str = "", attributes: str = "") -> str:
    """A request of the phone inside the dialog."""
    contact = "      Contact: <sip:phone@[local_ip]:[local_port]>\n" if content else ""
    return send(
        f"""      {method} [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK-[run]-[call_number]-[msg_index]
      From: [$us]
      To: [$them]
      [last_Call-ID:]
      CSeq: {cseq} {method}
      Max-Forwards: 70
{contact}{content or "      Content-Length: 0"}""",
        attributes,
    )


def _cancelled() -> list[str]:
    return [
        '  <label id="cancelled"/>',
        reply("200 OK", first=True),
        reply("487 Request Terminated", first=True, cseq="CSeq: [$cseq] INVITE"),
        recv("ACK"),
    ]


def _register(authorization: str) -> str:
    return send(
        f"""      REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
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

"""SIPp scenarios of callers. Pure."""

from dataclasses import dataclass
from typing import Final

from lab.scenario import LABEL_END, accepted, do, end, keep, log, log_action, recv, reply, scenario
from lab.scenario_media import begin_tone, keys_ms, switch_tone
from lab.scenario_requests import acknowledge_refusal, cancel, in_dialog, invite, session_of
from lab.scripts import (
    CallerScript,
    Direction,
    GivesUp,
    HangUp,
    IsRefused,
    LeavesEarly,
    Pause,
    Press,
    ReInvite,
    Step,
    Talks,
    WaitForBye,
)
from tieline.model import RefusalCause

PATIENCE_MS: Final = 25_000
"""Who may be refused hears the whole message, and gives up when then neither answer nor refusal comes."""


_TRYING: Final = tuple(f'  <recv response="{status}" optional="true"/>' for status in (100, 180, 183))
_PATIENT: Final = f'timeout="{PATIENCE_MS}" ontimeout="given-up"'
"""On each message that may be the next: SIPp waits anew after each one that came."""


def _cause(*causes: int) -> str:
    return keep("Reason:", f"cause=({'|'.join(map(str, causes))})(;|$)", "cause")


def _answer_or_refusal() -> list[str]:
    """Wait for either; `message` is noted when something is heard before: why the call is refused."""
    noted, kept = log_action("message"), _cause(*RefusalCause)
    return [
        f'  <recv response="100" optional="true" {_PATIENT}/>',
        f'  <recv response="180" optional="true" {_PATIENT}/>',
        f'  <recv response="183" optional="true" {_PATIENT}><action>{noted}</action></recv>',
        f'  <recv response="503" optional="true" next="refused" {_PATIENT}><action>{kept}</action></recv>',
    ]


def _end_refused() -> list[str]:
    """End without an answer: refused with a cause of ours, refused otherwise, or given up."""
    return [
        '  <label id="refused"/>',
        acknowledge_refusal(),
        '  <nop next="no-line" test="cause"/>',
        log("refused-otherwise"),
        end(),
        '  <label id="no-line"/>',
        log("refused"),
        log("scripted"),
        end(),
        '  <label id="given-up"/>',
        cancel(),
        '  <recv response="200"/>',
        log("given-up"),
    ]


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
    body = [invite(has_ear, extra_headers)]
    match script:
        case Talks():
            body += _talk(script, tone_file, _Dialog(has_ear))
        case GivesUp(after_ms):
            body += _give_up(after_ms)
        case LeavesEarly():
            body += _leave_early()
        case IsRefused(status, cause):
            body += _be_refused(status, cause)
    return scenario("caller", [*body, LABEL_END])


@dataclass(slots=True)
class _Dialog:
    """What the next request and the next offer of a caller are numbered."""

    has_ear: bool
    cseq: int = 1
    direction: Direction = "sendrecv"
    version: int = 1

    def bye(self) -> str:
        self.cseq += 1
        return in_dialog("BYE", self.cseq, attributes='retrans="500"')

    def re_invite(self, direction: Direction) -> list[str]:
        """Offer the session again; its version grows when something in it is new."""
        self.cseq += 1
        self.version += direction != self.direction
        self.direction = direction
        session = session_of(self.has_ear, direction, self.version)
        invite = in_dialog("INVITE", self.cseq, session, 'retrans="500"')
        return [invite, *accepted(direction), in_dialog("ACK", self.cseq)]


def _talk(script: Talks, tone_file: str, dialog: _Dialog) -> list[str]:
    # SIPp wants a mandatory message after optional ones: those that may come at any time stand before the first.
    body = [
        *(_answer_or_refusal() if script.may_be_refused else _TRYING),
        *([recv("BYE", 'optional="global" next="bye"')] if script.bye_any_time else []),
        f'  <recv response="200" rrs="true" {_PATIENT if script.may_be_refused else ""}/>',
        *([in_dialog("ACK", dialog.cseq)] if script.acknowledges else []),
        log("answered"),
    ]
    body += _steps_with_tone(script.steps, tone_file, dialog)
    if script.bye_any_time:
        body += ['  <label id="bye"/>', reply("200 OK"), log("bye-received"), log("scripted"), end()]
    if script.may_be_refused:
        body += _end_refused()
    return body


def _steps_with_tone(steps: tuple[Step, ...], tone_file: str, dialog: _Dialog) -> list[str]:
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
            body += _step(Pause(keys_ms(keys)), dialog)
            body += switch_tone("resume", tone_file) if begun else begin_tone(tone_file)
            step, keys, begun = Pause(step.ms - keys_ms(keys)), "", True  # noqa: PLW2901 - the rest of the pause
        body += _step(step, dialog)
    return body


def _step(step: Step, dialog: _Dialog) -> list[str]:
    match step:
        case Pause(ms, None):
            return [f'  <pause milliseconds="{ms}"/>']
        case Pause(ms, up_to_ms):
            return [f'  <pause distribution="uniform" min="{ms}" max="{up_to_ms}"/>']
        case Press(keys):
            return [log("presses"), do(f'<exec play_dtmf="{keys}"/>')]
        case HangUp():
            return [dialog.bye(), '  <recv response="200"/>', log("bye-sent"), log("scripted"), end()]
        case WaitForBye(limit_ms):
            received = recv("BYE", f'timeout="{limit_ms}"')
            return [received, reply("200 OK"), log("bye-received"), log("scripted"), end()]
        case ReInvite(direction):
            return [*dialog.re_invite(direction), log("re-invited")]


_THEM: Final = "[$them]"
_IS_ANSWER: Final = keep("CSeq:", "INVITE", "answer")
_KEEP_THEM: Final = keep("To:", ".*", "them")
"""Each reply with a tag changes SIPp's own notion of the other side, that to a CANCEL as well."""
_REFUSED_FIRST: Final = (
    f'  <recv response="487" optional="true" next="refused-first"><action>{_KEEP_THEM}</action></recv>'
)


def _give_up(after_ms: int) -> list[str]:
    return [
        '  <recv response="180" optional="global"/>',
        '  <recv response="183" optional="global"/>',
        # Answered as he gives up, no CANCEL has left: before it SIPp takes nothing but the answer for this one.
        '  <recv response="200" optional="global" rrs="true" next="answered-last">',
        f"    <action>{_KEEP_THEM}</action></recv>",
        '  <recv response="100"/>',
        f'  <pause milliseconds="{after_ms}"/>',
        cancel(),
        _REFUSED_FIRST,
        # One of the two replies that a 200 may be: SIPp tells them apart by the header only.
        f'  <recv response="200" rrs="true"><action>{_IS_ANSWER}{_KEEP_THEM}</action></recv>',
        '  <nop next="answered-first" test="answer"/>',
        '  <recv response="200" optional="true" rrs="true" next="answered-last">',
        f"    <action>{_KEEP_THEM}</action></recv>",
        *_refusal_of_invite("cancelled"),
        '  <label id="refused-first"/>',
        *_refused_first("cancelled"),
        end(),
        '  <label id="answered-first"/>',
        # After a jump SIPp takes the next datagram before it sends: what the CANCEL led to may be there already.
        '  <recv response="200"/>',
        '  <label id="answered-last"/>',
        *_hang_up_crossed(),
    ]


def _hang_up_crossed() -> list[str]:
    """Do what a phone does whose CANCEL crossed the answer, or came too late to be sent: acknowledge and hang up.

    Source: RFC 3261 section 9.1.
    """
    return [
        in_dialog("ACK", 1, to=_THEM),
        in_dialog("BYE", 2, attributes='retrans="500"', to=_THEM),
        '  <recv response="200"/>',
        log("cancelled"),
        log("scripted"),
    ]


def _leave_early() -> list[str]:
    return [
        '  <recv response="100" optional="true"/>',
        '  <recv response="183" rrs="true"/>',
        in_dialog("BYE", 2, attributes='retrans="500"'),
        *_end_of_invite("bye-sent"),
    ]


def _end_of_invite(what: str) -> list[str]:
    """Wait for the refusal of the INVITE and the reply to what ended it, in either order."""
    return [
        _REFUSED_FIRST,
        '  <recv response="200"/>',
        *_refusal_of_invite(what),
        '  <label id="refused-first"/>',
        *_refused_first(what),
    ]


def _refusal_of_invite(what: str) -> list[str]:
    return ['  <recv response="487"/>', acknowledge_refusal(), log(what), log("scripted"), end()]


def _refused_first(what: str) -> list[str]:
    # After a jump SIPp takes the next datagram before it sends: the 200 may be there already.
    return ['  <recv response="200"/>', acknowledge_refusal(_THEM), log(what), log("scripted")]


def _be_refused(status: int, cause: int) -> list[str]:
    expected = f'  <recv response="{status}"/>'
    if cause:
        check = _cause(cause).replace("/>", ' check_it="true"/>')
        expected = f'  <recv response="{status}"><action>{check}</action></recv>\n  <Reference variables="cause"/>'
    return [
        '  <recv response="100" optional="true"/>',
        '  <recv response="183" optional="true"/>',
        expected,
        acknowledge_refusal(),
        log("refused"),
        log("scripted"),
    ]

"""SIPp scenarios: well-formed, complete, and within SIPp's rules."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from lab.scenario_caller import caller_xml
from lab.scenario_phone import phone_xml, register_xml
from lab.scripts import (
    Answers,
    CallerScript,
    GivesUp,
    HangUp,
    Holds,
    IsRefused,
    LeavesEarly,
    NeverAnswers,
    Pause,
    PhoneScript,
    Press,
    Refuses,
    ReInvite,
    Talks,
    WaitForBye,
)

pytestmark = pytest.mark.unit

CALLERS: dict[str, CallerScript] = {
    "caller hangs up": Talks((Pause(10), Press("[field3]"), Pause(10, 20), HangUp())),
    "agent hangs up": Talks((Press("1"), WaitForBye(500))),
    "whoever is first": Talks((Pause(10), HangUp()), bye_any_time=True),
    "offers again": Talks((ReInvite(), ReInvite("sendonly"), Pause(10), ReInvite("sendrecv"), HangUp())),
    "never acknowledges": Talks((HangUp(),), acknowledges=False),
    "gives up": GivesUp(10),
    "leaves early": LeavesEarly(),
    "refused": IsRefused(503, 34),
    "refused for any cause": IsRefused(403, 0),
    "talks unless refused": Talks((Pause(10), HangUp()), bye_any_time=True, may_be_refused=True),
}
PHONES: dict[str, PhoneScript] = {
    "holds": Answers(10),
    "hangs up": Answers(10, 20),
    "silent": NeverAnswers(),
    "busy": Refuses(),
    "declines": Refuses("603 Decline", ring_ms=10),
    "puts on hold": Holds(10, 20),
}
SCENARIOS = {
    **{name: caller_xml(script, "/t/tone.al") for name, script in CALLERS.items()},
    **{name: phone_xml(script, "/t/tone.al") for name, script in PHONES.items()},
    "register": register_xml(),
}


def _steps(xml: str) -> list[ET.Element]:
    return list(ET.fromstring(xml))


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_jump_has_its_label(name: str) -> None:
    steps = _steps(SCENARIOS[name])
    labels = {step.get("id") for step in steps if step.tag == "label"}
    assert {step.get("next") for step in steps if step.get("next")} <= labels


@pytest.mark.parametrize("name", SCENARIOS)
def test_optional_messages_are_followed_by_a_mandatory_one(name: str) -> None:
    # SIPp 3.8 refuses anything else ("<recv> before <pause> sequence without a mandatory message").
    steps = [step for step in _steps(SCENARIOS[name]) if step.tag not in ("label", "Reference")]
    for step, following in pairwise(steps):
        if step.get("optional"):
            assert following.tag == "recv"
    assert not steps[-1].get("optional")


@pytest.mark.parametrize("name", CALLERS)
def test_a_caller_logs_scripted_at_each_way_out(name: str) -> None:
    logged = [log.attrib["message"].split("|")[1] for log in ET.fromstring(SCENARIOS[name]).iter("log")]
    assert "scripted" in logged


def test_keys_need_payload_type_96() -> None:
    assert "a=rtpmap:96 telephone-event/8000" in SCENARIOS["caller hangs up"]
    assert 'play_dtmf="[field3]"' in SCENARIOS["caller hangs up"]


def test_an_ear_takes_the_place_of_sipps_own_media() -> None:
    deaf = caller_xml(Talks((HangUp(),)), "")
    heard = caller_xml(Talks((HangUp(),)), "", has_ear=True)
    assert "c=IN IP[media_ip_type] [media_ip]" in deaf
    assert "m=audio [rtpstream_audio_port] " in deaf
    assert "c=IN IP[media_ip_type] [field1]" in heard
    assert "m=audio [field2] " in heard
    assert "rtp_stream" not in deaf


def test_a_refusal_must_name_its_cause() -> None:
    assert "cause=(34)(;|$)" in SCENARIOS["refused"]
    assert "ereg" not in SCENARIOS["refused for any cause"]


def test_extra_headers_are_sent() -> None:
    assert "\n      X-Tieline-City: spoofed\n" in caller_xml(
        GivesUp(0), "", extra_headers=("X-Tieline-City: spoofed",)
    )


def _sent(xml: str, header: str) -> list[str]:
    return re.findall(rf"^ *{header}(.*)$", "".join(step.text or "" for step in _steps(xml)), re.MULTILINE)


def test_requests_of_a_dialog_are_numbered_and_a_new_offer_has_a_new_version() -> None:
    xml = SCENARIOS["offers again"]
    numbered = ["1 INVITE", "1 ACK", "2 INVITE", "2 ACK", "3 INVITE", "3 ACK", "4 INVITE", "4 ACK", "5 BYE"]
    assert _sent(xml, "CSeq: ") == numbered
    assert [origin.split()[1] for origin in _sent(xml, "o=lab ")] == ["1", "1", "2", "3"]
    assert _sent(xml, "a=send") == ["recv", "recv", "only", "recv"]


def test_whoever_is_put_on_hold_must_accept_it() -> None:
    wanted = [check.get("regexp") for check in ET.fromstring(SCENARIOS["puts on hold"]).iter("ereg")][-2:]
    assert wanted == ["a=recvonly", "a=sendrecv"]


def test_an_answer_without_an_ack() -> None:
    assert "1 ACK" not in _sent(SCENARIOS["never acknowledges"], "CSeq: ")

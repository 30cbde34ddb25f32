"""SIPp scenarios: well-formed, complete, and within SIPp's rules."""

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
    IsBusy,
    IsRefused,
    NeverAnswers,
    Pause,
    PhoneScript,
    Press,
    Talks,
    WaitForBye,
)

pytestmark = pytest.mark.unit

CALLERS: dict[str, CallerScript] = {
    "caller hangs up": Talks((Pause(10), Press("[field3]"), Pause(10, 20), HangUp())),
    "agent hangs up": Talks((Press("1"), WaitForBye(500))),
    "whoever is first": Talks((Pause(10), HangUp()), bye_any_time=True),
    "gives up": GivesUp(10),
    "refused": IsRefused(503, 34),
    "refused for any cause": IsRefused(403, 0),
}
PHONES: dict[str, PhoneScript] = {
    "holds": Answers(10),
    "hangs up": Answers(10, 20),
    "silent": NeverAnswers(),
    "busy": IsBusy(),
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
    assert "cause=34(;|$)" in SCENARIOS["refused"]
    assert "ereg" not in SCENARIOS["refused for any cause"]


def test_extra_headers_are_sent() -> None:
    assert "\n      X-Tieline-City: spoofed\n" in caller_xml(
        GivesUp(0), "", extra_headers=("X-Tieline-City: spoofed",)
    )

"""A notice on its way: from the command line by SQL and Redis into the ear of a caller who is refused."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from click.testing import CliRunner

from crm_adapter.record import CallRecord
from ivr_prompts.catalogue import load_catalogue
from ivr_prompts.notice import Notice
from ivr_prompts.notice_cli import notice
from ivr_prompts.refusal import refusal_files
from lab.scripts import HangUp, IsRefused, Pause
from tests.live.house import House
from tests.live.house_files import FULL_CITY
from tieline import bus
from tieline.model import Business, Outcome
from tieline.settings import load_settings

pytestmark = pytest.mark.live

AROUND_S = 0.8
"""What signalling and the joints between files may add to the sound, on a machine that is not busy."""


def command(lab: House, *words: str) -> None:
    done = CliRunner().invoke(notice, words, obj=load_settings(lab.plan.settings_file, {}))
    assert done.exit_code == 0, done.output


@pytest.fixture
def typhoon(lab: House) -> Iterator[Notice]:
    """Let Longyan have a notice, and both sites know it."""
    command(lab, "set", FULL_CITY, "--cause", "typhoon", "--until", "+30h")
    for site in lab.lives:
        lab.wait_for(site, lambda event: isinstance(event, bus.NoticeChanged) and event.cause == "typhoon")
    told = next(event for event in lab.events("xiamen") if isinstance(event, bus.NoticeChanged))
    yield Notice(city=told.city, cause=told.cause, until=told.until, by="", since=told.since)
    command(lab, "clear", FULL_CITY)
    for site in lab.lives:
        lab.wait_for(site, lambda event: isinstance(event, bus.NoticeChanged) and not event.cause)


def message_s(lab: House, now: float, *notices: Notice) -> float:
    """Give how long the message lasts."""
    catalogue = load_catalogue(lab.plan.sounds)
    city = lab.plan.topology.cities[FULL_CITY]
    files = refusal_files(
        catalogue, city=city.id, dialects=city.dialects, prompt="refuse_quota", notices=notices, now=now
    )
    sounds = catalogue.sounds or {}
    return timedelta(milliseconds=sum(sounds[file].duration_ms for file in files)).total_seconds()


def is_whole(call: CallRecord, message_s: float) -> bool:
    """Tell whether a refused caller heard a message to its end; a busy machine may be late with it."""
    return -AROUND_S < call.hangup_at - call.arrived_at - message_s < 5 * AROUND_S


def test_a_refused_caller_hears_the_whole_notice_before_the_cause(lab: House, typhoon: Notice) -> None:
    hold = lab.script(FULL_CITY, "mandarin", Business.REPAIR, Pause(24_000), HangUp())
    holding = threading.Thread(target=lab.call, args=(FULL_CITY, hold))
    holding.start()
    # He has the only line, and has pressed his keys: the AGI servers have looked at the copy meanwhile.
    lab.wait_for("xiamen", lambda event: isinstance(event, bus.MenuChosen))
    refused = lab.call(FULL_CITY, IsRefused(503, 34), limit_s=60)
    holding.join()
    assert refused.is_scripted, refused.faults
    lab.settle(calls=2)
    [call] = [call for call in lab.records() if call.outcome is Outcome.REFUSED]
    with_notice, without = message_s(lab, call.arrived_at, typhoon), message_s(lab, call.arrived_at)
    assert abs(with_notice - without) > 2 * AROUND_S
    assert is_whole(call, with_notice)
    assert call.answered_at == 0

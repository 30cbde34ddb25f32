"""A customer who gave up waiting is called back: by his city's trunk group, with an agent reserved, at his place."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from crm_adapter.record import CallRecord
from lab.parts import Exits, Part
from lab.scenario import run_name
from lab.scenario_phone import phone_xml
from lab.scripts import Answers, HangUp, Pause, PhoneScript, Refuses
from routing.callback import Callback, State
from routing.callback_desk import CallbackDesk
from routing.callback_live import read_all
from routing.callback_rules import load_callback_rules
from routing.store import fetch_callbacks
from tests.live.disturbed import Background
from tests.live.house import House
from tests.live.special_callback import CALLED_BACK
from tests.live.test_waiting import ask_all, seats
from tieline import bus
from tieline.database import Database
from tieline.model import AgentState, Business, CityId, Outcome, SiteId
from tieline.principal import Principal, Role
from tieline.settings import load_settings

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

SITE = SiteId("xiamen")
TALKS_MS = 9000
"""He hears who calls (about 5 s), then the agent."""


@contextmanager
def customer(lab: House, phone: PhoneScript) -> Iterator[Background]:
    """Let the city's phones ring for one call, at the carrier's end of its trunk group."""
    [group] = lab.plan.topology.cities[CityId(CALLED_BACK)].trunk_groups
    assert group.outbound is not None
    folder = lab.plan.state / "customer"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "phone.xml").write_text(phone_xml(phone, ""))
    host, port = group.outbound.host, str(group.outbound.port)
    argv = ("sipp", "-sf", str(folder / "phone.xml"), "-i", host, "-mi", host, "-ci", host, "-p", port, "-m", "1")
    common = ("-nostdin", "-aa", "-timeout", "240s", "-trace_err", "-error_file", str(folder / "faults.log"))
    part = Part(
        name="customer",
        argv=(*argv, *common, *run_name("customer")),
        ready=Exits(),
        log=str(folder / "sipp.log"),
        ready_s=250,
        stop_s=2,
    )
    answering = Background(lambda: lab.client.run(part))  # type: ignore[arg-type, return-value]
    yield answering
    answering.end()


def ended(lab: House) -> list[Callback]:
    database = Database(load_settings(lab.plan.settings_file, {}).database_url)
    with database.transaction(reading=True) as connection:
        found = [entry for entry in fetch_callbacks(connection, is_open=False) if entry.made_at >= lab.since]
    database.close()
    return found


def gives_up(lab: House) -> CallRecord:
    """Call for repair while nobody is ready, and hang up; then everybody is ready."""
    ask_all(lab, "not_ready", "meal", time.time() + 600)
    script = lab.script(CALLED_BACK, "min_nan", Business.REPAIR, Pause(6_000), HangUp())
    assert lab.call(CALLED_BACK, script).calls
    lab.settle(calls=1)
    first = lab.one()
    assert first.outcome is Outcome.ABANDONED_WAITING
    ask_all(lab, "ready")
    return first


def test_who_gave_up_waiting_for_repair_is_called_back_and_talks_to_an_agent(lab: House) -> None:
    first = gives_up(lab)
    with customer(lab, Answers(ring_ms=300, talk_ms=TALKS_MS)):
        lab.wait_for(SITE, lambda event: isinstance(event, bus.AgentAnswered))
        lab.wait_for(SITE, lambda event: isinstance(event, bus.CallGone) and event.at > first.hangup_at + 5)
    while not lab.one().agent_answered_at:
        lab.wait_for_news()
    lab.settle(calls=1)
    call = lab.one()
    assert call.call_id == first.call_id
    assert call.waiting_since == pytest.approx(first.waiting_since, abs=0.01)
    assert call.outcome is Outcome.CALLED_BACK
    assert call.agent_answered_at > first.hangup_at + 60
    assert lab.ticket_calls() == [call.call_id]
    waiting = [event for event in lab.events(SITE) if isinstance(event, bus.CallWaiting)]
    assert [event.lane for event in waiting] == ["normal", "callback"]
    assert [event.since for event in waiting] == pytest.approx([first.waiting_since] * 2, abs=0.01)
    while any(entry.call_id == call.call_id for entry in lab.run(read_all(lab.lives[SITE]))):
        lab.wait_for_news()
    assert [(entry.state, entry.tries) for entry in ended(lab)] == [(State.REACHED, 0)]


def test_a_try_that_reaches_nobody_is_noted_and_its_agent_is_free(lab: House) -> None:
    first = gives_up(lab)
    with customer(lab, Refuses(ring_ms=300)):
        while [entry.tries for entry in ended(lab)] != [1]:
            lab.wait_for_news()
    [entry] = ended(lab)
    assert (entry.call_id, entry.state) == (first.call_id, State.OPEN)
    assert entry.next_at > time.time() + 60
    while AgentState.OFFERED in seats(lab, lab.lives[SITE]).values():
        lab.wait_for_news()
    assert not [event for event in lab.events(SITE) if isinstance(event, bus.AgentAnswered)]
    assert lab.one().outcome is Outcome.ABANDONED_WAITING
    cancel(lab, entry)


def cancel(lab: House, entry: Callback) -> None:
    """Take an entry out again, so that no other test finds its call in the pool."""
    database = Database(load_settings(lab.plan.settings_file, {}).database_url)
    by = Principal(role=Role.ADMIN, city=None, site=None, name="test")
    CallbackDesk(database, load_callback_rules()).cancel(entry.call_id, by, why="the test is over")
    database.close()
    while lab.run(read_all(lab.lives[SITE])):
        lab.wait_for_news()

"""Callers who are to be called back: pressed the key, hung up waiting for repair, or found their business closed."""

import time

import pytest

from lab.scripts import HangUp, Pause, Press, Step, WaitForBye
from routing.callback import Callback, Why
from routing.callback_desk import CallbackDesk
from routing.callback_live import read_all
from routing.callback_rules import load_callback_rules
from routing.store import fetch_callbacks
from tests.live.house import House
from tests.live.special_callback import CALLED_BACK
from tests.live.special_hours import CLOSED
from tests.live.test_waiting import AWAY_S, ask_all
from tieline import bus
from tieline.database import Database
from tieline.model import Business, Outcome, SiteId
from tieline.principal import os_principal
from tieline.settings import load_settings

pytestmark = pytest.mark.live

SITE = SiteId("xiamen")
TOLD_MS = 24_000
"""The first announcement begins after 20 s in hold."""


def entry_after(lab: House, business: Business, *steps: Step) -> Callback:
    """Call while nobody answers; give the entry that the call leaves, and take it away."""
    ask_all(lab, "not_ready", "meal", time.time() + AWAY_S)
    try:
        result = lab.call(CALLED_BACK, lab.script(CALLED_BACK, "min_nan", business, *steps))
    finally:
        ask_all(lab, "ready")
    assert result.calls
    lab.settle(calls=1)
    live = lab.lives[SITE]
    [entry] = lab.run(read_all(live))
    cancel(lab, entry)
    return entry


def in_sql(database: Database, entry: Callback) -> bool:
    with database.transaction(reading=True) as connection:
        return entry in fetch_callbacks(connection)


def cancel(lab: House, entry: Callback) -> None:
    """Take an entry back before somebody dials it, and wait until Redis knows."""
    database = Database(load_settings(lab.plan.settings_file, {}).database_url)
    while not in_sql(database, entry):
        lab.wait_for_news()
    CallbackDesk(database, load_callback_rules()).cancel(entry.call_id, os_principal(), why="test")
    database.close()
    while lab.run(read_all(lab.lives[SITE])):
        lab.wait_for_news()


def test_a_key_while_waiting_makes_an_entry_with_the_callers_place(lab: House) -> None:
    again = (Pause(6_000), Press("1"))  # a key before the first announcement is none
    entry = entry_after(lab, Business.BILLING, Pause(TOLD_MS), Press("1"), *again, *again, WaitForBye(40_000))
    call = lab.one()
    assert (call.outcome, call.hangup_source != call.channel) == (Outcome.ABANDONED_WAITING, True)
    assert (entry.why, entry.business, entry.dialect) == (Why.KEY, Business.BILLING, "min_nan")
    assert (entry.call_id, entry.number, entry.trunk) == (call.call_id, call.number, call.trunk)
    assert entry.since == pytest.approx(call.waiting_since, abs=0.01)


def test_who_hangs_up_waiting_for_repair_is_called_back(lab: House) -> None:
    entry = entry_after(lab, Business.REPAIR, Pause(6_000), HangUp())
    call = lab.one()
    assert (entry.why, entry.call_id, entry.business) == (Why.HUNG_UP, call.call_id, Business.REPAIR)
    assert entry.since == pytest.approx(call.waiting_since, abs=0.01)
    assert any(isinstance(event, bus.CallbackWanted) for event in lab.events(SITE))


def test_a_closed_business_offers_a_call_back(lab: House) -> None:
    entry = entry_after(lab, CLOSED, Pause(1_500), Press("2"), WaitForBye(40_000))
    assert (entry.why, entry.business) == (Why.CLOSED, CLOSED)
    assert lab.one().outcome is Outcome.SELF_SERVED

"""One of a site's two AGI servers is lost during calls: who is in a menu hears it from its start, others nothing."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.scripts import HangUp, Pause, Press, Talks
from tests.live.disturbed import Background, talking
from tests.live.house import House
from tieline import bus
from tieline.model import Business, Outcome, Witness

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]

SITE, NODE, CITY = "fuzhou", "fuzhou-1", "fuzhou"
IN_MENU = 4
NEW = 4


def in_second_question(lab: House) -> tuple[Background, dict[str, int]]:
    """Let callers choose a dialect and listen to the next question; gives each call and the server that leads it.

    Then they do what somebody does who hears the first question again: a key that gets lost, and all keys anew. From
    its start the menu takes the two keys for Mandarin and a complaint; where it was, the first of them is a repair.
    """
    before = {event.call_id for event in lab.events(SITE) if isinstance(event, bus.CallArrived)}
    steps = (Pause(600), Press("1"), Pause(5000), Press("9"), Pause(2500), Press("15"), Pause(3500), HangUp())
    calls = Background(lambda: lab.call(CITY, Talks(steps, bye_any_time=True), count=IN_MENU))
    while True:
        arrivals = [
            event for event in lab.events(SITE) if isinstance(event, bus.CallArrived) and event.call_id not in before
        ]
        if len(arrivals) == IN_MENU and {event.channel for event in arrivals} <= hearing(lab, "main_repair"):
            with ThreadPoolExecutor() as asking:  # at once: the callers' next keys are due
                servers = asking.map(lambda event: server_of(lab, event.channel), arrivals)
            return calls, dict(zip((event.call_id for event in arrivals), servers, strict=True))
        lab.wait_for_news()


def hearing(lab: House, prompt: str) -> set[str]:
    """Name the channels that are played prompts of which this is one."""
    lines = lab.asterisk(NODE, "core show channels concise").splitlines()
    return {line.split("!", 1)[0] for line in lines if f"/{prompt}" in line}


def server_of(lab: House, channel: str) -> int:
    """Tell which AGI server serves a channel."""
    found = re.search(r"^TL_SERVER=(\d)$", lab.asterisk(NODE, f"core show channel {channel}"), re.MULTILINE)
    assert found, channel
    return int(found[1])


@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_those_in_its_menu_hear_it_from_its_start_and_others_nothing(lab: House, how: str) -> None:
    talk = talking(lab, CITY, 6000)
    menu, servers = in_second_question(lab)
    lost = next(iter(servers.values()))
    part = lab.python(SITE)[1 + lost]
    lab.drill(how, part)
    if how == "kill":
        lab.drill("halt", part)
    try:
        new = lab.call(CITY, lab.script(CITY, "mandarin", Business.EXPANSION), count=NEW)
        for result in (new, menu.end(), talk.end()):
            assert result.is_scripted, result.faults
    finally:
        lab.drill("start", part)
    lab.settle(calls=1 + IN_MENU + NEW)
    calls = lab.records()
    assert {(call.outcome, call.net, call.witness) for call in calls} == {(Outcome.ANSWERED, False, Witness.AGI)}
    in_menu = {call.call_id: call.business for call in calls if call.call_id in servers}
    assert in_menu == {call: "complaint" if server == lost else "repair" for call, server in servers.items()}
    assert [call.business for call in calls].count("expansion") == NEW
    assert sorted(lab.ticket_calls()) == sorted(call.call_id for call in calls)

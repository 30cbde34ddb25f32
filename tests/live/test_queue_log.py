"""queue_log, written by Asterisk from what the matcher tells: a day recounted from it is the ledger's day."""

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lab.scripts import HangUp, Pause, Press, Talks
from tests.live.house import House
from tests.live.special_agents import BUSY, HANGS_UP
from tests.live.test_waiting import ask_all
from tieline.model import Outcome

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

NODE = "fuzhou-1"
AGENT_TALKS_S = 1.5
ENDS = {"ABANDON", "COMPLETECALLER", "COMPLETEAGENT", "EXITWITHTIMEOUT"}


@dataclass(frozen=True)
class Line:
    """One line, taken apart as a report tool does it."""

    at: int
    call: str
    queue: str
    agent: str
    event: str
    fields: tuple[str, ...]


def written(lab: House, since: float) -> Iterator[Line]:
    path = lab.plan.state / "nodes" / NODE / "log" / "queue_log"
    for text in path.read_text().splitlines():
        at, call, queue, agent, event, *fields = text.split("|")
        if int(at) >= int(since):
            yield Line(int(at), call, queue, agent, event, tuple(fields))


def recounted(lab: House) -> dict[str, list[Line]]:
    """Give the lines of each call that entered the pool, once the last of them has ended.

    Who hung up first is known some seconds later: an end of the test before may be written now.
    """
    while True:
        calls: dict[str, list[Line]] = defaultdict(list)
        ours = {call.uniqueid for call in lab.records()}
        for line in written(lab, lab.since):
            if line.call in ours and line.event in ENDS | {"ENTERQUEUE", "CONNECT", "RINGNOANSWER"}:
                calls[line.call].append(line)
        if len(calls) == len(ours) and all(lines[-1].event in ENDS for lines in calls.values()):
            return calls
        lab.wait_for_news()


def test_a_day_recounted_from_queue_log_is_the_ledgers(lab: House) -> None:
    for city, script, count in (
        ("fuzhou", lab.script("fuzhou"), 3),
        ("ningde", lab.script("ningde", "min_dong"), 2),
        ("nanping", Talks((Pause(600), Press("21"), Pause(9000), HangUp()), bye_any_time=True), 1),
        ("sanming", Talks((Pause(600), Press("21"), Pause(9000), HangUp()), bye_any_time=True), 1),
    ):
        assert lab.call(city, script, count=count).is_scripted
    ask_all(lab, "not_ready", "training", time.time() + 200)
    waiting = Talks((Pause(600), Press("11"), Pause(8000), HangUp()), bye_any_time=True)
    assert lab.call("fuzhou", waiting).is_scripted
    ask_all(lab, "ready")
    lab.settle(calls=8)
    calls, records = recounted(lab), {call.uniqueid: call for call in lab.records()}
    assert calls.keys() == records.keys()
    for uniqueid, lines in calls.items():
        record, events = records[uniqueid], [line.event for line in lines]
        assert (events.count("ENTERQUEUE"), sum(event in ENDS for event in events)) == (1, 1), "counted once"
        entered, ended = lines[0], lines[-1]
        assert (entered.queue, entered.fields[1]) == (f"{record.business}-{record.dialect}", record.number)
        assert entered.at == pytest.approx(record.waiting_since, abs=2)
        if record.outcome is Outcome.ANSWERED:
            [connect] = [line for line in lines if line.event == "CONNECT"]
            assert (connect.agent, ended.agent) == (record.agent, record.agent)
            waited_s = record.agent_answered_at - record.waiting_since
            assert int(connect.fields[0]) == pytest.approx(waited_s, abs=1.5)
            assert ended.fields[0] == connect.fields[0]
            if record.agent in HANGS_UP:
                assert ended.event == "COMPLETEAGENT"
                assert int(ended.fields[1]) == pytest.approx(AGENT_TALKS_S, abs=1)
            else:
                talked_s = record.hangup_at - record.agent_answered_at
                assert ended.event == "COMPLETECALLER"
                assert int(ended.fields[1]) == pytest.approx(talked_s, abs=1.5)
        else:
            assert (record.outcome, ended.event) == (Outcome.ABANDONED_WAITING, "ABANDON")
            assert int(ended.fields[2]) == pytest.approx(record.hangup_at - record.waiting_since, abs=1.5)
    answered = [call for call in records.values() if call.outcome is Outcome.ANSWERED]
    assert len(answered) == sum(line.event == "CONNECT" for lines in calls.values() for line in lines) == 7
    assert [line.agent for lines in calls.values() for line in lines if line.event == "RINGNOANSWER"] == [BUSY]


def test_breaks_are_told_for_each_queue_of_an_agent(lab: House) -> None:
    began = time.time()
    ask_all(lab, "not_ready", "meal", began + 200)
    ask_all(lab, "ready")
    found: dict[str, list[str]] = {}
    while found.get("a1001", [])[-2:] != ["PAUSE meal", "UNPAUSE "]:
        lab.wait_for_news()
        found = defaultdict(list)
        for line in written(lab, began):
            if line.queue == "repair-min_dong" and line.event in ("PAUSE", "UNPAUSE"):
                found[line.agent].append(f"{line.event} {line.fields[0]}")

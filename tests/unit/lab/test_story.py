"""Stories of calls out of the edge's lines and the bus."""

import pytest

from lab.story import Stories, Story, tally
from tieline import bus
from tieline.model import Outcome

pytestmark = pytest.mark.unit

CALL = "01a1fd5c-0550-74ce-ba97-4c807896ed0d"


def _arrived(refused_cause: int = 0) -> bus.CallArrived:
    return bus.CallArrived(
        at=100.2,
        call_id=CALL,
        node="fuzhou-1",
        channel="PJSIP/edge-1-1",
        uniqueid="fuzhou-1-1.0",
        city="fuzhou",
        number_state="shown",
        number="+8615405910001",
        refused_cause=refused_cause,
    )


def test_a_story_has_its_moments_in_order_of_time() -> None:
    stories = Stories()
    stories.take(bus.CallJournalled(at=109.0, call_id=CALL, node="fuzhou-1", outcome="answered", witness="agi"))
    stories.take(bus.MenuChosen(at=103.0, call_id=CALL, dialect="min_dong", business="repair"))
    stories.take(_arrived())
    stories.take(bus.TicketMade(at=110.0, call_id=CALL, ticket="T-1", kind="fault_report", city="fuzhou"))
    stories.take_accounting(f"ACC 100.1 {CALL} fuzhou - offered - -")
    story = stories.of_number("15405910001")
    assert story is stories.calls[CALL]
    assert [moment.what for moment in story.timeline()] == ["edge", "admit", "menu", "hang-up", "ticket"]
    assert (story.outcome, story.business, story.ticket, story.offered) == ("answered", "repair", "T-1", True)


def test_a_refusal_names_status_and_cause() -> None:
    stories = Stories()
    stories.take(_arrived(refused_cause=34))
    stories.take_accounting(f"ACC 100.9 {CALL} fuzhou fuzhou final 503 34")
    assert [(moment.what, moment.detail) for moment in stories.calls[CALL].timeline()] == [
        ("refuse", "fuzhou-1"),
        ("refused", "503, cause 34"),
    ]


@pytest.mark.parametrize("line", ["", "ACC 1.0 short", "NOT 1 2 3 4 5 6 7"])
def test_other_lines_are_ignored(line: str) -> None:
    stories = Stories()
    stories.take_accounting(line)
    assert not stories.calls


def test_the_newest_call_of_a_number_counts() -> None:
    stories = Stories()
    stories.take(_arrived())
    later = "01a1fd5c-0550-74ce-ba97-4c807896ed0e"
    stories.take(
        bus.CallArrived(**{**{f: getattr(_arrived(), f) for f in _arrived().__struct_fields__}, "call_id": later})
    )
    assert stories.of_number("+8615405910001") is stories.calls[later]


def test_books_balance_when_each_offered_call_has_one_outcome() -> None:
    calls = [
        Story("1", offered=True, outcome=Outcome.ANSWERED, ticket="T"),
        Story("2", offered=True, outcome=Outcome.ABANDONED_MENU),
        Story("3", offered=True, outcome=Outcome.REFUSED),
    ]
    books = tally(calls)
    assert (books.offered, books.answered, books.abandoned, books.refused, books.tickets) == (3, 1, 1, 1, 1)
    assert books.balances
    assert not tally([*calls, Story("4", offered=True)]).balances

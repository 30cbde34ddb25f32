"""Actions on queues: what they say, and what they refuse to say; how the net's members are mended."""

import pytest

from ami_bridge.actions import Action, Completion
from ami_bridge.events import QueueMember
from ami_bridge.net_members import mending
from ami_bridge.queue_actions import QueueAdd, QueueLog, QueuePause, QueueStatus, QueueSummary
from tieline import bus
from tieline.errors import LocalProtocolError

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("action", "headers"),
    [
        (QueuePause("a1001", paused=False), [("Interface", "PJSIP/a1001"), ("Paused", "false")]),
        (
            QueuePause("a1001", paused=True, reason="meal"),
            [("Interface", "PJSIP/a1001"), ("Paused", "true"), ("Reason", "meal")],
        ),
        (
            QueueAdd("net-min_dong", "a1001", 2, paused=True, reason="training"),
            [
                ("Queue", "net-min_dong"), ("Interface", "PJSIP/a1001"), ("MemberName", "a1001"),
                ("Penalty", "2"), ("Paused", "true"), ("Reason", "training"),
            ],
        ),
        (
            QueueLog("repair-puxian", "CONNECT", "fuzhou-1-17.3", "a1001", ("12", "fuzhou-1-17.9", "4")),
            [
                ("Queue", "repair-puxian"), ("Event", "CONNECT"), ("Uniqueid", "fuzhou-1-17.3"),
                ("Interface", "a1001"), ("Message", "12|fuzhou-1-17.9|4"),
            ],
        ),
    ],
)  # fmt: skip
def test_what_an_action_says(action: Action, headers: list[tuple[str, str]]) -> None:
    assert list(action.headers()) == headers
    assert (action.completion, action.replay_safe) == (Completion.RESPONSE, False)


def test_lists_end_as_lists() -> None:
    for action in (QueueStatus(), QueueSummary()):
        assert (action.completion, action.replay_safe) == (Completion.EVENT_LIST, True)


@pytest.mark.parametrize(
    "action",
    [
        QueuePause("a1001/sip:x", paused=True),
        QueuePause("edge-1", paused=True),
        QueuePause("a1001", paused=True, reason="lunch\r\nAction: Command"),
        QueueAdd("net fuzhou", "a1001", 0),
        QueueLog("q", "ABANDON", "1.2", "NONE", ("1|2",)),
        QueueLog("q", "abandon", "1.2", "NONE"),
        QueueLog("q", "ABANDON", "", "NONE"),
    ],
)
def test_what_is_no_queues_member_or_field_is_not_said(action: Action) -> None:
    with pytest.raises(LocalProtocolError):
        action.headers()


WANTED = bus.SetNetQueues(
    at=1.0,
    queues=(
        bus.NetQueue(name="net-1", members={"a1001": 0, "a1002": 1}),
        bus.NetQueue(name="net-2", members={"a1001": 2, "a1002": 0}),
    ),
    paused={"a1002": "meal"},
)


def listed(*members: tuple[str, str, int]) -> list[QueueMember]:
    return [QueueMember(queue, f"PJSIP/{agent}", paused) for queue, agent, paused in members]


def test_members_that_are_right_are_left_alone() -> None:
    right = listed(("net-1", "a1001", 0), ("net-2", "a1001", 0), ("net-1", "a1002", 1), ("net-2", "a1002", 1))
    assert list(mending(WANTED, right)) == []


def test_one_pause_that_differs_is_changed_in_all_queues_by_one_action() -> None:
    wrong = listed(("net-1", "a1001", 0), ("net-2", "a1001", 1), ("net-1", "a1002", 0), ("net-2", "a1002", 0))
    assert list(mending(WANTED, wrong)) == [QueuePause("a1001", paused=False), QueuePause("a1002", True, "meal")]


def test_who_is_missing_is_added_as_he_should_be_and_strangers_stay() -> None:
    wrong = listed(("net-1", "a1001", 0), ("net-2", "a1001", 0), ("net-2", "a1002", 1), ("vip", "a1001", 1))
    stranger = QueueMember("net-1", "Local/7@net", 0)
    assert list(mending(WANTED, [*wrong, stranger])) == [QueueAdd("net-1", "a1002", 1, paused=True, reason="meal")]

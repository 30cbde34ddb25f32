"""What the bridge tells Asterisk of a transfer, and what it does not."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from ami_bridge.actions import Action
from ami_bridge.client import Client
from ami_bridge.commands import CommandFollower
from ami_bridge.correlator import Reply
from ami_bridge.node_link import NodeLink
from tieline import bus
from tieline.live import Live

pytestmark = pytest.mark.unit

CALLER, LEG = "PJSIP/edge-1-00000001", "PJSIP/a1001-00000002"
NOW = 100.0


class Told:
    """Takes actions in place of a node; its channels have variables."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = variables
        self.actions: list[tuple[str, dict[str, str]]] = []

    async def do(self, action: Action, *, deadline_s: float) -> Reply:
        assert deadline_s > 0
        headers = dict(action.headers())
        self.actions.append((action.name, headers))
        return Reply(success=True, message="", value=self.variables.get(headers.get("Variable", ""), ""))


def follower(told: Told, legs: Mapping[tuple[str, str], str]) -> CommandFollower:
    return CommandFollower(
        "fuzhou-1",
        cast("Live", None),
        cast("Client", cast("Any", told)),
        NodeLink("fuzhou-1", "127.0.0.1", 5038, "tieline-call", ""),
        lambda: NOW,
        take_snapshot=lambda: None,
        leg_of=lambda call_id, agent: legs.get((call_id, agent), ""),
    )


def send_on(to: str, expires: float = NOW + 2) -> bus.SendOn:
    return bus.SendOn(at=NOW, call_id="fuzhou-1:1.1", channel=CALLER, to=to, expires=expires)


def consult(expires: float = NOW + 2) -> bus.Consult:
    return bus.Consult(
        at=NOW, call_id="fuzhou-1:1.1", agent="a1001", step="complete", to_agent="a1002", expires=expires
    )


async def test_a_caller_is_told_where_to_before_he_is_moved() -> None:
    told = Told({})
    await follower(told, {}).execute(send_on("billing:min_nan:a1002"))
    assert told.actions == [
        ("Setvar", {"Channel": CALLER, "Variable": "TL_TO", "Value": "billing:min_nan:a1002"}),
        ("Redirect", {"Channel": CALLER, "Context": "transfer", "Exten": "s", "Priority": "1"}),
    ]


async def test_a_late_transfer_moves_nobody() -> None:
    told = Told({})
    late = follower(told, {("fuzhou-1:1.1", "a1001"): LEG})
    await late.execute(send_on("billing::", expires=NOW))
    await late.execute(consult(expires=NOW))
    assert (told.actions, late.expired) == ([], 2)


@pytest.mark.parametrize("to", ["", "billing:min_nan", "billing:min_nan:a1|b", "${SHELL(x)}::", "::a1,b"])
async def test_a_destination_that_cannot_be_ours_is_refused(to: str) -> None:
    told = Told({})
    refusing = follower(told, {})
    await refusing.execute(send_on(to))
    assert (told.actions, refusing.refused) == ([], 1)


async def test_a_step_is_taken_on_the_leg_of_the_agent_in_that_call() -> None:
    told = Told({})
    await follower(told, {("fuzhou-1:1.1", "a1001"): LEG}).execute(consult())
    assert told.actions == [("PlayDTMF", {"Channel": LEG, "Digit": "B", "Receive": "true"})]
    gone = follower(told, {("fuzhou-1:2.2", "a1001"): LEG})
    await gone.execute(consult())
    assert (len(told.actions), gone.gone) == (1, 1)


async def test_who_waits_for_the_next_agent_keeps_the_name_of_the_last() -> None:
    told = Told({"TL_LEGS": "a1001:repair@50.000", "TL_BUSINESS": "repair"})
    note = bus.NoteLeg(at=NOW, call_id="fuzhou-1:1.1", channel=CALLER, agent="", begun_at=99.5)
    await follower(told, {}).execute(note)
    assert [headers for name, headers in told.actions if name == "Setvar"] == [
        {"Channel": CALLER, "Variable": "TL_LEGS", "Value": "a1001:repair@50.000-99.500"}
    ]


async def test_the_next_agent_is_noted_on_the_callers_channel() -> None:
    told = Told({"TL_LEGS": "a1001:repair@50.000", "TL_BUSINESS": "repair"})
    note = bus.NoteLeg(at=NOW, call_id="fuzhou-1:1.1", channel=CALLER, agent="a1002", begun_at=99.5)
    await follower(told, {}).execute(note)
    assert [headers for name, headers in told.actions if name == "Setvar"] == [
        {"Channel": CALLER, "Variable": "TL_LEGS", "Value": "a1001:repair@50.000-99.500&a1002:repair@99.500"},
        {"Channel": CALLER, "Variable": "TL_AGENT", "Value": "a1002"},
    ]

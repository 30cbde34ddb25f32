"""What the steps of a consultation are for Asterisk: keys of its attended transfer, pressed on the agent's leg. Pure.

The keys are those of `asterisk-conf/base/features.conf.j2`, which no telephone has.

Source:
    Asterisk f0c1c1a main/bridge_basic.c `grab_transfer`: `TRANSFER_EXTEN` and `TRANSFER_CONTEXT` on the agent's leg
    stand for what he would dial, letters too; main/manager.c `manager_play_dtmf`.
"""

import re
from collections.abc import Iterator
from typing import Final

from ami_bridge.actions import Action, PlayDTMF, Setvar
from tieline import bus
from tieline.errors import LocalProtocolError

CONTEXT: Final = "consult"
_KEYS: Final = {"consult": "A", "complete": "B", "join": "C", "back": "D"}
_AGENT: Final = re.compile(r"a[0-9]{3,8}")
_NODE: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
WAY: Final = "_TL_CONSULT"
"""Inherited by the Local channel that runs the context: `<node>:<fence>`, empty when this node reaches the phone."""


def actions_of(command: bus.Consult, channel: str) -> Iterator[Action]:
    """Yield what Asterisk is told, in order.

    Args:
        command: The step.
        channel: The first agent's leg.

    Raises:
        LocalProtocolError: There is no such step, agent or node.
    """
    key = _KEYS.get(command.step)
    if key is None or _AGENT.fullmatch(command.to_agent) is None:
        raise LocalProtocolError(f"no consultation: {command.step!r} with {command.to_agent!r}")
    if command.by_way_of and _NODE.fullmatch(command.by_way_of) is None:
        raise LocalProtocolError(f"no node: {command.by_way_of!r}")
    if command.step == "consult":
        yield Setvar(channel, WAY, f"{command.by_way_of}:{command.fence}" if command.by_way_of else "")
        yield Setvar(channel, "TRANSFER_EXTEN", command.to_agent)
        yield Setvar(channel, "TRANSFER_CONTEXT", CONTEXT)
    yield PlayDTMF(channel, key)


def legs_with_next(legs: str, business: str, command: bus.NoteLeg) -> str:
    """Give `TL_LEGS` with the last part ended and the next one begun, if the caller has a next agent already."""
    if command.agent and _AGENT.fullmatch(command.agent) is None:
        raise LocalProtocolError(f"no agent: {command.agent!r}")
    at = f"{command.begun_at:.3f}"
    ended = f"{legs}-{at}" if legs.count("@") > legs.count("-") else legs
    return "&".join(filter(None, (ended, command.agent and f"{command.agent}:{business}@{at}")))

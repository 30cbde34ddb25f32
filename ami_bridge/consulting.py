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
_TIME: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{0,9})?")
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


def legs_after(legs: str, business: str, command: bus.NoteLeg) -> str:
    """Give `TL_LEGS` with the part of an agent begun, if the caller has one, and unless it goes on; all others end.

    What is open stands last: the dialplan ends the last part (`leg-over`).
    """
    if command.agent and _AGENT.fullmatch(command.agent) is None:
        raise LocalProtocolError(f"no agent: {command.agent!r}")
    at, parts = f"{command.begun_at:.3f}", [part for part in legs.split("&") if part]
    own = [part for part in parts if part.startswith(f"{command.agent}:")]
    if not command.beside:
        parts = [part if "-" in part or part in own else f"{part}-{at}" for part in parts]
    if command.agent and not any(_goes_on(part, command.begun_at) for part in own):
        parts.append(f"{command.agent}:{business}@{at}")
    return "&".join(sorted(parts, key=_is_open))


def _is_open(part: str) -> bool:
    return "-" not in part


def _goes_on(part: str, at: float) -> bool:
    """Tell whether a part of a talk is open, or ended later: news of its beginning came late."""
    end = _TIME.fullmatch(part.rpartition("-")[2])
    return _is_open(part) or (end is not None and float(end[0]) > at)

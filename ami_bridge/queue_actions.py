"""The AMI actions on the safety net's queues and on queue_log. Source: Asterisk 22 apps/app_queue.c."""

import re
from typing import ClassVar, Final

from ami_bridge.actions import Action, Completion, Headers
from tieline import bus
from tieline.errors import LocalProtocolError

_AGENT: Final = re.compile(r"a[0-9]{1,15}")
_QUEUE: Final = re.compile(r"[a-z0-9_-]{1,80}")
"""Asterisk cuts a queue's name at 80 bytes (AST_MAX_EXTENSION)."""
_REASON: Final = re.compile(r"[a-z_]{0,79}")
_EVENT: Final = re.compile(r"[A-Z]{1,32}")
_ID: Final = re.compile(r"[A-Za-z0-9:._-]{1,128}")
_FIELD: Final = re.compile(r"[A-Za-z0-9 :+._/-]{0,128}")
_INTERFACE: Final = "PJSIP/"


class QueueSummary(Action, frozen=True, gc=False):
    """List every queue by `Queue`."""

    completion: ClassVar[Completion] = Completion.EVENT_LIST
    replay_safe: ClassVar[bool] = True


class QueueStatus(Action, frozen=True, gc=False):
    """List every queue with its members (`events.QueueMember`)."""

    completion: ClassVar[Completion] = Completion.EVENT_LIST
    replay_safe: ClassVar[bool] = True


class QueuePause(Action, frozen=True, gc=False):
    """Let the queues ring an agent, or not: in all of which he is a member, because none is named.

    Not replayed: by then another one may have been said.
    """

    agent: str
    paused: bool
    reason: str = ""

    def headers(self) -> Headers:
        """See `Action.headers`."""
        said = (("Interface", interface_of(self.agent)), ("Paused", "true" if self.paused else "false"))
        return (*said, *((("Reason", _checked(_REASON, self.reason)),) if self.reason else ()))


class QueueAdd(Action, frozen=True, gc=False):
    """Add an agent to a queue. Not replayed, as `QueuePause`."""

    queue: str
    agent: str
    penalty: int
    paused: bool = False
    reason: str = ""

    def headers(self) -> Headers:
        """See `Action.headers`."""
        return (
            ("Queue", _checked(_QUEUE, self.queue)),
            ("Interface", interface_of(self.agent)),
            ("MemberName", self.agent),
            ("Penalty", str(max(0, self.penalty))),
            ("Paused", "true" if self.paused else "false"),
            *((("Reason", _checked(_REASON, self.reason)),) if self.reason else ()),
        )


class QueueLog(Action, frozen=True, gc=False):
    """Write a line into Asterisk's queue_log: `<time>|<uniqueid>|<queue>|<agent>|<event>|<fields>`.

    Not replayed: the line would stand there twice.

    Attributes:
        uniqueid: Of the caller's channel, or `NONE` or `MANAGER` as Asterisk writes them.
        agent: Id, or `NONE`.
        fields: What follows the event; joined with `|`.
    """

    queue: str
    event: str
    uniqueid: str
    agent: str
    fields: tuple[str, ...] = ()

    def headers(self) -> Headers:
        """See `Action.headers`; a field with a `|` would be two."""
        return (
            ("Queue", _checked(_QUEUE, self.queue)),
            ("Event", _checked(_EVENT, self.event)),
            ("Uniqueid", _checked(_ID, self.uniqueid)),
            ("Interface", _checked(_ID, self.agent)),
            *((("Message", "|".join(_checked(_FIELD, field) for field in self.fields)),) if self.fields else ()),
        )


def queue_log(line: bus.QueueLine) -> QueueLog:
    """Give the action that writes a line."""
    return QueueLog(line.queue, line.event, line.uniqueid, line.agent, line.fields)


def interface_of(agent: str) -> str:
    """Give the interface of an agent's phone as queues.conf names it."""
    return _INTERFACE + _checked(_AGENT, agent)


def agent_of_interface(interface: str) -> str:
    """Give the agent of a queue's member, or nothing when it is none of ours."""
    agent = interface.removeprefix(_INTERFACE)
    return agent if interface.startswith(_INTERFACE) and _AGENT.fullmatch(agent) else ""


def _checked(form: re.Pattern[str], text: str) -> str:
    if form.fullmatch(text) is None:
        raise LocalProtocolError(f"not for a queue: {text!r}")
    return text

"""The AMI actions we use, as frozen types: what they say, how they end, and whether they may be said twice."""

import re
from enum import Enum, StrEnum
from typing import ClassVar, Final

import msgspec

from tieline.errors import LocalProtocolError

_CHANNEL: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*/[!-~]{1,200}")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,79}")
"""With `-`, which ids of cities may hold; what Asterisk takes for a function has brackets."""

_MARK: Final = re.compile(r"TIELINE_[A-Z]{1,16}_[0-9a-f]{1,32}")
"""The name of no function that Asterisk has."""

Headers = tuple[tuple[str, str], ...]


class Completion(Enum):
    """How the answer to an action ends; known by the action, never guessed from the answer's prose."""

    RESPONSE = "one response"
    EVENT_LIST = "a response with `EventList: start`, events, and one with `EventList: Complete`"


class Action(msgspec.Struct, frozen=True, gc=False):
    """Base of every action.

    Attributes:
        name: The action's name on the wire: the name of its class, unless said otherwise.
        completion: How the answer ends.
        replay_safe: True when saying it again after a lost connection does no harm: only then it is sent again.
    """

    name: ClassVar[str] = ""
    completion: ClassVar[Completion] = Completion.RESPONSE
    replay_safe: ClassVar[bool] = False

    def __init_subclass__(cls, **options: bool) -> None:
        cls.name = cls.__dict__.get("name", cls.__name__)

    def headers(self) -> Headers:
        """Give the headers of this action after `Action` and `ActionID`; raises LocalProtocolError."""
        return ()


class Login(Action, frozen=True, gc=False):
    """Log in. Not replayed: each connection logs in for itself."""

    username: str
    secret: str

    def headers(self) -> Headers:
        """See `Action.headers`."""
        return (("Username", self.username), ("Secret", self.secret), ("Events", "on"))

    def __repr__(self) -> str:
        return f"Login(username={self.username!r}, secret='***')"


class Ping(Action, frozen=True, gc=False):
    """Ask for a sign of life of this very connection; pointless on another one."""


class Setvar(Action, frozen=True, gc=False):
    """Set a variable of a channel. Not replayed: the mailbox could get a word again that was taken out already."""

    channel: str
    variable: str
    value: str

    def headers(self) -> Headers:
        """See `Action.headers`; functions such as `SHELL(…)` are refused as names."""
        return (("Channel", _channel(self.channel)), ("Variable", _variable(self.variable)), ("Value", self.value))


class StopSound(Action, frozen=True, gc=False):
    """Stop the sound that a script plays to a channel, as a key would; without such a sound nothing happens.

    Source:
        Asterisk f0c1c1a apps/app_controlplayback.c `controlplayback_manager`, main/channel.c and main/file.c: where
        sound is waited for, the frame it queues ends the wait.
    """

    name: ClassVar[str] = "ControlPlayback"

    channel: str

    def headers(self) -> Headers:
        """See `Action.headers`."""
        return (("Channel", _channel(self.channel)), ("Control", "stop"))


class SetGlobal(Action, frozen=True, gc=False):
    """Set a global variable of the node (`Setvar` without a channel). The last writer wins, a repeat is harmless."""

    name: ClassVar[str] = "Setvar"
    replay_safe: ClassVar[bool] = True

    variable: str
    value: str

    def headers(self) -> Headers:
        """See `Action.headers`; functions are refused as names."""
        return (("Variable", _variable(self.variable)), ("Value", self.value))


class Getvar(Action, frozen=True, gc=False):
    """Ask for a variable of a channel; an error when the channel is gone."""

    replay_safe: ClassVar[bool] = True

    channel: str
    variable: str

    def headers(self) -> Headers:
        """See `Action.headers`; functions are refused as names."""
        return (("Channel", _channel(self.channel)), ("Variable", _variable(self.variable)))


class Hangup(Action, frozen=True, gc=False):
    """Hang a channel up with a Q.850 cause (1 to 127)."""

    replay_safe: ClassVar[bool] = True  # a channel's name is never used twice by one Asterisk process

    channel: str
    cause: int

    def headers(self) -> Headers:
        """See `Action.headers`."""
        if not 1 <= self.cause <= 127:
            raise LocalProtocolError(f"no Q.850 cause: {self.cause}")
        return (("Channel", _channel(self.channel)), ("Cause", str(self.cause)))


class PlayDTMF(Action, frozen=True, gc=False):
    """Press a key on a channel, as if its phone had. Not replayed: it would be pressed twice."""

    channel: str
    digit: str

    def headers(self) -> Headers:
        """See `Action.headers`."""
        return (("Channel", _channel(self.channel)), ("Digit", self.digit), ("Receive", "true"))


class Redirect(Action, frozen=True, gc=False):
    """Send a channel elsewhere in the dialplan. Not replayed: by then the caller may be in a talk with somebody."""

    channel: str
    context: str
    exten: str
    priority: int = 1

    def headers(self) -> Headers:
        """See `Action.headers`."""
        place = (("Context", self.context), ("Exten", self.exten), ("Priority", str(self.priority)))
        return (("Channel", _channel(self.channel)), *place)


class Originate(Action, frozen=True, gc=False):
    """Call somebody and bring him into the dialplan. Never replayed: a customer would be called twice.

    Attributes:
        timeout_ms: How long to ring, milliseconds (`Dial` counts in seconds).
        account: Account code of the new channel: the call id.
        variables: Names and values for the new channel; no value may hold a comma, Asterisk splits there.
    """

    channel: str
    context: str
    exten: str
    timeout_ms: int
    account: str
    caller_id: str = ""
    variables: Headers = ()

    def headers(self) -> Headers:
        """See `Action.headers`."""
        for name, value in self.variables:
            _variable(name)
            if "," in value:
                raise LocalProtocolError(f"Originate cannot carry a comma in the variable {name}")
        return (
            ("Channel", _channel(self.channel)),
            ("Context", self.context),
            ("Exten", self.exten),
            ("Priority", "1"),
            ("Timeout", str(self.timeout_ms)),
            ("Account", self.account),
            *((("CallerID", self.caller_id),) if self.caller_id else ()),
            ("Async", "true"),
            *(("Variable", f"{name}={value}") for name, value in self.variables),
        )


class CoreShowChannels(Action, frozen=True, gc=False):
    """List every channel (`events.CoreShowChannel`)."""

    completion: ClassVar[Completion] = Completion.EVENT_LIST
    replay_safe: ClassVar[bool] = True


class PJSIPShowContacts(Action, frozen=True, gc=False):
    """List every contact of every endpoint (`events.ContactList`)."""

    completion: ClassVar[Completion] = Completion.EVENT_LIST
    replay_safe: ClassVar[bool] = True


class PJSIPShowEndpoints(Action, frozen=True, gc=False):
    """List every endpoint by `ObjectName`."""

    completion: ClassVar[Completion] = Completion.EVENT_LIST
    replay_safe: ClassVar[bool] = True


class ShowDialPlan(Action, frozen=True, gc=False):
    """List every priority of the dialplan, by `Context`; `Registrar` says which module brought it."""

    completion: ClassVar[Completion] = Completion.EVENT_LIST
    replay_safe: ClassVar[bool] = True


class Reloadable(StrEnum):
    """Modules that may be told to read their configuration again; calls in progress go on over each of them."""

    DIALPLAN = "pbx_config.so"
    PJSIP = "res_pjsip.so"
    QUEUES = "app_queue.so"
    MUSIC = "res_musiconhold.so"
    MANAGER = "manager"


class Reload(Action, frozen=True, gc=False):
    """Let a module read its configuration again. Success only says that it tried."""

    replay_safe: ClassVar[bool] = True

    module: Reloadable

    def headers(self) -> Headers:
        """See `Action.headers`."""
        return (("Module", self.module),)


class MarkLog(Action, frozen=True, gc=False):
    """Leave a line with a mark in the log: Asterisk complains that there is no such function.

    The log is written by a thread of its own, in order: what was logged before the mark stands before it. There is
    no plainer way without the right to run commands.
    """

    name: ClassVar[str] = "Getvar"

    mark: str

    def headers(self) -> Headers:
        """See `Action.headers`."""
        if _MARK.fullmatch(self.mark) is None:
            raise LocalProtocolError(f"no mark: {self.mark!r}")
        return (("Variable", f"{self.mark}()"),)


class Filter(Action, frozen=True, gc=False):
    """Add one event filter, in the form of `eventfilter` in manager.conf, to this session; so it is not replayed."""

    filter: str

    def headers(self) -> Headers:
        """See `Action.headers`."""
        return (("Operation", "Add"), ("Filter", self.filter))


def _channel(name: str) -> str:
    """Check a channel's name: `Technology/rest`. A name that begins with `/` would be a pattern over all channels."""
    if _CHANNEL.fullmatch(name) is None:
        raise LocalProtocolError(f"no channel name: {name!r}")
    return name


def _variable(name: str) -> str:
    """Check a plain variable's name: anything else could be a function, which Asterisk would call."""
    if _VARIABLE.fullmatch(name) is None:
        raise LocalProtocolError(f"no variable name: {name!r}")
    return name

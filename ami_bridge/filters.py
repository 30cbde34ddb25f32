"""Which AMI events a node sends us: the lines of manager.conf, as data.

A call makes 119 events and 49 kB when nothing is filtered, and at most 20 events with these lines
(tests/live/ami_bridge counts them on a real Asterisk 22). Filtering at the source saves the socket and Python,
not Asterisk. Syntax: Asterisk 22, `eventfilter(action(include),name(…),header(…),method(…)) = value`; an event
passes when any line lets it pass.
"""

from collections.abc import Iterable
from typing import Final

ENTRY_DEFAULT: Final = "edge"
"""The endpoint callers come in by when nothing else is said."""

READ_CLASSES: Final = ("call", "user", "agent", "system", "dtmf")
"""`read=` of the AMI user: channels and dials, UserEvent, queues, contacts and boot, keys."""

WRITE_CLASSES: Final = ("call", "agent", "reporting", "system")
"""`write=` of the AMI user, the least that serves: Setvar, Getvar, ControlPlayback, Redirect, PlayDTMF and Hangup
need `call`; QueuePause, QueueAdd and QueueLog `agent`; the dialplan's list `reporting`; the list of contacts and
reloads `system` (refused with `reporting` alone, tried). Not `command`, and not `originate`: with that it could call
anywhere, and together with `system` run any application.

Source: Asterisk f0c1c1a main/manager.c, main/pbx.c, apps/app_queue.c, apps/app_controlplayback.c,
res/res_pjsip/pjsip_options.c: the class given as each action is registered; `is_originate_app_permitted`."""

CALLER_READ_CLASSES: Final = ("system",)
CALLER_WRITE_CLASSES: Final = ("originate",)
"""Of the AMI user that calls customers back and does nothing else; of events it gets FullyBooted alone."""

EVENTS_OF_ALL: Final = (
    "Hangup",
    "DialBegin",
    "DialEnd",
    "BridgeEnter",
    "BridgeLeave",
    "UserEvent",
    "Hold",
    "Unhold",
    "BlindTransfer",
    "AttendedTransfer",
    "QueueCallerJoin",
    "QueueCallerAbandon",
    "AgentConnect",
    "AgentComplete",
    "ContactStatus",
    "FullyBooted",
    "Shutdown",
)
"""Events wanted whatever channel they are about."""

EVENTS_OF_ENTRY: Final = ("Newchannel", "NewAccountCode")
"""Events wanted only about channels that callers come in by: they are too many for the rest."""

EVENTS_OF_HOLD: Final = ("DTMFEnd",)
"""Keys, wanted from the dialplan's context `hold` alone: elsewhere a script takes them itself, or nobody does."""

NEVER_MADE: Final = (
    "AGIExecEnd",
    "AGIExecStart",
    "BridgeCreate",
    "BridgeDestroy",
    "ChallengeSent",
    "DeviceStateChange",
    "DialState",
    "DTMFBegin",
    "HangupHandlerPop",
    "HangupHandlerPush",
    "HangupHandlerRun",
    "HangupRequest",
    "LocalBridge",
    "MusicOnHoldStart",
    "MusicOnHoldStop",
    "NewCallerid",
    "NewConnectedLine",
    "Newexten",
    "Newstate",
    "QueueCallerLeave",
    "QueueMemberStatus",
    "RTCPReceived",
    "RTCPSent",
    "SoftHangupRequest",
    "SuccessfulAuth",
    "TestEvent",
    "VarSet",
)
"""`disabledevents=`: what a call makes most of and no line lets pass. A filter only saves the socket and Python;
an event that is disabled for all is not even put together."""


def event_filters(entry_endpoints: Iterable[str]) -> tuple[str, ...]:
    """Give the `eventfilter` lines of manager.conf for one node.

    Args:
        entry_endpoints: Names of the PJSIP endpoints callers come in by, e.g. `edge`.
    """
    everywhere = [f"eventfilter(action(include),name({name})) =" for name in EVENTS_OF_ALL]
    entering = [
        f"eventfilter(action(include),name({name}),header(Channel),method(starts_with)) = PJSIP/{endpoint}-"
        for endpoint in entry_endpoints
        for name in EVENTS_OF_ENTRY
    ]
    holding = [
        f"eventfilter(action(include),name({name}),header(Context),method(exact)) = hold" for name in EVENTS_OF_HOLD
    ]
    return (*everywhere, *holding, *entering)


def caller_filters() -> tuple[str, ...]:
    """Give the `eventfilter` line of the AMI user that calls customers."""
    return ("eventfilter(action(include),name(FullyBooted)) =",)

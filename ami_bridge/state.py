"""What a node is doing, kept up from its AMI events: a reducer without I/O.

`NodeState.apply(event, now)` changes the state in place (a copy for each event would cost more than all the rest)
and gives what the bus is to be told. Channels are keyed by their full Uniqueid; the call id is their account code.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ami_bridge import events as ami
from ami_bridge.forms import agent_of, agent_over_node, is_agent, is_city, is_offer, maybe_digits
from tieline import bus
from tieline.model import RefusalCause, is_call_id

_KEYS: Final = frozenset("0123456789*#ABCD")
_CAUSES: Final = frozenset(str(int(cause)) for cause in RefusalCause)
_REACHABLE: Final = {"Reachable": True, "NonQualified": True, "Unreachable": False, "Removed": False}
"""NonQualified: registered and not asked yet, or never asked (qualify off); other words change nothing."""

_ENDED_KEPT: Final = 2048
"""Ends remembered: 10 s of a storm at 40 calls/s with five legs each; a list of channels takes well under one."""

_is_call_id: Final = functools.lru_cache(4096)(is_call_id)
"""A call's id comes with each of its events: its form is looked at once."""

Told = tuple[bus.Event, ...]
_NOTHING: Final[Told] = ()


@dataclass(slots=True)
class Leg:
    """One channel that matters: a caller's own, or an agent's: his phone's, or the trunk to the node that rings it.

    Attributes:
        call_id: Empty until the dialplan has set the account code.
        agent: The agent whose phone it rings; empty for a caller's own channel.
        seen_at: Last sign of life, Unix seconds.
        dialled: True for an agent's leg that was dialled for its call.
        city: Of a caller's own channel, once the node was asked for it.
    """

    channel: str
    uniqueid: str
    call_id: str
    agent: str
    seen_at: float
    dialled: bool = False
    city: str = ""


class NodeState:
    """The callers' and agents' channels of one node, and which agents' phones it reaches.

    Args:
        node: Node id for what is told.
        entry_endpoints: PJSIP endpoints callers come in by.

    Attributes:
        legs: Channels by Uniqueid.
        contacts: Reachable contacts (URIs) of each agent.
        started_at: When the node started, Unix seconds, at most a second too late; 0 until it told.
        hostile: Values that were dropped because they cannot be ours: a call id of the wrong form, a fence that is
            no number, a grant for another call than the channel's.
    """

    def __init__(self, node: str, entry_endpoints: tuple[str, ...]) -> None:
        self.node = node
        self.legs: dict[str, Leg] = {}
        self.contacts: dict[str, set[str]] = {}
        self.started_at = 0.0
        self.hostile = 0
        self._entries = tuple(f"PJSIP/{endpoint}-" for endpoint in entry_endpoints)
        self._ended: dict[str, None] = {}  # in order of their end, the last _ENDED_KEPT
        self._handlers: dict[type[ami.AmiEvent], Callable[[Any, float], Told]] = {
            ami.Hangup: self._hangup,
            ami.DialBegin: self._dial_begin,
            ami.DialEnd: self._dial_end,
            ami.UserEvent: self._user_event,
            ami.DTMFEnd: self._key,
            ami.BlindTransfer: self._transferred,
            ami.AttendedTransfer: self._transferred,
            ami.ContactStatus: self._contact_status,
            ami.FullyBooted: self._booted,
        }

    def apply(self, event: ami.AmiEvent, now: float) -> Told:
        """Take one event and give what the bus is to be told, in order."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            return handler(event, now)
        if isinstance(event, ami.ChannelEvent):
            self.touch(event, now)
        return _NOTHING

    def is_entry(self, channel: str) -> bool:
        """Tell whether a channel is one that a caller came in by."""
        return channel.startswith(self._entries)

    def matters(self, channel: str) -> bool:
        """Tell whether a channel is a caller's own or an agent's."""
        return self.is_entry(channel) or bool(agent_of(channel))

    def touch(self, event: ami.ChannelEvent, now: float) -> Leg | None:
        """Note a sign of life of a channel; a caller's or agent's one that was not known is added."""
        leg = self.legs.get(event.uniqueid)
        if leg is None:
            return self.add(event.channel, event.uniqueid, event.account_code, now)
        leg.seen_at = now
        if leg.call_id != event.account_code:
            leg.call_id = self.checked_call_id(event.account_code) or leg.call_id
        return leg

    def add(self, channel: str, uniqueid: str, account_code: str, now: float) -> Leg | None:
        """Add a channel, unless it is neither a caller's nor an agent's, or its end is known already."""
        agent = agent_of(channel)
        if not (agent or self.is_entry(channel)):
            return None
        return self._add(channel, uniqueid, self.checked_call_id(account_code), agent, now)

    def _add(self, channel: str, uniqueid: str, call_id: str, agent: str, now: float) -> Leg | None:
        if not uniqueid or uniqueid in self._ended:
            return None
        leg = self.legs[uniqueid] = Leg(channel, uniqueid, call_id, agent, now)
        return leg

    def checked_call_id(self, text: str) -> str:
        """Give a call id that has the right form, else nothing; a wrong one is counted."""
        if not text or _is_call_id(text):
            return text
        self.hostile += 1
        return ""

    def ended_lately(self, uniqueid: str) -> bool:
        """Tell whether a channel's end is known: a list or an event still on its way must not bring it back."""
        return uniqueid in self._ended

    def city_of(self, uniqueid: str) -> str:
        """Give the city of a caller's channel, as far as the node was asked for it."""
        leg = self.legs.get(uniqueid)
        return leg.city if leg is not None else ""

    def drop(self, leg: Leg, cause: int, at: float, *, estimated: bool) -> Told:
        """Forget a channel and say so."""
        self.legs.pop(leg.uniqueid, None)
        self._ended[leg.uniqueid] = None
        if len(self._ended) > _ENDED_KEPT:
            del self._ended[next(iter(self._ended))]
        if not leg.call_id:
            return _NOTHING
        if not leg.agent:
            return (
                bus.CallGone(
                    at=at,
                    call_id=leg.call_id,
                    node=self.node,
                    channel=leg.channel,
                    uniqueid=leg.uniqueid,
                    cause=cause,
                    estimated=estimated,
                ),
            )
        # A leg that was not dialled for the call is the agent's own (a consultation): a transfer gives it the account
        # code of the call, but the call never rang there.
        if not leg.dialled or any(other.dialled for other in self._other_legs(leg)):
            return _NOTHING
        return (bus.AgentLegGone(at=max(at, leg.seen_at), call_id=leg.call_id, agent=leg.agent),)

    def set_contacts(self, agent: str, uris: set[str], now: float) -> Told:
        """Replace what is known of an agent's phones; tells when he becomes reachable or unreachable."""
        before = bool(self.contacts.get(agent))
        if uris:
            self.contacts[agent] = uris
        else:
            self.contacts.pop(agent, None)
        if bool(uris) == before:
            return _NOTHING
        return (bus.PhoneSeen(at=now, agent=agent, node=self.node, reachable=bool(uris)),)

    def leg_of(self, call_id: str, agent: str) -> str:
        """Give the channel of an agent in a call, or nothing."""
        legs = (leg.channel for leg in self.legs.values() if (leg.call_id, leg.agent) == (call_id, agent))
        return next(legs, "")

    def _other_legs(self, leg: Leg) -> list[Leg]:
        """Find the agent's further legs of the same call: all his phones ring, and the losers hang up."""
        return [
            other
            for other in self.legs.values()
            if other.agent == leg.agent and other.call_id == leg.call_id and other is not leg
        ]

    def _hangup(self, event: ami.Hangup, now: float) -> Told:
        leg = self.touch(event, now)
        at = event.timestamp if event.timestamp > 0 else now
        return _NOTHING if leg is None else self.drop(leg, event.cause, at, estimated=False)

    def _dialled(self, event: ami.DialEvent, now: float) -> Leg | None:
        """Note both sides of a dial; gives the agent's leg, None when it is no agent's or of no call."""
        if event.uniqueid:
            self.touch(event, now)
        call_id = self.checked_call_id(event.account_code or event.dest_account_code)
        leg = self.legs.get(event.dest_uniqueid)
        # A trunk's channel does not name the agent: what is dialled does, when the dial begins.
        dialled = event.dial_string if isinstance(event, ami.DialBegin) else ""
        agent = leg.agent if leg is not None else agent_of(event.dest_channel) or agent_over_node(dialled)
        if not call_id or not agent:
            return None
        leg = leg or self._add(event.dest_channel, event.dest_uniqueid, call_id, agent, now)
        if leg is not None:
            leg.seen_at, leg.call_id = now, call_id
            leg.dialled = leg.dialled or isinstance(event, ami.DialEnd)
        return leg

    def _dial_begin(self, event: ami.DialBegin, now: float) -> Told:
        leg = self._dialled(event, now)
        if leg is None:
            return _NOTHING
        leg.dialled = True
        if any(other.dialled for other in self._other_legs(leg)):
            return _NOTHING
        return (bus.AgentRinging(at=now, call_id=leg.call_id, agent=leg.agent),)

    def _dial_end(self, event: ami.DialEnd, now: float) -> Told:
        leg = self._dialled(event, now)
        if leg is None or event.dial_status != "ANSWER":
            return _NOTHING
        return (bus.AgentAnswered(at=now, call_id=leg.call_id, agent=leg.agent, uniqueid=leg.uniqueid),)

    def _user_event(self, event: ami.UserEvent, now: float) -> Told:
        leg = self.touch(event, now)
        if event.name == "TielineLine":
            return self._line_held(leg, event, now)
        if event.name == "TielineRefused":
            return self._refused(leg, event, now)
        if event.name not in ("TielineTaken", "TielineFailed", "TielineStatic"):
            return _NOTHING
        ours = _is_call_id(event.call_id) and event.call_id == event.account_code
        if ours and event.name == "TielineStatic":
            return (bus.CallInNet(at=now, call_id=event.call_id, node=self.node),)
        if not ours or not is_offer(event.agent, event.fence, event.status):
            self.hostile += 1
            return _NOTHING
        call_id, agent, fence = event.call_id, event.agent, int(event.fence)
        if event.name == "TielineFailed":
            return (bus.OfferFailed(at=now, call_id=call_id, agent=agent, fence=fence, status=event.status),)
        return (bus.OfferTaken(at=now, call_id=call_id, channel=event.channel, agent=agent, fence=fence),)

    def _line_held(self, leg: Leg | None, event: ami.UserEvent, now: float) -> Told:
        if leg is None or leg.agent or not is_city(event.city):
            self.hostile += 1
            return _NOTHING
        leg.city = event.city
        held = bus.LineHeld(
            at=now,
            call_id=leg.call_id,
            node=self.node,
            uniqueid=leg.uniqueid,
            city=leg.city,
            raw_number=maybe_digits(event.caller_number),
        )
        return (held,)

    def _refused(self, leg: Leg | None, event: ami.UserEvent, now: float) -> Told:
        if leg is None or leg.agent or not is_city(event.city) or event.cause not in _CAUSES:
            self.hostile += 1
            return _NOTHING
        cause = int(event.cause)
        return (bus.CallRefused(at=now, call_id=leg.call_id, node=self.node, city=event.city, cause=cause),)

    def _booted(self, event: ami.FullyBooted, now: float) -> Told:
        self.started_at = now - event.uptime_s if event.uptime_s >= 0 else 0.0
        return _NOTHING

    def _key(self, event: ami.DTMFEnd, now: float) -> Told:
        leg = self.touch(event, now)
        if leg is None or leg.agent or not leg.call_id or event.direction != "Received" or event.digit not in _KEYS:
            return _NOTHING
        return (bus.CallerKey(at=now, call_id=leg.call_id, digit=event.digit),)

    def _transferred(self, event: ami.BlindTransfer | ami.AttendedTransfer, now: float) -> Told:
        call_id = self.checked_call_id(event.transferee_account_code or event.transferer_account_code)
        if event.result != "Success" or not call_id:
            return _NOTHING
        if isinstance(event, ami.BlindTransfer):
            kind = "blind"
        else:
            kind = "threeway" if event.dest_type == "Threeway" else "attended"
        return (bus.CallTransferred(at=now, call_id=call_id, kind=kind),)

    def _contact_status(self, event: ami.ContactStatus, now: float) -> Told:
        reachable = _REACHABLE.get(event.status)
        if reachable is None or not is_agent(event.endpoint):
            return _NOTHING
        known = self.contacts.get(event.endpoint, set())
        return self.set_contacts(event.endpoint, known | {event.uri} if reachable else known - {event.uri}, now)

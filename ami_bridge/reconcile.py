"""A snapshot of the node against what the events told: pure.

Events and lists reach us on different ways inside Asterisk, so a list taken in full flow may differ from the events
without anything being wrong: such differences count only when a second snapshot shows them again (`confirmed`).
After a gap (a lost link, an overflow) they count at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ami_bridge.events import ContactList, CoreShowChannel
from ami_bridge.forms import is_agent, maybe_digits
from ami_bridge.state import Leg, NodeState, Told
from tieline import bus
from tieline.model import is_call_id

_REACHABLE: Final = frozenset({"Reachable", "NonQualified"})
_DIALLED: Final = frozenset({"AppDial", "AppQueue"})
"""Application of a channel that app_dial or app_queue made (Asterisk 22.10: `AppDial`, data `(Outgoing Line)`)."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the node listed.

    Attributes:
        known_before: Uniqueids of the channels known when the lists were asked for; what began since is not missing.
        asked_at: When they were asked for, Unix seconds.
    """

    known_before: frozenset[str]
    asked_at: float
    channels: tuple[CoreShowChannel, ...]
    contacts: tuple[ContactList, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """Where the state and a snapshot disagree.

    Attributes:
        gone: Uniqueids we know and the node does not have.
        new: Uniqueids the node has and we do not know.
        phones: Agents whose reachable contacts differ.
    """

    gone: frozenset[str] = frozenset()
    new: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.gone) + len(self.new) + len(self.phones)

    def confirmed(self, again: "Differences") -> "Differences":
        """Keep what a second comparison shows as well."""
        return Differences(self.gone & again.gone, self.new & again.new, self.phones & again.phones)


def compare(state: NodeState, snapshot: Snapshot) -> Differences:
    """Find where the state and a snapshot disagree; changes nothing."""
    listed = {channel.uniqueid: channel for channel in snapshot.channels}
    new = {
        uniqueid
        for uniqueid, channel in listed.items()
        if uniqueid not in state.legs and not state.ended_lately(uniqueid) and state.matters(channel.channel)
    }
    contacts = _reachable(snapshot.contacts)
    agents = {agent for agent in contacts if is_agent(agent)} | state.contacts.keys()
    return Differences(
        gone=frozenset(snapshot.known_before & state.legs.keys() - listed.keys()),
        new=frozenset(new),
        phones=frozenset(agent for agent in agents if contacts.get(agent, set()) != state.contacts.get(agent, set())),
    )


def repair(state: NodeState, snapshot: Snapshot, differences: Differences) -> Told:
    """Bring the state in line with a snapshot and give what the bus is to be told.

    A channel that is gone ended at its last sign of life, as far as anybody knows; its cause is not known (0).
    """
    told: list[bus.Event] = []
    for uniqueid in sorted(differences.gone):
        leg = state.legs[uniqueid]
        told += state.drop(leg, 0, leg.seen_at, estimated=True)
    for channel in snapshot.channels:
        if channel.uniqueid in differences.new:
            state.add(channel.channel, channel.uniqueid, channel.account_code, snapshot.asked_at)
    contacts = _reachable(snapshot.contacts)
    for agent in sorted(differences.phones):
        told += state.set_contacts(agent, contacts.get(agent, set()), snapshot.asked_at)
    return tuple(told)


def end_all(state: NodeState, now: float) -> Told:
    """End every channel of a node that is dead, and give what the bus is to be told, with an empty snapshot last."""
    nothing = Snapshot(frozenset(state.legs), now, (), ())
    return (*repair(state, nothing, compare(state, nothing)), as_told(state, nothing))


def touch_listed(state: NodeState, snapshot: Snapshot) -> None:
    """Take the list as a sign of life of every channel on it; what is first seen here is kept."""
    for channel in snapshot.channels:
        leg = state.touch(channel, snapshot.asked_at) if channel.uniqueid in state.legs else None
        if leg is not None and channel.application in _DIALLED:
            leg.dialled = True


def without_city(state: NodeState) -> tuple[Leg, ...]:
    """List the callers' channels whose city the node was not asked for yet."""
    return tuple(leg for leg in state.legs.values() if not leg.agent and not leg.city)


def as_told(state: NodeState, snapshot: Snapshot) -> bus.NodeSnapshot:
    """Give the snapshot as the bus is told: every channel, and the agents whose phones the node reaches.

    A channel whose end came while the list was made is left out: the bus was told of its end before.
    """
    return bus.NodeSnapshot(
        at=snapshot.asked_at,
        node=state.node,
        channels=tuple(
            bus.ChannelSeen(
                channel=channel.channel,
                uniqueid=channel.uniqueid,
                linkedid=channel.linkedid,
                call_id=channel.account_code if is_call_id(channel.account_code) else "",
                context=channel.context,
                application=channel.application,
                caller_leg=state.is_entry(channel.channel),
                answered=channel.is_up,
                city=state.city_of(channel.uniqueid),
                raw_number=maybe_digits(channel.caller_number) if state.is_entry(channel.channel) else "",
            )
            for channel in snapshot.channels
            if not state.ended_lately(channel.uniqueid)
        ),
        reachable_agents=tuple(sorted(state.contacts)),
        started_at=state.started_at,
    )


def _reachable(contacts: Iterable[ContactList]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for contact in contacts:
        if contact.status in _REACHABLE:
            found.setdefault(contact.endpoint, set()).add(contact.uri)
    return found

"""The safety net follows the agents: whom the net's queues may ring, as commands to the nodes' bridges. Pure.

Paused is who does not want calls or may not get them: not ready, or logged out beside a phone that could ring. Who
talks, rings or wraps up is not paused: `ringinuse=no` keeps the net from a busy phone, and if all of Tieline died
nobody could give back to the net those who talked at that moment. One action a change, none while calls go well.

A change goes to each node of the site at once. After a restart of a node, its bridge or the matcher the members of
the node are set as a whole, with the node's next list of channels: until then not all is known of the phones.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from routing.intake import Rescue
from routing.matcher import Matcher
from routing.offers import Effect, SeatChanged
from routing.seats import Seat
from tieline import bus
from tieline.lease import Command
from tieline.model import AgentId, AgentState, NodeId
from tieline.streams import commanding
from tieline.switch_plan import StaticQueue


@dataclass(slots=True)
class NetMembers:
    """The net of one site.

    Attributes:
        nodes: Of the site.
        queues: Of the site, as rendered.
        due: Nodes whose members are to be set as a whole.
        ready: Those of them that have told what they have.
    """

    nodes: Sequence[NodeId]
    queues: Sequence[StaticQueue]
    due: set[NodeId] = field(default_factory=set)
    ready: set[NodeId] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.due = set(self.nodes)

    def take(self, event: bus.Event, _matcher: Matcher, _now: float) -> None:
        """Note what an event means for a node's queues."""
        match event:
            case bus.NodeSeen(node=node, up=True) if node in self.nodes:
                self.due.add(NodeId(node))
            case bus.NodeSnapshot(node=node) if node in self.due:
                self.due.discard(NodeId(node))
                self.ready.add(NodeId(node))

    def commands(self, effects: Iterable[Effect | Rescue], matcher: Matcher, now: float) -> Sequence[Command]:
        """Give what the nodes are to be told."""
        changes = [
            _change(effect, now)
            for effect in effects
            if isinstance(effect, SeatChanged) and is_paused(effect.seat) != is_paused(effect.before)
        ]
        commands = [commanding(node, change) for change in changes for node in self.nodes]
        commands += [commanding(node, _whole(self.queues, matcher.seats, now)) for node in sorted(self.ready)]
        self.ready.clear()
        return commands


def is_paused(seat: Seat) -> bool:
    """Tell whether the net must not ring an agent; where no phone is registered nothing can ring."""
    return seat.state is AgentState.NOT_READY or (seat.state is AgentState.OFFLINE and bool(seat.node))


def _change(effect: SeatChanged, now: float) -> bus.SetQueueMember:
    paused = is_paused(effect.seat)
    return bus.SetQueueMember(
        at=now, agent=effect.agent, paused=paused, reason=_reason(effect.seat) if paused else ""
    )


def _whole(queues: Iterable[StaticQueue], seats: Mapping[AgentId, Seat], now: float) -> bus.SetNetQueues:
    members = tuple(
        bus.NetQueue(name=queue.name, members={member.agent: member.penalty for member in queue.members})
        for queue in queues
    )
    paused = {str(agent): _reason(seat) for agent, seat in seats.items() if is_paused(seat)}
    return bus.SetNetQueues(at=now, queues=members, paused=paused)


def _reason(seat: Seat) -> str:
    return seat.reason or seat.state

"""The safety net's members as they are, against what the bus wants of them: pure."""

from collections.abc import Iterable, Iterator

from ami_bridge.actions import Action
from ami_bridge.events import QueueMember
from ami_bridge.queue_actions import QueueAdd, QueuePause, agent_of_interface
from tieline import bus


def mending(wanted: bus.SetNetQueues, listed: Iterable[QueueMember]) -> Iterator[Action]:
    """Yield what makes the members right: who is missing is added, whose pause differs is changed.

    One who is a member and is not wanted stays until the next `conf apply`: he has left, and his phone with him.
    """
    there: dict[str, dict[str, bool]] = {}
    for member in listed:
        agent = agent_of_interface(member.interface)
        if agent:
            there.setdefault(agent, {})[member.queue] = member.paused == 1
    for queue in wanted.queues:
        for agent, penalty in queue.members.items():
            if queue.name not in there.get(agent, {}):
                paused, reason = agent in wanted.paused, wanted.paused.get(agent, "")
                yield QueueAdd(queue.name, agent, penalty, paused=paused, reason=reason)
    names = {queue.name for queue in wanted.queues}
    for agent, pauses in sorted(there.items()):
        paused = agent in wanted.paused
        if any(is_paused is not paused for name, is_paused in pauses.items() if name in names):
            yield QueuePause(agent, paused, wanted.paused.get(agent, ""))

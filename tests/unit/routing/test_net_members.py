"""The safety net's members: one action a change, and the whole after a restart."""

from collections.abc import Sequence

import pytest

from routing.matcher import Matcher, Rules
from routing.net_members import NetMembers
from routing.wishes import Asked, Reason, Wish
from tests.unit.routing.people import FUZHOU, LADDERS, agent, call, offers
from tieline import bus
from tieline.lease import Command
from tieline.model import AgentId, CallId, NodeId
from tieline.streams import commands_stream
from tieline.switch_plan import QueueMember, StaticQueue

pytestmark = pytest.mark.unit

NODE, SECOND = NodeId("fuzhou-1"), NodeId("fuzhou-2")
ANNE = AgentId("a1001")
QUEUES = (StaticQueue(FUZHOU, "net-mandarin", (QueueMember(ANNE, 0), QueueMember(AgentId("a1002"), 2))),)


def matcher(*, log_in: bool = False) -> Matcher:
    people = {ANNE: agent("a1001"), AgentId("a1002"): agent("a1002")}
    return Matcher(people, Rules(wrap_up_s=20, log_in=log_in), LADDERS, frozenset((FUZHOU,)))


def told(commands: Sequence[Command]) -> list[tuple[str, bus.Command]]:
    return [
        (str(command[1]), bus.decode_command(command[-1])) for command in commands if isinstance(command[-1], bytes)
    ]


def changes(commands: Sequence[Command]) -> list[tuple[str, str, bool, str]]:
    found = [(stream.removeprefix(commands_stream("")), command) for stream, command in told(commands)]
    return [(node, one.agent, one.paused, one.reason) for node, one in found if isinstance(one, bus.SetQueueMember)]


def ready(pool: Matcher, net: NetMembers) -> None:
    net.commands(pool.phone_seen(ANNE, reachable=True, now=1, node=NODE), pool, 1)


def test_a_break_pauses_at_every_node_and_its_end_gives_back() -> None:
    pool, net = matcher(), NetMembers((NODE, SECOND), QUEUES)
    ready(pool, net)
    away = pool.asked(ANNE, Asked(5, Wish.NOT_READY, reason=Reason.MEAL), 5)
    assert changes(net.commands(away, pool, 5)) == [(NODE, ANNE, True, "meal"), (SECOND, ANNE, True, "meal")]
    back = pool.asked(ANNE, Asked(9, Wish.READY), 9)
    assert changes(net.commands(back, pool, 9)) == [(NODE, ANNE, False, ""), (SECOND, ANNE, False, "")]


def test_a_call_that_goes_well_changes_nothing() -> None:
    pool, net = matcher(), NetMembers((NODE,), QUEUES)
    ready(pool, net)
    effects = pool.call_waiting(call("c1", 10), 10)
    [offer] = offers(effects)
    effects += pool.taken(CallId("c1"), ANNE, offer.fence, 10)
    effects += pool.rung(CallId("c1"), ANNE, 10.5)
    effects += pool.answered(CallId("c1"), ANNE, 12)
    effects += pool.agent_free(ANNE, 60, CallId("c1"))
    effects += pool.tick(100)
    assert changes(net.commands(effects, pool, 100)) == []


def test_no_answer_pauses_and_who_is_not_logged_in_beside_a_phone_is_not_rung() -> None:
    pool, net = matcher(), NetMembers((NODE,), QUEUES)
    ready(pool, net)
    [offer] = offers(pool.call_waiting(call("c1", 10), 10))
    failed = pool.failed(CallId("c1"), ANNE, offer.fence, 20)
    assert changes(net.commands(failed, pool, 20)) == [(NODE, ANNE, True, "no_answer")]
    careful, other = matcher(log_in=True), NetMembers((NODE,), QUEUES)
    seen = careful.phone_seen(ANNE, reachable=True, now=1, node=NODE)
    assert changes(other.commands(seen, careful, 1)) == [(NODE, ANNE, True, "offline")]
    gone = careful.phone_seen(ANNE, reachable=False, now=2, node=NODE)
    assert changes(other.commands(gone, careful, 2)) == [(NODE, ANNE, False, "")]


def test_the_whole_follows_the_first_list_of_a_node_and_the_next_one_after_each_restart() -> None:
    pool, net = matcher(), NetMembers((NODE,), QUEUES)
    ready(pool, net)
    pool.asked(ANNE, Asked(5, Wish.NOT_READY, reason=Reason.TRAINING), 5)
    listed = bus.NodeSnapshot(at=6.0, node=NODE, channels=())
    net.take(listed, pool, 6)
    [(stream, whole)] = told(net.commands((), pool, 6))
    assert stream == commands_stream(NODE)
    assert whole == bus.SetNetQueues(
        at=6,
        queues=(bus.NetQueue(name="net-mandarin", members={"a1001": 0, "a1002": 2}),),
        paused={"a1001": "training"},
    )
    net.take(listed, pool, 36)
    assert net.commands((), pool, 36) == []
    net.take(bus.NodeSeen(at=40.0, node=NODE, up=True), pool, 40)
    assert net.commands((), pool, 40) == []
    net.take(listed, pool, 41)
    assert len(net.commands((), pool, 41)) == 1

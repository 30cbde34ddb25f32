"""A node's state to begin with, and the events that tests of it are made of."""

from ami_bridge import events as ami
from ami_bridge.state import NodeState, Told

CALL = "019aa5d4-1c00-7abc-8def-0123456789ab"
OTHER = "019aa5d4-1c00-7abc-8def-0123456789ac"
ENTRY, UID = "PJSIP/edge-00000000", "fuzhou-1-1.0"
LEG, LEG_UID = "PJSIP/a1001-00000001", "fuzhou-1-1.1"


def made() -> NodeState:
    return NodeState("fuzhou-1", ("edge", "peer"))


def dial(
    kind: type[ami.DialEvent], *more: str, call: str = CALL, leg: str = LEG, uid: str = LEG_UID
) -> ami.DialEvent:
    return kind(ENTRY, call, UID, leg, call, uid, *more)


def taken(call: str = CALL, agent: str = "a1001", fence: str = "7", account: str = CALL) -> ami.UserEvent:
    return ami.UserEvent(ENTRY, account, UID, "TielineTaken", call, agent, fence)


def run(state: NodeState, *events: ami.AmiEvent, now: float = 10.0) -> Told:
    return tuple(told for event in events for told in state.apply(event, now))

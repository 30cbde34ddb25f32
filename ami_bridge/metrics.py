"""The figures of a bridge."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BridgeMetrics:
    """What a bridge counted since its start, and how it stands.

    Attributes:
        events: AMI events used, by name. `QueueCallerJoin` means that the matcher was silent for somebody.
        unwanted: AMI packets nobody asked for; more than a few mean that manager.conf does not filter.
        hostile: Values dropped because they cannot be ours.
        subscriber_failures: Bugs of ours that a callback raised.
        told: Events that Redis has.
        waiting: Events that Redis does not have yet.
        dropped: Events lost to a full outbox; each gap is followed by a snapshot.
        snapshots: Snapshots taken.
        repairs: Differences that reconciliation mended, without the first snapshot.
        channels: Callers' and agents' channels known now.
    """

    node: str
    up: bool
    connects: int
    attempts_failed: int
    auth_failures: int
    events: Mapping[str, int]
    unwanted: int
    hostile: int
    subscriber_failures: int
    told: int
    waiting: int
    dropped: int
    snapshots: int
    repairs: int
    channels: int
    commands_done: int
    commands_gone: int
    commands_expired: int
    commands_failed: int
    commands_refused: int

"""How to reach one node's AMI, and how patient to be with it."""

from dataclasses import dataclass, field

from ami_bridge.filters import ENTRY_DEFAULT


@dataclass(frozen=True, slots=True)
class NodeLink:
    """One Asterisk node as its bridge sees it.

    Attributes:
        node: Node id; Asterisk's `systemname`, so every Uniqueid begins with it.
        secret: Password of the AMI user; never shown by `repr`.
        local_address: Address to connect from, so that a cut between sites cuts this link too; empty: any.
        entry_endpoints: PJSIP endpoints that callers come in by; their channels are named `PJSIP/<endpoint>-…`.
    """

    node: str
    host: str
    port: int
    username: str
    secret: str = field(repr=False)
    local_address: str = ""
    entry_endpoints: tuple[str, ...] = (ENTRY_DEFAULT,)


@dataclass(frozen=True, slots=True)
class Patience:
    """Deadlines and intervals, all in seconds.

    Attributes:
        connect_s: TCP connect, and login.
        boot_s: From login to FullyBooted; an Asterisk that starts with the lab needs about 1.
        ping_every_s: Interval between pings.
        ping_deadline_s: A ping not answered in this time: the peer is silent, the link is given up. With the
            interval it must stay under the 8 s after which the hold loop turns to the static queue.
        retry_first_s: Longest pause before the second attempt; doubles with each further one.
        retry_most_s: Longest pause of all; taken at once after a refused login, which only a human can mend.
        dead_after_s: A node where nobody has listened for so long is dead: its host refuses the connection, so the
            process is gone, and its channels with it. One that does not answer at all may live beyond a cut.
    """

    connect_s: float = 3.0
    boot_s: float = 60.0
    ping_every_s: float = 2.0
    ping_deadline_s: float = 3.0
    retry_first_s: float = 0.25
    retry_most_s: float = 10.0
    dead_after_s: float = 10.0


def retry_pause_s(patience: Patience, attempt: int, chance: float) -> float:
    """Give the pause before another attempt: doubling, with jitter, so that nodes do not come back in step.

    Args:
        patience: First and longest pause.
        attempt: Failures in a row, from 1.
        chance: Random number in [0, 1).
    """
    longest = min(patience.retry_most_s, patience.retry_first_s * 2.0 ** min(attempt - 1, 16))
    return longest * (0.5 + chance / 2)

"""How long the decisions of a storm took, from what the AGI servers left in Redis second by second. Pure.

A server that is killed counts from 0 again: as with Prometheus' counters, what it had counted before is kept.
"""

from collections.abc import Iterable, Mapping

import msgspec

from tieline.histogram import Buckets, joined
from trunk_config.decision_times import BY_NODE, ByVerdict


class Decisions(msgspec.Struct, frozen=True, kw_only=True):
    """How long they took, as upper bounds in milliseconds: None is above the deadline of 50 ms.

    Attributes:
        decided: So many were timed, whoever decided.
        by_node: Of these, left to the node's own count.
        mean_ms: On the mean, 0 without any.
        p50_ms: Half of them took at most this.
        p99_ms: 99 of 100 took at most this.
    """

    decided: int
    by_node: int
    mean_ms: float
    p50_ms: float | None
    p99_ms: float | None


def decisions(pictures: Iterable[Mapping[int, ByVerdict]]) -> Decisions:
    """Sum up a site.

    Args:
        pictures: What each look found, in their order; a server that left nothing is not in it.
    """
    newest: dict[tuple[int, str], Buckets] = {}
    ended: list[tuple[str, Buckets]] = []
    for picture in pictures:
        for server, by_verdict in picture.items():
            for verdict, counts in by_verdict.items():
                before = newest.get((server, verdict))
                if before is not None and sum(counts.counts) < sum(before.counts):
                    ended.append((verdict, before))
                newest[server, verdict] = counts
    parts = [*ended, *((verdict, counts) for (_, verdict), counts in newest.items())]
    every = joined(counts for _, counts in parts)
    decided = sum(every.counts)
    return Decisions(
        decided=decided,
        by_node=sum(sum(counts.counts) for verdict, counts in parts if verdict == BY_NODE),
        mean_ms=round(every.total / decided * 1000, 3) if decided else 0.0,
        p50_ms=_ms(every.at_most(0.5)),
        p99_ms=_ms(every.at_most(0.99)),
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)

"""Which set-ups of `app_queue` are tried, and which of them a policy has to be measured against. Pure."""

from collections.abc import Mapping, Sequence
from itertools import product
from math import inf
from typing import Final

from bench.queue_setup import QueueSetup, Reach
from bench.routing_measures import Measures

OPEN_S: Final = (5.0, 8.0, 11.0, 14.0, 17.0, 30.0, 45.0, 60.0, 90.0, 120.0, inf)
SPARE_S: Final = (0.0, 12.0)
FAIR_RATIO: Final = 2.5
"""The worst-off dialect's 95th percentile of the wait may be so many times the best-off one's."""

PLAIN: Final = QueueSetup(Reach.SITE, 17.0)
"""Each site alone."""
COMMON: Final = QueueSetup(Reach.BOTH, 17.0)
"""What a good administrator makes: everybody a member of every queue, opened just before 20 s."""

SEARCHED: Final = (
    *(QueueSetup(reach, open_s) for reach, open_s in product((Reach.SITE, Reach.OVERFLOW), OPEN_S)),
    *(
        QueueSetup(Reach.BOTH, open_s, spare_s, weighted=weighted)
        for open_s, spare_s, weighted in product(OPEN_S, SPARE_S, (False, True))
    ),
)
"""Every set-up that is tried."""


def worth_keeping(found: Mapping[QueueSetup, Measures]) -> Sequence[QueueSetup]:
    """Give the set-ups that no other one beats in both `own` and `soon`, among all and among the fair ones."""
    fair = {setup: measures for setup, measures in found.items() if measures.p95_ratio <= FAIR_RATIO}
    kept = {setup for group in (found, fair) for setup in _unbeaten(group)}
    return [setup for setup in found if setup in kept]


def _unbeaten(found: Mapping[QueueSetup, Measures]) -> Sequence[QueueSetup]:
    return [
        setup
        for setup, here in found.items()
        if not any(other.own > here.own and other.soon > here.soon for other in found.values())
    ]


def rival_of(soon: float, found: Mapping[QueueSetup, Measures]) -> QueueSetup:
    """Give the set-up with the most `own` at no lower 20 s level; where none reaches it, the nearest one."""
    reaching = [setup for setup, measures in found.items() if measures.soon >= soon]
    if reaching:
        return max(reaching, key=lambda setup: found[setup].own)
    return max(found, key=lambda setup: found[setup].soon)

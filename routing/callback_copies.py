"""What must be done so that an entry's copies in Redis and SQL agree. Pure; takes `now`.

Scripts make entries in Redis; whoever works on them does it in SQL. Redis is right about what SQL has never seen and
about who called again; about all else SQL is right, and it alone keeps what has ended.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from routing.callback import Callback, State, too_old
from routing.callback_rules import CallbackRules
from tieline.model import CallId


@dataclass(slots=True)
class Mending:
    """What to write, first to SQL; then what to write to Redis, and what to take out of it."""

    to_sql: list[Callback] = field(default_factory=list)
    to_redis: list[Callback] = field(default_factory=list)
    out_of_redis: list[Callback] = field(default_factory=list)


def compared(
    in_redis: Iterable[Callback],
    in_sql: Mapping[CallId, Callback],
    known: Collection[CallId],
    rules: CallbackRules,
    now: float,
) -> Mending:
    """Compare the copies.

    Args:
        in_redis: Every entry there.
        in_sql: The open ones of the site, read before those of Redis.
        known: Calls whose entries SQL has had before.
        rules: Say what is too old.
        now: Unix seconds.
    """
    mending = Mending()
    seen: set[CallId] = set()
    for entry in in_redis:
        seen.add(entry.call_id)
        stored = in_sql.get(entry.call_id)
        after = too_old(entry, rules, now)
        if stored is None and entry.call_id in known:
            mending.out_of_redis.append(entry)
        elif after.state is not State.OPEN:
            mending.to_sql.append(after)
            mending.out_of_redis.append(entry)
        elif stored is None:
            mending.to_sql.append(entry)
        elif stored != entry:
            mending.to_redis.append(stored)
    mending.to_redis += (stored for call_id, stored in in_sql.items() if call_id not in seen)
    return mending

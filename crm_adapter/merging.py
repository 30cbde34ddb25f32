"""One record of two about the same call, the same one in whatever order its witnesses are heard. Pure."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from crm_adapter.record import CallRecord, outcome_of
from tieline.model import Witness

_RANK: Final[Mapping[Witness, int]] = {witness: rank for rank, witness in enumerate(Witness)}


class _Group(NamedTuple):
    """Facts that only make sense together, and which of two claims of equally good witnesses is kept."""

    names: tuple[str, ...]
    keep: Callable[[list[tuple[Any, ...]]], tuple[Any, ...]] = max


_GROUPS: Final = (
    _Group(("uniqueid", "linkedid", "channel")),
    _Group(("number_state", "number")),
    _Group(("hangup_at", "estimated")),
    *(_Group((name,)) for name in ("node", "site", "city", "trunk", "dialect", "business", "refused_cause", "agent")),
    *(
        _Group((name,), keep=min)
        for name in ("arrived_at", "answered_at", "menu_done_at", "waiting_since", "agent_answered_at")
    ),
    *(
        _Group((name,))
        for name in ("hangup_cause", "hangup_source", "rating", "recording", "net", "called_back", "raw_number")
    ),
    *(_Group((name,)) for name in ("quota_version", "lines_in_use", "legs")),
)
"""Each fact is in one group, named by its first fact; a group is known when that one is neither empty nor 0."""


def merge(a: CallRecord, b: CallRecord) -> CallRecord:
    """Make one record of two about the same call; commutative, associative and idempotent.

    Fact by fact the better witness wins; one that does not know a fact leaves it to the others. Two equally good
    witnesses that disagree: the earlier of two times of progress, else the greater value.

    Raises:
        ValueError: The records are about different calls. Our bug.
    """
    if a.call_id != b.call_id:
        raise ValueError(f"records of two calls: {a.call_id}, {b.call_id}")
    facts: dict[str, Any] = {}
    sources: dict[str, Witness] = {}
    for group in _GROUPS:
        claims = [claim for claim in (_claim(a, group), _claim(b, group)) if claim is not None]
        if not claims:
            continue
        best = min(_RANK[witness] for witness, _ in claims)
        winners = [values for witness, values in claims if _RANK[witness] == best]
        facts.update(zip(group.names, group.keep(winners), strict=True))
        sources[group.names[0]] = next(witness for witness, _ in claims if _RANK[witness] == best)
    witness = min(a.witness, b.witness, key=_RANK.__getitem__)
    borrowed = tuple(sorted((name, source) for name, source in sources.items() if source is not witness))
    merged = CallRecord(v=max(a.v, b.v), call_id=a.call_id, witness=witness, borrowed=borrowed, **facts)
    return msgspec.structs.replace(merged, outcome=outcome_of(merged))


def by_call(records: Iterable[CallRecord]) -> dict[str, CallRecord]:
    """Make one record of all about each call."""
    known: dict[str, CallRecord] = {}
    for record in records:
        known[record.call_id] = merge(known[record.call_id], record) if record.call_id in known else record
    return known


def _claim(record: CallRecord, group: _Group) -> tuple[Witness, tuple[Any, ...]] | None:
    values = tuple(getattr(record, name) for name in group.names)
    if not values[0]:
        return None
    return dict(record.borrowed).get(group.names[0], record.witness), values

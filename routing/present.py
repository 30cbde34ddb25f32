"""Kinds that are present, and what others see of them, worked out again only when another kind comes. Pure."""

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

KindT = TypeVar("KindT", bound=Hashable)
SeerT = TypeVar("SeerT", bound=Hashable)
SightT = TypeVar("SightT")


class Present(Generic[KindT, SeerT, SightT]):
    """Kinds of which something is, or was lately, there.

    Kinds of which nothing is left stay until they are the greater part: for a kind of one call that is served at
    once everything would else be worked out anew, twice.

    Args:
        is_there: Tells whether something of a kind is there.
        see: Gives what a seer sees of all kinds that are present.
    """

    def __init__(self, is_there: Callable[[KindT], object], see: Callable[[Iterable[KindT], SeerT], SightT]) -> None:
        self._is_there = is_there
        self._see = see
        self._kinds: dict[KindT, None] = {}
        self._changes = 0
        self._seen: dict[SeerT, tuple[int, SightT]] = {}

    def add(self, kind: KindT) -> None:
        """Note that something of a kind is there."""
        if kind not in self._kinds:
            there = list(filter(self._is_there, self._kinds))
            self._kinds = dict.fromkeys((*(there if 2 * len(there) < len(self._kinds) else self._kinds), kind))
            self._changes += 1

    def seen_by(self, seer: SeerT) -> SightT:
        """Give what somebody sees of the kinds that are present; look whether something of them is left."""
        known = self._seen.get(seer)
        if known is None or known[0] != self._changes:
            known = self._seen[seer] = (self._changes, self._see(self._kinds, seer))
        return known[1]

"""Kinds that are present, and what others see of them, worked out again only when another kind comes. Pure."""

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

KindT = TypeVar("KindT", bound=Hashable)
SeerT = TypeVar("SeerT", bound=Hashable)
RowT = TypeVar("RowT")


class Present(Generic[KindT, SeerT, RowT]):
    """Kinds of which something is, or was lately, there.

    A kind of which nothing is left stays until another one comes: kinds of one call that is served at once would
    else have everything worked out twice for each of them.

    Args:
        is_there: Tells whether something of a kind is there.
        see: Gives what a seer sees of all kinds that are present.
    """

    def __init__(
        self, is_there: Callable[[KindT], object], see: Callable[[Iterable[KindT], SeerT], list[RowT]]
    ) -> None:
        self._is_there = is_there
        self._see = see
        self._kinds: dict[KindT, None] = {}
        self._changes = 0
        self._seen: dict[SeerT, tuple[int, list[RowT]]] = {}

    def add(self, kind: KindT) -> None:
        """Note that something of a kind is there."""
        if kind not in self._kinds:
            self._kinds = dict.fromkeys((*filter(self._is_there, self._kinds), kind))
            self._changes += 1

    def seen_by(self, seer: SeerT) -> list[RowT]:
        """Give what somebody sees of the kinds that are present; look whether something of them is left."""
        changes, rows = self._seen.get(seer, (-1, []))
        if changes != self._changes:
            rows = self._see(self._kinds, seer)
            self._seen[seer] = (self._changes, rows)
        return rows

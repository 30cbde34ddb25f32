"""The ladders as they stand in their file: for which needs, like which other one, with which steps of their own."""

import difflib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from routing.ladders import Accept, Reach, Step
from tieline.model import MANDARIN, Business, DialectId
from tieline.toml_file import Table
from tieline.topology import Topology

ALL: Final = "*"
STAFFED: Final = "staffed"
"""All dialects that agents are rostered for, Mandarin left out."""
_LONGEST_S: Final = 3600.0
_WHY_LENGTH: Final = 400


@dataclass(slots=True)
class LadderTable:
    """One ladder of the file.

    Attributes:
        table: Where it stands.
        needs: For which business and dialect, None for all that no other ladder names.
        like: The ladder whose steps it has where it has none of its own for what they accept; or empty.
        own: Its own steps with their tables, in the order of the file.
        steps: All its steps, own and others', in the order of their waits; filled by `join_steps`.
    """

    table: Table
    id: str
    needs: tuple[tuple[Business | None, DialectId | None], ...]
    like: str
    own: tuple[tuple[Table, Step], ...]
    steps: tuple[Step, ...] = field(default=())


def read_ladders(root: Table, topology: Topology) -> list[LadderTable]:
    """Read all ladders; faults are noted."""
    tables: list[LadderTable] = []
    for table in root.tables("ladder"):
        found = _read(table, topology)
        if found.id in {other.id for other in tables}:
            table.fault("id", f"`{found.id}` is used twice", "give each ladder an id of its own")
        tables.append(found)
    if not tables and not root.wrong("ladder"):
        root.fault("ladder", "there is no ladder", "add [[ladder]] tables: nobody would be answered")
    return tables


def _read(table: Table, topology: Topology) -> LadderTable:
    ladder = table.id()
    businesses = [None if name == ALL else Business(name) for name in _names(table, "business", (ALL, *Business))]
    dialects = list(_dialects(table, topology))
    like = table.text("like", default="")
    own = tuple((step, _step(step)) for step in table.tables("step"))
    if not own and not like and not table.wrong("step"):
        table.fault("step", "no step", "add [[ladder.step]] tables, or `like` another ladder")
    _check_order(own)
    table.finish()
    needs = tuple((business, dialect) for business in businesses for dialect in dialects)
    return LadderTable(table, ladder, needs, like, own)


def _names(table: Table, key: str, known: Collection[str]) -> Iterator[str]:
    """Read names out of a closed set."""
    for position, name in enumerate(table.texts(key)):
        if name in known:
            yield name
            continue
        near = difflib.get_close_matches(name, known, n=1)
        mend = f"did you mean `{near[0]}`?" if near else "use " + ", ".join(sorted(known))
        table.fault((key, position), f"`{name}` is not known here", mend)


def _dialects(table: Table, topology: Topology) -> Iterator[DialectId | None]:
    for name in _names(table, "dialect", (ALL, STAFFED, *topology.dialects)):
        if name == STAFFED:
            yield from (known.id for known in topology.dialects.values() if known.staffed and known.id != MANDARIN)
        else:
            yield None if name == ALL else DialectId(name)


def _step(table: Table) -> Step:
    near_s = table.number("near_s", 0, _LONGEST_S, default=0.0)
    step = Step(
        after_s=table.number("after_s", 0, _LONGEST_S),
        accept=Accept(table.choice("accept", list(Accept)) or Accept.MANDARIN),
        reach=Reach(table.choice("reach", list(Reach), default=Reach.ANY)),
        why=table.text("why", max_length=_WHY_LENGTH),
        near_s=near_s,
        hold_s=table.number("hold_s", 0, _LONGEST_S, default=0.0),
        only_dialect_s=table.number("only_dialect_s", 0, _LONGEST_S, default=0.0),
        only_dialect_near_s=table.number("only_dialect_near_s", 0, _LONGEST_S, default=near_s),
    )
    if (step.near_s > 0) is not (step.hold_s > 0) and not (table.wrong("near_s") or table.wrong("hold_s")):
        table.fault("near_s", "`near_s` and `hold_s` mean something only together", "write both, or neither")
    table.finish()
    return step


def _check_order(own: tuple[tuple[Table, Step], ...]) -> None:
    for (_, before), (table, step) in pairwise(own):
        if step.after_s < before.after_s:
            what = f"{step.after_s:g} is before the step above, {before.after_s:g}"
            table.fault("after_s", what, "order the steps")
        elif _width(step) <= _width(before):
            what = f"`{step.accept}` from {step.reach} site lets nobody through whom the step above does not"
            table.fault("accept", what, "each step must accept more than the one before")


def _width(step: Step) -> tuple[int, int]:
    return list(Accept).index(step.accept), list(Reach).index(step.reach)


# Ladders that are like others --------------------------------------------------------------------------------


def join_steps(tables: list[LadderTable]) -> None:
    """Fill in the steps that ladders have from those they are like; circles are noted."""
    by_id = {table.id: table for table in tables if table.id}
    for table in tables:
        table.steps = _joined(table, by_id)


def _joined(table: LadderTable, by_id: dict[str, LadderTable]) -> tuple[Step, ...]:
    chain, steps = [table.id], {_width(step): step for _, step in table.own}
    at = table
    while at.like:
        following = by_id.get(at.like)
        if following is None:
            if at is table:
                known = ", ".join(sorted(by_id))
                table.table.fault("like", f"there is no ladder `{at.like}`", f"name one of {known}")
            break
        if following.id in chain:
            if following is table:
                table.table.fault("like", "a circle: " + " → ".join([*chain, table.id]), "break it")
            break
        chain.append(following.id)
        steps = {_width(step): step for _, step in following.own} | steps
        at = following
    return tuple(sorted(steps.values(), key=lambda step: (step.after_s, _width(step))))

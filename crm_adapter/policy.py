"""Which calls need a ticket: rules as data, first match wins. Decisions are pure; `load_policy` reads the file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

from crm_adapter.record import CallRecord
from tieline.model import Business, Outcome
from tieline.toml_file import Table, TomlFile

UNKNOWN: Final = "unknown"
NONE: Final = "none"
DEFAULT_FILE: Final = Path(__file__).parent / "data" / "tickets.toml"

_BUSINESSES: Final = (*(str(business) for business in Business), UNKNOWN)
_OUTCOMES: Final = tuple(str(outcome) for outcome in Outcome)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of ticket.

    Attributes:
        name: Chinese name.
    """

    id: str
    name: str
    english: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; a call fits when all its conditions hold.

    Attributes:
        estimated_only: Fits only calls whose end was estimated.
        kind: Kind of ticket, or None for none.
    """

    outcomes: frozenset[str]
    businesses: frozenset[str]
    estimated_only: bool
    kind: str | None

    def fits(self, outcome: str, business: str, *, estimated: bool) -> bool:
        """Tell whether the rule is about such a call."""
        return outcome in self.outcomes and business in self.businesses and (estimated or not self.estimated_only)


@dataclass(frozen=True, slots=True)
class TicketPolicy:
    """The rules in force; every call meets one."""

    kinds: Mapping[str, Kind]
    rules: tuple[Rule, ...]

    def kind_for(self, record: CallRecord) -> str | None:
        """Give the kind of ticket that a call needs, or None when it needs none.

        A caller who was transferred wanted several things: the first rule that fits one of them decides, so a fault
        that he reported before he asked for his bill has its ticket.
        """
        wanted = {record.business or UNKNOWN, *(leg.business for leg in record.legs if leg.business)}
        for rule in self.rules:
            if any(rule.fits(record.outcome, one, estimated=record.estimated) for one in wanted):
                return rule.kind
        return None


def load_policy(path: Path = DEFAULT_FILE) -> TicketPolicy:
    """Read the rules.

    Raises:
        ConfigError: Unknown kind, outcome or business, a call that meets no rule, or a rule that no call meets; all
            problems at once.
    """
    file = TomlFile(path)
    kinds = {kind.id: kind for kind in _kinds(file)}
    rules = tuple(_rule(table, kinds) for table in file.root.tables("rule"))
    file.root.finish()
    if not file.problems:
        _check_reach(file, rules)
    file.refuse_if_faulty()
    return TicketPolicy(kinds, rules)


def _kinds(file: TomlFile) -> Iterator[Kind]:
    seen: set[str] = set()
    for table in file.root.tables("kind"):
        kind = Kind(table.id(), table.text("name"), table.text("english"))
        if kind.id in seen or kind.id == NONE:
            table.fault("id", f"`{kind.id}` is taken", "give each kind an id of its own")
        seen.add(kind.id)
        table.finish()
        yield kind


def _rule(table: Table, kinds: Mapping[str, Kind]) -> Rule:
    kind = table.choice("ticket", (*kinds, NONE))
    rule = Rule(
        outcomes=_some(table, "outcome", _OUTCOMES),
        businesses=_some(table, "business", _BUSINESSES, default=_BUSINESSES),
        estimated_only=table.flag("estimated", default=False),
        kind=None if kind == NONE else kind,
    )
    table.finish()
    return rule


def _some(
    table: Table, key: str, allowed: tuple[str, ...], *, default: tuple[str, ...] | None = None
) -> frozenset[str]:
    values = table.texts(key, default=default)
    for position, value in enumerate(values):
        if value not in allowed:
            table.fault((key, position), f"`{value}` is not known here", "use one of " + ", ".join(allowed))
    return frozenset(values)


def _check_reach(file: TomlFile, rules: tuple[Rule, ...]) -> None:
    reached: set[int] = set()
    for outcome, business, estimated in product(_OUTCOMES, _BUSINESSES, (False, True)):
        fitting = (index for index, rule in enumerate(rules) if rule.fits(outcome, business, estimated=estimated))
        first = next(fitting, None)
        if first is not None:
            reached.add(first)
        elif not estimated:
            file.root.fault("", f"no rule for {outcome}, {business}", 'add one, with ticket = "none" if need be')
    for index in range(len(rules)):
        if index not in reached:
            file.root.fault(("rule", index), "no call ever meets this rule", "remove it, or put it before the others")

"""What must hold between menus, prompts and keys. Pure: notes faults in the tables that were read.

An option that leads nowhere known is skipped by the search for ways out, so that one slip gives one message.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from ivr_prompts.pattern import Slot, SlotKind
from ivr_prompts.texts import DIALECTS, Texts
from tieline.toml_table import Table

if TYPE_CHECKING:
    from ivr_prompts.menus import Menu, Menus

Keys = tuple[str | int, ...]
Read = Sequence[tuple["Menu", Table]]

DIALECT_LINE: Final = "dialect_line_{dialect}"
"""Prompt that offers a dialect."""

RESERVED: Final = {"0": "agent", "9": "repeat"}
"""What these keys do in every menu."""

_DIGIT: Final = (Slot("digit", SlotKind.DIGIT),)
CITY: Final = Slot("city", SlotKind.CITY)
"""May stand beside the digit in the short menu."""


def check(menus: "Menus", read: Read, root: Table, texts: Texts) -> None:
    """Note every fault between the parts of the menus."""
    _check_prompts(menus, read, root, texts)
    _check_ids(menus, read, root)
    for menu, table in read:
        _check_digits(menu, table)
        _check_targets(menu, table, menus)
    _check_ways(menus, read, root)


def _check_prompts(menus: "Menus", read: Read, root: Table, texts: Texts) -> None:
    def need(
        table: Table, keys: Keys, prompt_id: str, slots: tuple[Slot, ...] = (), allowed: tuple[Slot, ...] = ()
    ) -> None:
        prompt = texts.prompts.get(prompt_id)
        if not prompt_id:
            return
        if prompt is None:
            table.fault(keys, f"unknown prompt {prompt_id}", "add it to prompts.toml, or name one that is there")
        elif tuple(slot for slot in prompt.slots if slot not in allowed) != slots:
            found = "".join(f" {{{slot.name}}}" for slot in prompt.slots) or " none"
            wanted = "".join(f" {{{slot.name}}}" for slot in slots) or " none"
            table.fault(keys, f"prompt {prompt_id} has slots{found}, needed{wanted}", "use a prompt that fits")

    for position, prompt_id in enumerate(menus.opening):
        need(root, ("opening", position), prompt_id)
    need(root, ("tries_over",), menus.tries_over)
    need(root, ("goodbye",), menus.goodbye)
    for menu, table in read:
        for position, prompt_id in enumerate(menu.intro):
            need(table, ("intro", position), prompt_id)
        need(table, ("no_input",), menu.no_input)
        need(table, ("invalid",), menu.invalid)
        for position, option in enumerate(menu.options):
            may_name = (CITY,) if menu.id == menus.short else ()
            need(table, ("option", position, "say"), option.say, _DIGIT, may_name)
        if menu.dialects:
            for dialect in DIALECTS:
                need(table, ("dialects",), DIALECT_LINE.format(dialect=dialect), _DIGIT)


def _check_ids(menus: "Menus", read: Read, root: Table) -> None:
    if not read:
        root.fault("", "there is no menu", "add at least one [[menu]]")
        return
    seen: set[str] = set()
    for menu, table in read:
        if menu.id and menu.id in seen:
            table.fault("id", f"menu {menu.id} is there twice", "rename one")
        seen.add(menu.id)
    for key, name in _entries(menus):
        if name and name not in menus.menus:
            root.fault(key, f"unknown menu {name}", _one_of(menus.menus))


def _entries(menus: "Menus") -> Iterator[tuple[str, str]]:
    """Give the menus that callers enter by themselves, under their keys."""
    yield from (("first", menus.first), ("known", menus.known), ("short", menus.short), ("closed", menus.closed))


def _check_digits(menu: "Menu", table: Table) -> None:
    seen: set[str] = set()
    offered = {str(number + 1) for number in range(len(DIALECTS))} if menu.dialects else set()
    for position, option in enumerate(menu.options):
        keys = ("option", position, "digit")
        if option.digit in seen:
            table.fault(keys, f"digit {option.digit} is used twice", "give each key one meaning")
        elif option.digit in offered:
            table.fault(keys, f"digit {option.digit} may be a dialect's", f"use a digit above {len(DIALECTS)}, or 0")
        elif RESERVED.get(option.digit, option.act) != option.act:
            meaning = RESERVED[option.digit]
            table.fault(
                keys, f"digit {option.digit} is not {meaning!r}", f'keep {option.digit} for does = "{meaning}"'
            )
        if option.digit:
            seen.add(option.digit)
    for digit, meaning in RESERVED.items():
        if digit not in seen:
            table.fault(
                "option", f"digit {digit} ({meaning}) is missing", f'add digit = "{digit}", does = "{meaning}"'
            )


def _check_targets(menu: "Menu", table: Table, menus: "Menus") -> None:
    for position, option in enumerate(menu.options):
        if option.act == "menu" and option.target not in menus.menus:
            table.fault(("option", position, "menu"), f"unknown menu {option.target}", _one_of(menus.menus))
        if option.act == "callback" and menu.id != menus.closed:
            table.fault(("option", position, "does"), "only the closed menu registers a call back", "use another")
    if menu.id == menus.closed and not any(option.target == "repair" for option in menu.options):
        table.fault("option", "no key leads to repair", 'add business = "repair": it must be reachable always')
    if menu.dialects and menu.dialects not in menus.menus:
        table.fault("dialects", f"unknown menu {menu.dialects}", _one_of(menus.menus))
    _check_timeout(menu, table, menus)


def _check_timeout(menu: "Menu", table: Table, menus: "Menus") -> None:
    """Nobody is led to an agent by his silence when what he wanted is closed."""
    ways_out = ("again", "end" if menu.id == menus.closed else "agent")
    if menu.on_timeout in ways_out or menu.on_timeout in menus.menus:
        return
    what = f"unknown menu {menu.on_timeout}"
    if menu.on_timeout == "agent":
        what = "after a closed business silence leads to no agent"
    elif menu.on_timeout == "end":
        what = "only the closed menu ends the call"
    table.fault("on_timeout", what, f'use "{ways_out[0]}", "{ways_out[1]}" or a menu\'s id')


def _check_ways(menus: "Menus", read: Read, root: Table) -> None:
    reached = _reached(menus, [name for _, name in _entries(menus)])
    out = _with_way_out(menus)
    for menu, table in read:
        if not menu.options and not menu.dialects:
            table.fault("", "dead end: no key leads on", "add options")
        elif menu.id not in out:
            table.fault("", "cycle without a way out: no key leads to a business or an agent", "add such a key")
        if menu.id and menu.id not in reached:
            table.fault("id", f"no key leads to menu {menu.id}", "lead to it, or remove it")
    if reached and not any(menus.menus[name].dialects for name in reached):
        root.fault("first", "no menu offers the dialects", "add a menu with `dialects = …` and lead to it")


def _next(menu: "Menu") -> Iterator[str]:
    """Give the menus that a menu leads to."""
    yield from (option.target for option in menu.options if option.act == "menu")
    yield menu.dialects
    yield menu.on_timeout


def _reached(menus: "Menus", start: Iterable[str]) -> set[str]:
    reached: set[str] = set()
    waiting = [name for name in start if name in menus.menus]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [found for found in _next(menus.menus[name]) if found in menus.menus]
    return reached


def _with_way_out(menus: "Menus") -> set[str]:
    """Give the menus from where a key leads, sooner or later, to a business or an agent."""
    out = {
        menu.id
        for menu in menus.menus.values()
        if any(option.act in ("business", "agent") for option in menu.options)
    }
    while more := {menu.id for menu in menus.menus.values() if menu.id not in out and out.intersection(_next(menu))}:
        out |= more
    return out


def _one_of(names: Iterable[str]) -> str:
    return "use one of " + ", ".join(sorted(name for name in names if name))

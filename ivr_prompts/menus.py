"""Menus as data: types, and reading of `menus.toml`. What must hold between menus is in `ivr_prompts.menu_rules`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from ivr_prompts import menu_rules
from ivr_prompts.texts import DATA, Texts
from tieline.model import Business
from tieline.toml_file import TomlFile
from tieline.toml_table import Table

AGAIN: Final = "again"
"""Timeout branch: say that nothing was pressed, and the menu once more; after the last try an agent."""

AGENT: Final = "agent"
"""Timeout branch and act: the call goes to an agent at once."""

REPEAT: Final = "repeat"

END: Final = "end"
"""Timeout branch of the closed menu: a good-bye."""

CALLBACK: Final = "callback"


class Act(StrEnum):
    """What a key does."""

    BUSINESS = "business"
    MENU = "menu"
    REPEAT = "repeat"
    AGENT = "agent"
    CALLBACK = "callback"
    """A call back is registered: in the closed menu alone."""


@dataclass(frozen=True, slots=True)
class Option:
    """One key of a menu.

    Attributes:
        say: Prompt with the slot `digit`.
        target: The business or menu that it leads to, empty for the others.
    """

    digit: str
    say: str
    act: Act
    target: str


@dataclass(frozen=True, slots=True)
class Menu:
    """One level.

    Attributes:
        intro: Prompts without slots before the options.
        timeout_ms: Silence after the last word that counts as no input.
        on_timeout: `again`, `agent` or a menu's id; in the closed menu `end` instead of `agent`.
        no_input: Prompt said after silence.
        invalid: Prompt said after a key that means nothing.
        dialects: The city's dialects are offered from digit 1, and a choice leads to this menu; empty: none offered.
    """

    id: str
    intro: tuple[str, ...]
    timeout_ms: int
    on_timeout: str
    no_input: str
    invalid: str
    dialects: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Menus:
    """The whole flow, checked.

    Attributes:
        opening: Prompts said before the first menu.
        first: Menu of a caller whose dialect is unknown.
        known: Menu of a caller whose dialect is remembered.
        short: Menu of both in a surge, or empty: there is none.
        closed: Menu after the message that a business is not answered now.
        tries: Silent or wrong tries in one visit of a menu.
        steps_max: Questions in one call; then an agent.
        tries_over: Prompt said when tries or steps are used up.
        goodbye: Prompt said to who wants nothing in the closed menu.
    """

    opening: tuple[str, ...]
    first: str
    known: str
    short: str
    closed: str
    tries: int
    steps_max: int
    tries_over: str
    goodbye: str
    menus: Mapping[str, Menu]


def load_menus(texts: Texts, path: Path = DATA / "menus.toml") -> Menus:
    """Read and check the menus.

    Raises:
        ConfigError: The file is faulty; holds every problem in the order of the lines.
    """
    file = TomlFile(path)
    root = file.root
    tables: list[tuple[Menu, Table]] = []
    for table in root.tables("menu"):
        tables.append((_menu(table), table))
        table.finish()
    menus = Menus(
        opening=root.texts("opening"),
        first=root.text("first"),
        known=root.text("known"),
        short=root.text("short", default=""),
        closed=root.text("closed"),
        tries=root.integer("tries", 1, 9),
        steps_max=root.integer("steps_max", 3, 99),
        tries_over=root.text("tries_over"),
        goodbye=root.text("goodbye"),
        menus={menu.id: menu for menu, _ in tables},
    )
    root.finish()
    menu_rules.check(menus, tables, root, texts)
    file.refuse_if_faulty()
    return menus


def _menu(table: Table) -> Menu:
    menu_id = table.id()
    if not table.has("on_timeout"):
        table.fault("", "the timeout branch is missing", 'add `on_timeout = "again"`, "agent" or a menu\'s id')
    return Menu(
        id=menu_id,
        intro=table.texts("intro", default=()),
        timeout_ms=table.integer("timeout_ms", 1000, 30_000),
        on_timeout=table.text("on_timeout", default=AGAIN),
        no_input=table.text("no_input"),
        invalid=table.text("invalid"),
        dialects=table.text("dialects", default=""),
        options=tuple(_option(option) for option in table.tables("option")),
    )


def _option(table: Table) -> Option:
    digit = table.text("digit")
    if digit and (len(digit) != 1 or digit not in "0123456789"):
        table.fault("digit", f"{digit!r} is not one of the keys 0 to 9", "write one digit in quotes")
    say = table.text("say")
    acts = [key for key in ("business", "menu", "does") if table.has(key)]
    if len(acts) != 1:
        named = " and ".join(f"`{key}`" for key in acts) if acts else "nothing"
        table.fault("", f"the key leads to {named}", "write exactly one of business, menu, does")
    business = table.choice("business", list(Business), default="")
    menu = table.text("menu", default="")
    does = table.choice("does", (REPEAT, AGENT, CALLBACK), default="")
    table.finish()
    act = Act.BUSINESS if business else Act.MENU if menu else Act(does or AGENT)
    return Option(digit, say, act, business or menu)

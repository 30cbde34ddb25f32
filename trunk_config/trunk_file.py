"""Changing the state of one trunk group in the text of a topology file. Pure.

The file is written by people, with their comments and order: one line of it changes, nothing else.
"""

import re
import tomllib
from typing import Any, Final

from tieline.errors import ConfigError, Problem
from tieline.toml_lines import KeyPath, line_index
from tieline.topology import TrunkState

_STATE: Final = re.compile(r"""^(\s*state\s*=\s*)(?:"[^"]*"|'[^']*')""")


def with_state(text: str, group: str, state: TrunkState) -> str:
    """Give the text with one trunk group in another state.

    Args:
        text: A topology file that was read without faults.
        group: Id of a trunk group.
        state: What it is to be.

    Raises:
        ConfigError: No such trunk group, or it is written in a way that only its author should change.
    """
    values = tomllib.loads(text)
    place = _place(values, group)
    if place is None:
        raise ConfigError(group, [Problem(group, "no such trunk group", "`tieline trunk list` names them")])
    lines, index = text.splitlines(keepends=True), line_index(text)
    if (*place, "state") in index:
        number = index[*place, "state"] - 1
        lines[number] = _STATE.sub(rf'\g<1>"{state}"', lines[number])
    else:
        number = index[*place, "id"]
        lines.insert(number, f'state = "{state}"\n')
    changed = "".join(lines)
    if not _is_that_change(values, changed, place, state):
        line = index[place]
        raise ConfigError(group, [Problem(f"line {line}", "not written as a table of its own", "change it by hand")])
    return changed


def _place(values: dict[str, Any], group: str) -> KeyPath | None:
    for i, city in enumerate(values["city"]):
        for j, trunk in enumerate(city.get("trunk_group", ())):
            if trunk["id"] == group:
                return ("city", i, "trunk_group", j)
    return None


def _is_that_change(before: dict[str, Any], text: str, place: KeyPath, state: TrunkState) -> bool:
    """Tell whether a text says what was said before, but for the state."""
    try:
        after = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    trunk: Any = before
    for key in place:
        trunk = trunk[key]
    trunk["state"] = str(state)
    return after == before

"""Where in a TOML text each key, table and array element begins. Pure.

`tomllib` gives values without lines, but a message that points at the line is worth much to whoever mends the file.
The scanner here only walks text that `tomllib` has accepted, so it needs no error messages of its own; TOML 1.0 as
far as positions go (headers, dotted and quoted keys, the four kinds of strings, arrays, inline tables).
"""

import re
from typing import Final

KeyPath = tuple[str | int, ...]
"""Keys and array indices from the root, e.g. `("city", 2, "home")`."""

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'  # up to two quotes may stand before the closing three
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR: Final = re.compile(r"[^,\]}#\r\n]*")
_KEY_PART: Final = re.compile(r"""[ \t]*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*""")
_HEADER: Final = re.compile(r"\[\[?")


class _Scanner:
    """Walks one text; `lines` fills up as it goes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {(): 1}
        self._counted_to = 0
        self._line = 1
        self._elements: dict[KeyPath, int] = {}

    def line(self) -> int:
        self._line += self.text.count("\n", self._counted_to, self.at)
        self._counted_to = self.at
        return self._line

    def skip(self, pattern: re.Pattern[str]) -> None:
        if match := pattern.match(self.text, self.at):
            self.at = match.end()

    def sees(self, mark: str) -> bool:
        return self.text.startswith(mark, self.at)

    def document(self) -> None:
        table: KeyPath = ()
        self.skip(_BLANK)
        while self.at < len(self.text):
            before = self.at
            table = self.header() if self.sees("[") else self.pair(table)
            self.skip(_BLANK)
            if self.at == before:  # text that tomllib would not have accepted
                return

    def header(self) -> KeyPath:
        line = self.line()
        array = self.sees("[[")
        self.skip(_HEADER)
        path = self.resolve(self.key())
        self.at += 2 if array else 1
        if array:
            index = self._elements.get(path, -1) + 1
            self._elements[path] = index
            self.lines.setdefault(path, line)
            path = (*path, index)
        self.lines.setdefault(path, line)
        return path

    def resolve(self, keys: tuple[str, ...]) -> KeyPath:
        """Add to a header's keys the index of the newest element of each array on the way."""
        path: KeyPath = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            if position < len(keys) - 1 and path in self._elements:
                path = (*path, self._elements[path])
        return path

    def key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while match := _KEY_PART.match(self.text, self.at):
            parts.append(match[1].strip("\"'"))
            self.at = match.end()
            if not self.sees("."):
                break
            self.at += 1
        return tuple(parts)

    def pair(self, table: KeyPath) -> KeyPath:
        line = self.line()
        keys = self.key()
        for depth in range(1, len(keys) + 1):
            self.lines.setdefault((*table, *keys[:depth]), line)
        if self.sees("="):
            self.at += 1
            self.skip(_BLANK)
            self.value((*table, *keys))
        return table

    def value(self, path: KeyPath) -> None:
        if self.sees("["):
            self.array(path)
        elif self.sees("{"):
            self.inline_table(path)
        elif match := _STRING.match(self.text, self.at):
            self.at = match.end()
        else:
            self.skip(_SCALAR)

    def array(self, path: KeyPath) -> None:
        self.at += 1
        index = 0
        self.skip(_BLANK)
        while self.at < len(self.text) and not self.sees("]"):
            before = self.at
            self.lines[(*path, index)] = self.line()
            self.value((*path, index))
            index += 1
            self.separator()
            if self.at == before:
                return
        self.at += 1

    def inline_table(self, path: KeyPath) -> None:
        self.at += 1
        self.skip(_BLANK)
        while self.at < len(self.text) and not self.sees("}"):
            before = self.at
            self.pair(path)
            self.separator()
            if self.at == before:
                return
        self.at += 1

    def separator(self) -> None:
        self.skip(_BLANK)
        if self.sees(","):
            self.at += 1
            self.skip(_BLANK)


def line_index(text: str) -> dict[KeyPath, int]:
    """Map every key path of a TOML text to the line where it begins, counted from 1.

    Args:
        text: TOML that `tomllib` has accepted. On other text the index stops early; it never raises.
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines

"""Reading a TOML file with all its problems at once, each with its line."""

import tomllib
from pathlib import Path
from typing import Any, Final

from tieline.errors import ConfigError, Problem
from tieline.toml_lines import KeyPath, line_index
from tieline.toml_table import Table as Table  # readers of files need both

_MAX_BYTES: Final = 4_000_000


class TomlFile:
    """A TOML file, its lines, and the problems found in it so far.

    Args:
        path: Where it is; only its name when the text is given.
        text: What is in it, when it does not come from the disk.

    Attributes:
        root: The whole file as one table.

    Raises:
        ConfigError: The file cannot be read, is not UTF-8, or is no TOML.
    """

    def __init__(self, path: Path, text: str | None = None) -> None:
        self.path = path
        self.problems: list[tuple[int, Problem]] = []
        text = self._read() if text is None else text
        try:
            values = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise self._unreadable(f"no TOML: {error}", "mend the syntax there") from error
        self._lines = line_index(text)
        self._values = values
        self.root = Table(self, (), values)

    def _read(self) -> str:
        raw = b""
        try:
            with self.path.open("rb") as stream:
                raw = stream.read(_MAX_BYTES + 1)
            text = raw.decode()
        except OSError as error:
            raise self._unreadable(f"cannot be read: {error.strerror}", "check path and rights") from error
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise self._unreadable(f"not UTF-8 at line {line}", "save it as UTF-8") from error
        if len(raw) > _MAX_BYTES:
            raise self._unreadable(f"larger than {_MAX_BYTES} bytes", "is this the right file?")
        return text

    def _unreadable(self, what: str, mend: str) -> ConfigError:
        return ConfigError(str(self.path), [Problem(self.path.name, what, mend)])

    def line(self, path: KeyPath) -> int:
        """Find the line of a key path, or of the nearest thing round it."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def fault(self, path: KeyPath, what: str, mend: str) -> None:
        """Note a problem at a key path."""
        line = self.line(path)
        where = f"{self.path.name}:{line} {self._named(path)}".rstrip()
        self.problems.append((line, Problem(where, what, mend)))

    def _named(self, path: KeyPath) -> str:
        """Render a key path, array elements by their `id` where they have one: `city[xiamen].home`."""
        text, value = "", self._values
        for part in path:
            value = _child(value, part)
            if isinstance(part, int):
                name = value.get("id") if isinstance(value, dict) else None
                text += f"[{name}]" if isinstance(name, str) and name.isprintable() else f"[{part}]"
            else:
                text += f".{part}" if text else part
        return text

    def found(self) -> list[Problem]:
        """Give every problem noted so far, in the order of the lines."""
        ordered = sorted(self.problems, key=lambda found: (found[0], found[1].where, found[1].what))
        return [problem for _, problem in ordered]

    def refuse_if_faulty(self) -> None:
        """Refuse the file when any problem was noted.

        Raises:
            ConfigError: Holds every problem in the order of the lines.
        """
        if self.problems:
            raise ConfigError(str(self.path), self.found())


def _child(value: Any, part: str | int) -> Any:
    if isinstance(part, int):
        return value[part] if isinstance(value, list) and part < len(value) else None
    return value.get(part) if isinstance(value, dict) else None

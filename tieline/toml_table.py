"""One table of a TOML file: typed fields, all problems noted, unknown keys refused. Pure."""

import difflib
import ipaddress
import re
from collections.abc import Collection, Iterator
from typing import Any, Final, Protocol

from tieline.toml_lines import KeyPath
from tieline.topology import Address

ID: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")
"""Form of an id: it becomes part of file names, channel variables, keys and labels."""

_KINDS: Final = {str: "a text", bool: "true or false", int: "a whole number", float: "a number", list: "a list"}


class FaultBook(Protocol):
    """Takes the faults that a table finds."""

    def fault(self, path: KeyPath, what: str, mend: str) -> None:
        """Note a problem at a key path."""


class Table:
    """One table of a file: gives typed fields and remembers what is wrong.

    A field that is missing or wrong is noted once and read as an empty value (`""`, the minimum, `()`, None), so
    that reading goes on and finds the other problems. The result counts only when `TomlFile.refuse_if_faulty`
    lets it pass.
    """

    def __init__(self, book: FaultBook, path: KeyPath, values: dict[str, Any]) -> None:
        self._book = book
        self._path = path
        self._values = values
        self._known: set[str] = set()
        self._wrong: set[str | int] = set()

    def fault(self, key: str | tuple[str | int, ...], what: str, mend: str) -> None:
        """Note a problem of a field (or of the table itself when `key` is empty)."""
        keys = (key,) if isinstance(key, str) else key
        self._wrong.add(keys[0])
        self._book.fault((*self._path, *(part for part in keys if part != "")), what, mend)

    def wrong(self, key: str) -> bool:
        """Tell whether a problem of this field was noted: what was read in its place means nothing."""
        return key in self._wrong

    def has(self, key: str) -> bool:
        """Tell whether the field is there; whoever asks knows the key, so `finish` lets it stand."""
        self._known.add(key)
        return key in self._values

    def _get(self, key: str, kind: type, *, needed: bool) -> Any:
        self._known.add(key)
        if key not in self._values:
            if needed:
                self.fault(key, f"`{key}` is missing", f"add `{key} = …`, {_KINDS[kind]}")
            return None
        value = self._values[key]
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:  # by type: bool is an int to isinstance
            self.fault(key, f"{_shown(value)} is not {_KINDS[kind]}", f"write {_KINDS[kind]}")
            return None
        return value

    def text(self, key: str, *, default: str | None = None, max_length: int = 80, may_be_empty: bool = False) -> str:
        """Read a text without control characters."""
        value = self._get(key, str, needed=default is None)
        if value is None:
            return default or ""
        if not (value or may_be_empty) or len(value) > max_length or not value.isprintable():
            self.fault(
                key, f"{_shown(value)} is empty, longer than {max_length} or not printable", "write plain text"
            )
            return default or ""
        return str(value)

    def id(self, key: str = "id") -> str:
        """Read an id: a small letter, then up to 31 small letters, digits, `_` or `-`."""
        value = self.text(key)
        if value and not ID.fullmatch(value):
            self.fault(
                key, f"{_shown(value)} is no id", "use small letters, digits, `_`, `-`; a letter first; at most 32"
            )
            return ""
        return value

    def choice(self, key: str, allowed: Collection[str], *, default: str | None = None) -> str:
        """Read a text out of a closed set."""
        value = self.text(key, default=default)
        if value and value not in allowed:
            self.fault(key, f"{_shown(value)} is not known here", "use one of " + ", ".join(sorted(allowed)))
            return default or ""
        return value

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        """Read true or false."""
        value = self._get(key, bool, needed=default is None)
        return bool(default) if value is None else bool(value)

    def integer(self, key: str, minimum: int, maximum: int, *, default: int | None = None) -> int:
        """Read a whole number within bounds, both allowed."""
        value = self._get(key, int, needed=default is None)
        if value is None:
            return minimum if default is None else default
        if not minimum <= value <= maximum:
            self.fault(key, f"{value} is out of range", f"write {minimum} to {maximum}")
            return minimum
        return int(value)

    def number(self, key: str, minimum: float, maximum: float, *, default: float | None = None) -> float:
        """Read a number within bounds, both allowed; whole numbers are welcome."""
        value = self._get(key, float, needed=default is None)
        if value is None:
            return minimum if default is None else default
        if not minimum <= value <= maximum:
            self.fault(key, f"{value:g} is out of range", f"write {minimum:g} to {maximum:g}")
            return minimum
        return float(value)

    def texts(self, key: str, *, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Read a list of texts, none twice."""
        values = self._get(key, list, needed=default is None)
        if values is None:
            return default or ()
        good: list[str] = []
        for position, value in enumerate(values):
            if not isinstance(value, str) or not value.isprintable() or not value:
                self.fault((key, position), f"{_shown(value)} is not a text", "write a text in quotes")
            elif value in good:
                self.fault((key, position), f"{_shown(value)} stands here twice", "remove one")
            else:
                good.append(value)
        return tuple(good)

    def host(self, key: str) -> str:
        """Read an IPv4 address."""
        value = self.text(key)
        if value and not is_host(value):
            self.fault(key, f"{_shown(value)} is no IPv4 address", "write e.g. 127.0.21.11")
            return ""
        return value

    def hosts(self, key: str) -> tuple[str, ...]:
        """Read a list of IPv4 addresses."""
        values = self.texts(key)
        for position, value in enumerate(values):
            if not is_host(value):
                self.fault((key, position), f"{_shown(value)} is no IPv4 address", "write e.g. 127.0.21.11")
        return values

    def address(self, key: str) -> Address | None:
        """Read `host:port`; None when it is missing or wrong."""
        value = self.text(key)
        return self._address(key, value) if value else None

    def addresses(self, key: str) -> tuple[Address, ...]:
        """Read a list of `host:port`."""
        found = (self._address((key, position), value) for position, value in enumerate(self.texts(key)))
        return tuple(address for address in found if address)

    def _address(self, key: str | tuple[str | int, ...], value: str) -> Address | None:
        host, _, port = value.rpartition(":")
        if is_host(host) and port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536:
            return Address(host, int(port))
        self.fault(key, f"{_shown(value)} is no address", "write IPv4:port, e.g. 127.0.21.1:5060")
        return None

    def table(self, key: str) -> "Table":
        """Read one sub-table; a missing one is noted and reads as empty."""
        self._known.add(key)
        values = self._values.get(key)
        if not isinstance(values, dict):
            self.fault(
                key, f"table `{key}` is missing" if values is None else f"`{key}` is not a table", "write a table"
            )
            return Table(self._book, (*self._path, key), {})
        return Table(self._book, (*self._path, key), values)

    def tables(self, key: str) -> list["Table"]:
        """Read an array of tables; a missing one reads as empty."""
        self._known.add(key)
        values = self._values.get(key, [])
        if not isinstance(values, list):
            self.fault(key, f"`{key}` is not an array of tables", f"write [[{key}]]")
            return []
        found: list[Table] = []
        for position, value in enumerate(values):
            if isinstance(value, dict):
                found.append(Table(self._book, (*self._path, key, position), value))
            else:
                self.fault((key, position), f"{_shown(value)} is not a table", "write { … }")
        return found

    def names(self) -> Iterator[str]:
        """Give the keys as they stand in the file (for tables whose keys are ids)."""
        return iter(self._values)

    def finish(self) -> None:
        """Refuse every key that nobody asked for."""
        for key in self._values.keys() - self._known:
            near = difflib.get_close_matches(key, self._known - self._values.keys(), n=1)
            mend = f"did you mean `{near[0]}`?" if near else "remove it; known are " + ", ".join(sorted(self._known))
            self.fault(key, f"unknown key `{key}`", mend)


def is_host(text: str) -> bool:
    """Tell whether a text is an IPv4 address that something may listen on (not 0.0.0.0)."""
    try:
        return not ipaddress.IPv4Address(text).is_unspecified
    except ValueError:
        return False


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"

"""The text half of the catalogue: what each prompt and fragment says, per dialect. Pure, except `load_texts`.

The other half, what is known of each sound file, is the manifest beside the audio (`ivr_prompts.manifest`).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ivr_prompts.pattern import Part, Slot, map_words, parse_pattern, slots_of, spoken_digits
from tieline.errors import ConfigError, Problem
from tieline.model import MANDARIN, DialectId
from tieline.toml_file import TomlFile
from tieline.toml_table import Table

DATA: Final = Path(__file__).parent / "data"
"""The catalogue that Tieline ships."""

DIALECTS: Final = tuple(DialectId(name) for name in ("mandarin", "min_dong", "min_nan", "puxian", "hakka", "min_bei"))
"""Dialects that have prompts, Mandarin first."""

FILES: Final = ("prompts.toml", "fragments.toml", "places.toml", "causes.toml")

DEFAULT_MAX_MS: Final = 20_000
FRAGMENT_MAX_MS: Final = 3_000
_MAX_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Prompt:
    """A sentence, with or without slots; a fragment is a sentence without.

    Attributes:
        parts: Words and slots of Mandarin.
        say: The same parts as the synthetic voice is to read them.
        scripts: Words of other dialects for the voice talent, where they differ.
        dialects: Dialects that need it; Mandarin among them.
        max_ms: Longest allowed duration in milliseconds, slots included.
        fragment: It fills slots of others.
        where: File and line, for messages.
    """

    id: str
    parts: tuple[Part, ...]
    say: tuple[Part, ...]
    scripts: Mapping[DialectId, tuple[Part, ...]]
    dialects: tuple[DialectId, ...]
    max_ms: int
    fragment: bool
    where: str

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Slots in Mandarin's order."""
        return slots_of(self.parts)

    def pattern(self, dialect: DialectId) -> tuple[Part, ...]:
        """Give words and slots in a dialect's own order."""
        return self.scripts.get(dialect, self.parts)


@dataclass(frozen=True, slots=True)
class Piece:
    """The words of one sound file.

    Attributes:
        id: Name of the file without dialect and extension: the prompt's id, and `-1`, `-2`… when slots part it.
        text: Words for a voice talent.
        say: What the synthetic voice is to read; None when a stand-in cannot be cut to fit (order of slots differs).
        begins: A sentence or clause begins with it: a short pause before it.
        ends: A sentence or clause ends with it: a short pause after it.
        max_ms: Longest allowed duration in milliseconds.
    """

    id: str
    text: str
    say: str | None
    begins: bool
    ends: bool
    max_ms: int


@dataclass(frozen=True, slots=True)
class Texts:
    """Every prompt and fragment by id."""

    prompts: Mapping[str, Prompt]

    def pieces(self, dialect: DialectId) -> dict[str, Piece]:
        """Give the sound files that a dialect needs, by id."""
        found = (piece for prompt in self.prompts.values() for piece in prompt_pieces(prompt, dialect))
        return {piece.id: piece for piece in found}


def prompt_pieces(prompt: Prompt, dialect: DialectId) -> Iterator[Piece]:
    """Give the pieces of one prompt in a dialect, in the order of the sentence; none if the dialect lacks it."""
    if dialect not in prompt.dialects:
        return
    parts = prompt.pattern(dialect)
    fits = [isinstance(part, Slot) for part in parts] == [isinstance(part, Slot) for part in prompt.say]
    fits = fits and slots_of(parts) == prompt.slots
    max_ms = min(prompt.max_ms, FRAGMENT_MAX_MS) if prompt.fragment else prompt.max_ms
    names = iter(piece_ids(prompt, dialect))
    for position, part in enumerate(parts):
        if isinstance(part, str):
            say = prompt.say[position] if fits else None
            begins = not prompt.fragment and (position == 0 or not part[0].isalnum())
            ends = not prompt.fragment and (position == len(parts) - 1 or not part[-1].isalnum())
            yield Piece(next(names), part, say if isinstance(say, str) else None, begins, ends, max_ms)


def piece_ids(prompt: Prompt, dialect: DialectId) -> tuple[str, ...]:
    """Give the names of a prompt's sound files in a dialect, in order."""
    parts = prompt.pattern(dialect)
    count = sum(isinstance(part, str) for part in parts)
    return (prompt.id,) if len(parts) == 1 else tuple(f"{prompt.id}-{number + 1}" for number in range(count))


def load_texts(directory: Path = DATA) -> Texts:
    """Read every file of texts.

    Raises:
        ConfigError: A file is faulty; every problem of all of them is named.
    """
    problems: list[Problem] = []
    prompts: dict[str, Prompt] = {}
    for name in FILES:
        try:
            found = _load(directory / name)
        except ConfigError as error:
            problems += error.problems
            continue
        for prompt in found:
            if prompt.id in prompts:
                first = prompts[prompt.id].where
                problems.append(Problem(prompt.where, f"id {prompt.id} is used twice, first at {first}", "rename it"))
            prompts.setdefault(prompt.id, prompt)
    if problems:
        raise ConfigError(str(directory), problems)
    return Texts(prompts)


_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")
"""Becomes a file name; no hyphen, which numbers the pieces."""

_KINDS: Final = {"prompt": "", "fragment": "", "city": "city_", "county": "county_", "cause": "cause_"}
"""Table of the file, and what the ids in it begin with in the catalogue."""


def _load(path: Path) -> list[Prompt]:
    file = TomlFile(path)
    root = file.root
    found: list[Prompt] = []
    for kind, prefix in _KINDS.items():
        if root.has(kind):
            group = root.table(kind)
            for name in group.names():
                table = group.table(name)
                if not _NAME.fullmatch(name):
                    table.fault("", f"{name!r} is no name for a file", "use small letters, digits and `_`")
                where = f"{path.name}:{file.line((kind, name))}"
                found.append(_prompt(table, prefix + name, where, fragment=kind != "prompt"))
                if kind == "county":
                    table.text("gb_code")
                if kind == "cause":
                    table.text("english")
                table.finish()
    root.finish()
    file.refuse_if_faulty()
    return found


def _prompt(table: Table, prompt_id: str, where: str, *, fragment: bool) -> Prompt:
    parts = _parts(table, "text", needed=True)
    say = _parts(table, "say", needed=False) or map_words(parts, spoken_digits)
    scripts: dict[DialectId, tuple[Part, ...]] = {}
    if table.has("script"):
        script = table.table("script")
        for name in script.names():
            scripts[DialectId(name)] = _parts(script, name, needed=True)
            if name not in DIALECTS[1:]:
                script.fault(name, f"{name!r} has no prompts", "use one of " + ", ".join(DIALECTS[1:]))
        script.finish()
    dialects = _dialects(table)
    max_ms = table.integer("max_ms", 500, _MAX_MS, default=DEFAULT_MAX_MS)
    _check(table, parts, say, scripts, fragment=fragment)
    return Prompt(prompt_id, parts, say, scripts, dialects, max_ms, fragment, where)


def _dialects(table: Table) -> tuple[DialectId, ...]:
    named = table.texts("dialects", default=tuple(DIALECTS))
    for position, name in enumerate(named):
        if name not in DIALECTS:
            table.fault(("dialects", position), f"{name!r} has no prompts", "use one of " + ", ".join(DIALECTS))
    return tuple(name for name in DIALECTS if name == MANDARIN or name in named)


def _parts(table: Table, key: str, *, needed: bool) -> tuple[Part, ...]:
    text = table.text(key, default=None if needed else "", max_length=200)
    try:
        parts = parse_pattern(text)
    except ValueError as error:
        table.fault(key, str(error), "write {kind} or {name:kind}")
        return ()
    if text and not any(isinstance(part, str) for part in parts):
        table.fault(key, "nothing is said", "write words beside the slots")
    return parts


def _check(
    table: Table,
    parts: tuple[Part, ...],
    say: tuple[Part, ...],
    scripts: Mapping[DialectId, tuple[Part, ...]],
    *,
    fragment: bool,
) -> None:
    if any(
        character.isascii() and character.isalpha() for word in parts if isinstance(word, str) for character in word
    ):
        table.fault("text", "a Latin letter would be spelled out in English", "write Chinese characters")
    if fragment and slots_of(parts):
        table.fault("text", "a fragment fills slots and has none itself", "write it without slots")
    if [isinstance(part, str) or part for part in say] != [isinstance(part, str) or part for part in parts]:
        table.fault("say", "words and slots do not follow each other as in `text`", "keep the order of `text`")
    for dialect, script in scripts.items():
        if sorted(slots_of(script), key=str) != sorted(slots_of(parts), key=str):
            table.fault(("script", dialect), "the slots are not those of `text`", "use the same slots in any order")

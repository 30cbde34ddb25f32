"""The catalogue, texts and manifest together: resolves a sentence to the files that speak it. Pure but for loading.

A sentence is spoken in one voice. It falls back to Mandarin as a whole when a file of the dialect is missing, when
recordings and stand-ins would be mixed, and when only stand-ins could copy what Mandarin has recorded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Final

from ivr_prompts.grammar import Grammar, load_grammars
from ivr_prompts.manifest import Sound, Source, load_manifest
from ivr_prompts.pattern import Slot, SlotKind
from ivr_prompts.texts import DATA, DIALECTS, Prompt, Texts, load_texts, piece_ids
from tieline.errors import LocalProtocolError
from tieline.model import MANDARIN, DialectId

SlotValue = int | str | time
"""count, minutes: int; clock: time or `HH:MM`; digits, digit: str of digits; the others an id."""


PLACES: Final = ("city_", "county_")
"""What the fragments begin with that a slot of the kind place takes."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What can be said, and with which files.

    Attributes:
        sounds: Known files by path without extension. None: take every file for granted (nothing is built yet).
    """

    texts: Texts
    grammars: Mapping[DialectId, Grammar]
    sounds: Mapping[str, Sound] | None

    def sentence(self, prompt_id: str, dialect: DialectId, /, **slots: SlotValue) -> tuple[str, ...]:
        """Resolve a prompt to sound files, without extension, relative to the sounds directory.

        Args:
            prompt_id: As in `data/prompts.toml`.
            dialect: A dialect; one without prompts is spoken to in Mandarin.
            **slots: A value for each slot of the prompt.

        Raises:
            LocalProtocolError: No such prompt, slots that do not fit, or a value that cannot be spoken.
        """
        prompt = self.texts.prompts.get(prompt_id)
        if prompt is None:
            raise LocalProtocolError(f"no prompt {prompt_id}")
        names = {slot.name for slot in prompt.slots}
        if names != slots.keys():
            raise LocalProtocolError(f"prompt {prompt_id} has slots {sorted(names)}, not {sorted(slots)}")
        fallback = self._files(prompt, MANDARIN, slots)
        if dialect == MANDARIN or dialect not in prompt.dialects or dialect not in self.grammars:
            return fallback
        files = self._files(prompt, dialect, slots)
        return files if self._better(files, fallback) else fallback

    def _better(self, files: tuple[str, ...], fallback: tuple[str, ...]) -> bool:
        if self.sounds is None:
            return True
        found = [self.sounds.get(file) for file in files]
        stand_ins = {sound.stand_in for sound in found if sound is not None}
        if None in found or len(stand_ins) != 1:
            return False
        sources = [self.sounds[file].source for file in fallback if file in self.sounds]
        return stand_ins == {False} or Source.RECORDED not in sources

    def _files(self, prompt: Prompt, dialect: DialectId, slots: Mapping[str, SlotValue]) -> tuple[str, ...]:
        pieces = iter(piece_ids(prompt, dialect))
        files: list[str] = []
        for part in prompt.pattern(dialect):
            if isinstance(part, Slot):
                try:
                    files += self._fragments(part.kind, slots[part.name], dialect)
                except (ValueError, TypeError) as error:
                    raise LocalProtocolError(f"slot {part.name} of prompt {prompt.id}: {error}") from error
            else:
                files.append(next(pieces))
        return tuple(f"{dialect}/{file}" for file in files)

    def _fragments(self, kind: SlotKind, value: SlotValue, dialect: DialectId) -> tuple[str, ...]:
        grammar = self.grammars[dialect]
        if kind in (SlotKind.COUNT, SlotKind.MINUTES):
            return grammar.number.fragments(_whole(value), counted=True)
        if kind is SlotKind.CLOCK:
            return grammar.clock.fragments(_time(value), grammar.number)
        text = str(value)
        if kind is SlotKind.DIGITS:
            return tuple(grammar.digits[_digit(character)] for character in text)
        if kind is SlotKind.DIGIT:
            return grammar.number.fragments(_digit(text), counted=False)
        if kind is SlotKind.PLACE and not text.startswith(PLACES):
            raise ValueError(f"no place {text!r}")
        fragment = text if kind is SlotKind.PLACE else f"{kind}_{text}"
        if fragment not in self.texts.prompts:
            raise ValueError(f"no {kind} {text!r}")
        return (fragment,)


def load_catalogue(sounds: Path | None, directory: Path = DATA) -> Catalogue:
    """Load texts, grammar and the manifest of a sounds directory.

    Args:
        sounds: Directory of the audio; None takes every file for granted (rendering before anything is built).
        directory: Directory of the text data.

    Raises:
        ConfigError: Something is faulty, with every problem of the first faulty part.
    """
    texts = load_texts(directory)
    grammars = load_grammars(texts, directory)
    return Catalogue(texts, grammars, None if sounds is None else load_manifest(sounds).sounds)


def _whole(value: SlotValue) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number")
    return value


def _time(value: SlotValue) -> time:
    return value if isinstance(value, time) else time.fromisoformat(str(value))


def _digit(character: str) -> int:
    if len(character) != 1 or character not in "0123456789":
        raise ValueError(f"{character!r} is not a digit")
    return int(character)


__all__ = ["DIALECTS", "Catalogue", "SlotValue", "load_catalogue"]

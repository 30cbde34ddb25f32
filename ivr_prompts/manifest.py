"""The manifest beside the audio: what is known of each sound file. Generated, never in git.

It lies in the sounds directory as `manifest.json` and is replaced as a whole, so it is always some complete state.
"""

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from tieline.errors import ConfigError, Problem

MANIFEST: Final = "manifest.json"
EXTENSION: Final = ".alaw"
"""Raw A-law without header, 8000 bytes a second (Asterisk's format_pcm registers `alaw`, `al` and `alw`)."""

BYTES_PER_S: Final = 8000


class Source(StrEnum):
    """Where the voice comes from."""

    SYNTHETIC = "synthetic"
    RECORDED = "recorded"


class Sound(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one sound file.

    Attributes:
        source: Synthetic voice, or recording of a voice talent.
        stand_in: The Mandarin voice in place of a dialect's own.
        sha256: Of the file, hexadecimal.
        duration_ms: Length in milliseconds.
        level_dbov: Active speech level, dB relative to overload.
        words: What it says; a recording is out of date when the catalogue's words have changed since.
        recipe: Hash of text, voice and parameters of a synthetic file, or of the source file of a recording.
    """

    source: Source
    stand_in: bool = False
    sha256: str
    duration_ms: int
    level_dbov: float
    words: str
    recipe: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All sound files by their path without extension, e.g. `mandarin/greeting`."""

    version: int = 1
    sounds: dict[str, Sound] = msgspec.field(default_factory=dict)


def load_manifest(sounds: Path) -> Manifest:
    """Read the manifest of a sounds directory; one without manifest holds nothing yet.

    Raises:
        ConfigError: The manifest cannot be read or is none.
    """
    path = sounds / MANIFEST
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return Manifest()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        mend = "remove it and run `tieline prompts build`; recordings must be imported again"
        raise ConfigError(str(path), [Problem(MANIFEST, f"cannot be read: {error}", mend)]) from error


def save_manifest(sounds: Path, entries: Mapping[str, Sound]) -> None:
    """Replace the manifest in one step; the old one stays whole until then."""
    ordered = Manifest(sounds=dict(sorted(entries.items())))
    write_whole(sounds / MANIFEST, msgspec.json.format(msgspec.json.encode(ordered), indent=1))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a kill at any moment, sees the old one or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)

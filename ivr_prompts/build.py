"""The builder: makes the audio that is missing, and only that.

A sound is missing when its file is gone or changed, or when text, voice or parameters differ from those it was made
of. Recordings are never overwritten. Files and manifest are replaced whole, so a killed build leaves no half file;
what it had finished but not yet noted is made again.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ivr_prompts.manifest import BYTES_PER_S, Sound, Source, load_manifest, save_manifest, write_whole
from ivr_prompts.music import MUSIC
from ivr_prompts.sounds import file_hash, lock_sounds, sound_path
from ivr_prompts.texts import DIALECTS, Texts
from ivr_prompts.tools import ToolRunner
from ivr_prompts.voice import Speech, hold_music_speech, speech_of, synthesise
from tieline.model import MANDARIN, DialectId

Progress = Callable[[int, int], None]
"""Told how many sounds are made, and how many are to be made."""

WORKERS: Final = 2
_SAVE_EVERY: Final = 50


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did.

    Attributes:
        made: Files made.
        kept: Synthetic files that were right already.
        recorded: Recordings, left alone.
        removed: Synthetic files that no prompt needs any more.
        impossible: Files that only a recording can fill, because a stand-in cannot be cut to fit.
    """

    made: int
    kept: int
    recorded: int
    removed: int
    impossible: int


def build(
    texts: Texts,
    sounds: Path,
    tools: ToolRunner,
    *,
    dialects: Sequence[DialectId] = DIALECTS,
    workers: int = WORKERS,
    progress: Progress | None = None,
) -> BuildReport:
    """Make every missing sound, music on hold included.

    Args:
        texts: The catalogue's texts.
        sounds: Sounds directory; made when absent.
        tools: Runs espeak-ng and sox.
        dialects: Dialects to make.
        workers: Sounds made at once.
        progress: Called after each sound, from the calling thread.

    Raises:
        ToolFailed: A tool failed; what was finished is kept.
        NotReady: Another build or import works on the directory.
        ConfigError: The manifest cannot be read.
    """
    with lock_sounds(sounds):
        entries = load_manifest(sounds).sounds
        wanted = wanted_speech(texts, dialects)
        removed = _remove_obsolete(sounds, entries, texts)
        recorded = {name for name in wanted if _is_recorded(sounds, name, entries)}
        possible = {name: speech for name, speech in wanted.items() if speech and name not in recorded}
        missing = {name: speech for name, speech in possible.items() if not _right(sounds, name, speech, entries)}
        try:
            _make(missing, sounds, tools, entries, workers, progress)
        finally:
            if missing or removed:
                save_manifest(sounds, entries)
    kept = len(possible) - len(missing)
    impossible = len(wanted) - len(possible) - len(recorded)
    return BuildReport(len(missing), kept, len(recorded), removed, impossible)


def wanted_speech(texts: Texts, dialects: Sequence[DialectId] = DIALECTS) -> dict[str, Speech | None]:
    """Give what each file that the dialects need would say; None where only a recording can fill it."""
    speech = {
        f"{dialect}/{piece.id}": speech_of(piece) for dialect in dialects for piece in texts.pieces(dialect).values()
    }
    return {**speech, MUSIC: hold_music_speech()}


def _is_recorded(sounds: Path, name: str, entries: Mapping[str, Sound]) -> bool:
    sound = entries.get(name)
    return sound is not None and sound.source is Source.RECORDED and sound_path(sounds, name).exists()


def _right(sounds: Path, name: str, speech: Speech, entries: Mapping[str, Sound]) -> bool:
    sound = entries.get(name)
    return sound is not None and sound.recipe == speech.recipe and file_hash(sound_path(sounds, name)) == sound.sha256


def _remove_obsolete(sounds: Path, entries: dict[str, Sound], texts: Texts) -> int:
    needed = wanted_speech(texts)
    old = [name for name in entries if name not in needed and entries[name].source is Source.SYNTHETIC]
    for name in old:
        sound_path(sounds, name).unlink(missing_ok=True)
        del entries[name]
    return len(old)


def _make(
    missing: Mapping[str, Speech],
    sounds: Path,
    tools: ToolRunner,
    entries: dict[str, Sound],
    workers: int,
    progress: Progress | None,
) -> None:
    """Make each different speech once, and write it to every dialect that lacks it."""
    files: dict[Speech, list[str]] = {}
    for name, speech in missing.items():
        files.setdefault(speech, []).append(name)
    made = unsaved = 0
    with ThreadPoolExecutor(workers) as pool:
        jobs = {pool.submit(synthesise, tools, speech): speech for speech in files}
        try:
            for job in as_completed(jobs):
                speech = jobs[job]
                alaw, level_dbov = job.result()
                for name in files[speech]:
                    write_whole(sound_path(sounds, name), alaw)
                    entries[name] = _sound(alaw, level_dbov, speech, name)
                made += len(files[speech])
                unsaved += 1
                if unsaved == _SAVE_EVERY:
                    save_manifest(sounds, entries)
                    unsaved = 0
                if progress:
                    progress(made, len(missing))
        finally:
            pool.shutdown(cancel_futures=True)


def _sound(alaw: bytes, level_dbov: float, speech: Speech, name: str) -> Sound:
    return Sound(
        source=Source.SYNTHETIC,
        stand_in=not name.startswith((f"{MANDARIN}/", MUSIC)),
        sha256=hashlib.sha256(alaw).hexdigest(),
        duration_ms=len(alaw) * 1000 // BYTES_PER_S,
        level_dbov=level_dbov,
        words=speech.words,
        recipe=speech.recipe,
    )

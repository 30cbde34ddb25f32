"""`tieline prompts import DIR`: recordings of a voice talent, `<dialect>/<prompt id>.<wav, flac, …>`.

Everything is looked at before anything is written; one faulty file and nothing is taken over. The manifest goes
first: after a kill between it and the files, `check` names the files that are not yet there, and a second import
mends it. Sentences with slots are recorded in pieces, see `Texts.pieces`.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from ivr_prompts.audio import SILENT_DBOV, full_scale_run, measure, to_pcm
from ivr_prompts.build import WORKERS, Progress
from ivr_prompts.manifest import BYTES_PER_S, Sound, Source, load_manifest, save_manifest, write_whole
from ivr_prompts.sounds import lock_sounds, sound_path
from ivr_prompts.texts import DIALECTS, Piece, Texts
from ivr_prompts.tools import ToolFailed, ToolRunner
from ivr_prompts.voice import level, pause_ms
from tieline.errors import ConfigError, Problem
from tieline.model import DialectId

KINDS: Final = ("wav", "flac", "aiff", "au", "ogg", "w64")
"""Extensions that are taken, each a type of sox that can be read from a pipe."""

CLIPPED_RUN: Final = 4
"""So many samples in a row at full scale are taken for clipping; a single peak may be chance."""

MAX_BYTES: Final = 30_000_000
"""A minute of 24-bit stereo at 48 kHz is 17 MB."""

SHORTEST_MS: Final = 80
"""Nothing that is said lasts less."""


@dataclass(frozen=True, slots=True)
class _Take:
    """A recording that may be taken over."""

    shown: str
    path: Path
    name: str
    piece: Piece


_Converted = tuple[_Take, bytes, Sound]


def import_recordings(
    texts: Texts,
    source: Path,
    sounds: Path,
    tools: ToolRunner,
    *,
    workers: int = WORKERS,
    progress: Progress | None = None,
) -> int:
    """Take recordings over.

    Args:
        texts: The catalogue's texts.
        source: Directory with one folder a dialect.
        sounds: Sounds directory.
        tools: Runs sox.
        workers: Files worked on at once.
        progress: Called after each file that was looked at, from the calling thread.

    Returns:
        How many recordings were taken over.

    Raises:
        ConfigError: A file is faulty; every problem of all files is named, and nothing was written.
        NotReady: A build or another import works on the directory.
    """
    takes, problems = _survey(texts, source)
    converted: list[_Converted] = []
    with lock_sounds(sounds):
        with ThreadPoolExecutor(workers) as pool:
            for done, result in enumerate(pool.map(partial(_convert, tools), takes), 1):
                if isinstance(result, Problem):
                    problems.append(result)
                else:
                    converted.append(result)
                if progress:
                    progress(done, len(takes))
        if problems:
            raise ConfigError(str(source), sorted(problems, key=lambda problem: problem.where))
        entries = load_manifest(sounds).sounds
        save_manifest(sounds, {**entries, **{take.name: sound for take, _, sound in converted}})
        for take, alaw, _ in converted:
            write_whole(sound_path(sounds, take.name), alaw)
    return len(converted)


def _survey(texts: Texts, source: Path) -> tuple[list[_Take], list[Problem]]:
    """Look at the names alone."""
    takes: dict[str, _Take] = {}
    problems: list[Problem] = []
    pieces = {dialect: texts.pieces(dialect) for dialect in DIALECTS}
    for path in _files(source):
        shown = path.relative_to(source).as_posix()
        found = _take(path, shown, pieces)
        if isinstance(found, Problem):
            problems.append(found)
        elif found.name in takes:
            problems.append(Problem(shown, f"{takes[found.name].shown} is the same prompt", "keep one of the two"))
        else:
            takes[found.name] = found
    if not takes and not problems:
        problems.append(Problem(str(source), "there are no recordings", "put them at <dialect>/<prompt id>.wav"))
    return list(takes.values()), problems


def _files(source: Path) -> Iterator[Path]:
    for path in sorted(source.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield path


def _take(path: Path, shown: str, pieces: dict[DialectId, dict[str, Piece]]) -> _Take | Problem:
    folder, *rest = shown.split("/")
    dialect, kind = DialectId(folder), path.suffix.lower().lstrip(".")
    if len(rest) != 1:
        return Problem(shown, "not in the folder of a dialect", "put it at <dialect>/<prompt id>.wav")
    if dialect not in pieces:
        return Problem(shown, f"unknown dialect {folder}", "use one of " + ", ".join(DIALECTS))
    if kind not in KINDS:
        return Problem(shown, f"unknown kind of file {path.suffix or 'without extension'}", "use " + ", ".join(KINDS))
    piece = pieces[dialect].get(path.stem)
    if piece is not None:
        return _Take(shown, path, f"{dialect}/{piece.id}", piece)
    others = [other for other in DIALECTS if path.stem in pieces[other]]
    if others:
        return Problem(shown, f"wrong dialect: only {', '.join(others)} needs {path.stem}", "move or remove it")
    return Problem(shown, f"unknown prompt {path.stem}", "`tieline prompts script` lists the names")


def _convert(tools: ToolRunner, take: _Take) -> _Converted | Problem:
    """Read, judge and convert one recording."""
    kind = take.path.suffix.lower().lstrip(".")
    if take.path.stat().st_size > MAX_BYTES:
        return Problem(take.shown, f"larger than {MAX_BYTES} bytes", "is this the right file?")
    raw = take.path.read_bytes()
    try:
        clipped = full_scale_run(to_pcm(tools, raw, kind, rate=None))
        pcm = to_pcm(tools, raw, kind, trim=True)
    except ToolFailed as error:
        return Problem(take.shown, f"sox cannot read it: {error.said}", "export it again")
    loudness = measure(pcm)
    if loudness.level_dbov < SILENT_DBOV or loudness.duration_ms == 0:
        return Problem(take.shown, "silent", "record it again")
    if clipped >= CLIPPED_RUN:
        return Problem(take.shown, f"clipped: {clipped} samples in a row at full scale", "record it at a lower level")
    if not SHORTEST_MS <= loudness.duration_ms <= take.piece.max_ms:
        what = f"{loudness.duration_ms} ms long, expected {SHORTEST_MS} to {take.piece.max_ms}"
        return Problem(take.shown, what, "cut or record it again")
    lead_ms, tail_ms = pause_ms(pausing=take.piece.begins), pause_ms(pausing=take.piece.ends)
    alaw, level_dbov = level(tools, pcm, lead_ms=lead_ms, tail_ms=tail_ms, name=take.shown)
    sound = Sound(
        source=Source.RECORDED,
        sha256=hashlib.sha256(alaw).hexdigest(),
        duration_ms=len(alaw) * 1000 // BYTES_PER_S,
        level_dbov=level_dbov,
        words=take.piece.text,
        recipe=hashlib.sha256(raw).hexdigest()[:32],
    )
    return take, alaw, sound

"""`tieline prompts check`: is there audio for everything that can be said, and is it what the catalogue says?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ivr_prompts.audio import TARGET_DBOV, TOLERANCE_DB
from ivr_prompts.build import wanted_speech
from ivr_prompts.catalogue import Catalogue
from ivr_prompts.lengths import check_lengths
from ivr_prompts.manifest import BYTES_PER_S, EXTENSION, Sound, Source
from ivr_prompts.refusal import check_refusals
from ivr_prompts.sounds import file_hash, sound_path
from ivr_prompts.texts import DIALECTS
from ivr_prompts.voice import Speech
from tieline.errors import Problem

BUILD = "run `tieline prompts build`"


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found.

    Attributes:
        sounds: Files that are there.
        recorded: Of these, recordings.
        stand_ins: Of these, Mandarin's voice in place of a dialect.
        problems: Every fault; none means that all that can be said will be heard.
    """

    sounds: int
    recorded: int
    stand_ins: int
    problems: tuple[Problem, ...]


def check(catalogue: Catalogue, sounds: Path) -> CheckReport:
    """Compare a sounds directory with the catalogue. Only reads.

    Args:
        catalogue: Loaded with the manifest of `sounds`.
        sounds: Sounds directory.
    """
    entries = catalogue.sounds or {}
    wanted = wanted_speech(catalogue.texts)
    words = {
        f"{dialect}/{piece.id}": piece.text
        for dialect in DIALECTS
        for piece in catalogue.texts.pieces(dialect).values()
    }
    problems: list[Problem] = []
    for name, speech in wanted.items():
        problems += _check_sound(sounds, name, speech, words.get(name, ""), entries.get(name))
    problems += _check_strays(sounds, entries, wanted)
    problems += check_lengths(catalogue)
    problems += check_refusals(catalogue)
    there = [sound for name, sound in entries.items() if sound_path(sounds, name).exists()]
    recorded = sum(sound.source is Source.RECORDED for sound in there)
    return CheckReport(len(there), recorded, sum(sound.stand_in for sound in there), tuple(problems))


def _check_sound(
    sounds: Path, name: str, speech: Speech | None, words: str, sound: Sound | None
) -> Iterator[Problem]:
    where = f"{name}{EXTENSION}"
    path = sound_path(sounds, name)
    if sound is None or not path.exists():
        if speech is not None:
            yield Problem(where, "there is no audio", BUILD)
        return
    recorded = sound.source is Source.RECORDED
    if file_hash(path) != sound.sha256:
        yield Problem(where, "the file is not the one in the manifest", "import it again" if recorded else BUILD)
    elif path.stat().st_size * 1000 // BYTES_PER_S != sound.duration_ms:
        yield Problem(where, f"the manifest says {sound.duration_ms} ms, the file is another length", BUILD)
    if abs(sound.level_dbov - TARGET_DBOV) > TOLERANCE_DB:
        what = f"level {sound.level_dbov:g} dBov is more than {TOLERANCE_DB:g} dB off {TARGET_DBOV:g}"
        yield Problem(where, what, "record it again with an even voice" if recorded else BUILD)
    if recorded and sound.words != words:
        yield Problem(where, f"the recording says {sound.words!r}, the catalogue {words!r}", "record it again")
    if not recorded and speech is not None and sound.recipe != speech.recipe:
        yield Problem(where, "text, voice or parameters have changed since it was made", BUILD)


def _check_strays(sounds: Path, entries: Mapping[str, Sound], wanted: Mapping[str, object]) -> Iterator[Problem]:
    for name in sorted(entries.keys() - wanted.keys()):
        mend = "remove file and entry" if entries[name].source is Source.RECORDED else BUILD
        yield Problem(f"{name}{EXTENSION}", "no prompt needs it", mend)
    for dialect in DIALECTS:
        for path in sorted((sounds / dialect).glob("*")):
            name = f"{dialect}/{path.name.removesuffix(EXTENSION)}"
            if not path.name.startswith(".") and (path.suffix != EXTENSION or name not in entries):
                yield Problem(
                    f"{dialect}/{path.name}", "the manifest does not know this file", "remove it, or import it"
                )

"""The synthetic voice: espeak-ng's Mandarin, and its parameters.

`cmn-latn-pinyin` takes characters and pinyin with tone digits; a test reads its phonemes. Plain `cmn` is the wrong
one: espeak-ng 1.51 read the digits in English with it (1.52 no longer does).
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from ivr_prompts.audio import CEILING_DBOV, RATE, TARGET_DBOV, measure, to_alaw, to_pcm
from ivr_prompts.music import hold_music
from ivr_prompts.texts import Piece
from ivr_prompts.tools import ToolFailed, ToolRunner

VOICE: Final = "cmn-latn-pinyin"

SPEED_WPM: Final = 180
"""espeak-ng's words a minute; about 4.4 syllables a second, a calm announcement."""

_PITCH: Final = 45
_PIPELINE: Final = 3
"""Raised when the way of making audio changes, so that everything is made anew."""

_SENTENCE_PAUSE_MS: Final = 160
_JOIN_MS: Final = 15


@dataclass(frozen=True, slots=True)
class Speech:
    """What is to be synthesised.

    Attributes:
        words: The words as the catalogue has them.
        say: The words as the voice is to read them; empty for music.
        lead_ms: Silence before.
        tail_ms: Silence after.
    """

    words: str
    say: str
    lead_ms: int
    tail_ms: int

    @property
    def recipe(self) -> str:
        """Hash of everything that the result depends on."""
        facts = (_PIPELINE, VOICE, SPEED_WPM, _PITCH, RATE, TARGET_DBOV, CEILING_DBOV, self)
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


def speech_of(piece: Piece) -> Speech | None:
    """Give what a piece's synthetic file says; None when no stand-in fits."""
    if piece.say is None:
        return None
    return Speech(piece.text, piece.say, pause_ms(pausing=piece.begins), pause_ms(pausing=piece.ends))


def hold_music_speech() -> Speech:
    """Give the music on hold as something to be made like the others."""
    return Speech("", "", 0, 0)


def pause_ms(*, pausing: bool) -> int:
    """Give the silence at an end of a file: a breath round a sentence, next to none at a join."""
    return _SENTENCE_PAUSE_MS if pausing else _JOIN_MS


def phonemes(tools: ToolRunner, say: str) -> str:
    """Give espeak-ng's phonemes of a text, as it would speak it."""
    return tools.run(["espeak-ng", "-v", VOICE, "-q", "-x", say]).decode()


def synthesise(tools: ToolRunner, speech: Speech) -> tuple[bytes, float]:
    """Speak a text.

    Returns:
        The raw A-law file, and its active speech level in dBov before the silence was put round it.

    Raises:
        ToolFailed: A tool failed, or the voice said nothing.
    """
    if not speech.say:
        return level(tools, hold_music(), lead_ms=speech.lead_ms, tail_ms=speech.tail_ms, name="music on hold")
    wav = tools.run(["espeak-ng", "-v", VOICE, "-s", str(SPEED_WPM), "-p", str(_PITCH), "--stdout", speech.say])
    pcm = to_pcm(tools, wav, "wav", trim=True)
    return level(tools, pcm, lead_ms=speech.lead_ms, tail_ms=speech.tail_ms, name=speech.say)


def level(tools: ToolRunner, pcm: bytes, *, lead_ms: int, tail_ms: int, name: str) -> tuple[bytes, float]:
    """Bring samples to the target level and measure the result.

    Raises:
        ToolFailed: There is nothing but silence.
    """
    before = measure(pcm)
    if before.duration_ms == 0 or before.level_dbov == float("-inf"):
        raise ToolFailed("espeak-ng", f"no sound for {name!r}")
    alaw = to_alaw(tools, pcm, before, lead_ms=lead_ms, tail_ms=tail_ms)
    after = measure(to_pcm(tools, alaw, "al"))
    return alaw, round(after.level_dbov, 2)

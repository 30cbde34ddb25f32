"""From any sound to A-law 8 kHz at one loudness: trim, measure, level, encode. sox does the work, we measure."""

import math
import sys
from array import array
from dataclasses import dataclass
from typing import Final

from ivr_prompts.tools import ToolRunner

RATE: Final = 8000
"""Samples a second of everything that is measured or played."""

TARGET_DBOV: Final = -20.0
"""Active speech level of every prompt, dB relative to overload; speech on a call lies near it or some dB below."""

TOLERANCE_DB: Final = 1.5
"""How far a finished prompt may lie from the target."""

CEILING_DBOV: Final = -1.0
"""No sample may come nearer to overload; a limiter holds it."""

SILENT_DBOV: Final = -50.0
"""Speech below this level is taken for silence."""

_FRAME: Final = RATE // 50
_MARGIN_DB: Final = 25.0
_PCM: Final = ("-t", "raw", "-e", "signed-integer", "-b", "16", "-L", "-c", "1")
_RAW: Final = (*_PCM, "-r", str(RATE))
_ALAW: Final = ("-t", "al", "-r", str(RATE), "-c", "1")
_TRIM: Final = ("silence", "1", "0.01", "0.3%", "reverse")


@dataclass(frozen=True, slots=True)
class Loudness:
    """What a sound measures.

    Attributes:
        level_dbov: RMS over the 20 ms frames that lie at most 25 dB below the loudest, so pauses do not count
            (a plain form of ITU-T P.56). Minus infinity for silence.
        peak_dbov: Largest sample.
        duration_ms: Length.
    """

    level_dbov: float
    peak_dbov: float
    duration_ms: int


def measure(pcm: bytes) -> Loudness:
    """Measure 16-bit little-endian samples at 8 kHz. Pure."""
    samples = _samples(pcm)
    frames = [samples[at : at + _FRAME] for at in range(0, len(samples), _FRAME)]
    powers = [sum(sample * sample for sample in frame) / len(frame) for frame in frames]
    threshold = max(powers, default=0) / 10 ** (_MARGIN_DB / 10)
    active = [power for power in powers if power >= threshold]
    peak = max((abs(sample) for sample in samples), default=0)
    mean = sum(active) / len(active) if active else 0
    return Loudness(_db(math.sqrt(mean)), _db(peak), len(samples) * 1000 // RATE)


def _db(amplitude: float) -> float:
    return 20 * math.log10(amplitude / 32768) if amplitude > 0 else -math.inf


def _samples(pcm: bytes) -> "array[int]":
    samples = array("h", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def full_scale_run(pcm: bytes) -> int:
    """Give the longest run of 16-bit samples at full scale: the mark of clipping at the sound's own rate. Pure."""
    longest = run = 0
    for sample in _samples(pcm):
        run = run + 1 if sample >= 32767 or sample <= -32768 else 0
        longest = max(longest, run)
    return longest


def to_pcm(tools: ToolRunner, sound: bytes, kind: str, *, trim: bool = False, rate: int | None = RATE) -> bytes:
    """Decode a sound to 16-bit little-endian samples of one channel.

    Args:
        tools: Runs sox.
        sound: The whole file.
        kind: Its type as sox names it, e.g. `wav`, `flac`, `al`.
        trim: Cut silence at both ends.
        rate: Samples a second; None keeps the sound's own rate and, unmixed, its first channel.

    Raises:
        ToolFailed: sox cannot read it.
    """
    given = _ALAW if kind == "al" else ("-t", kind)
    effects = ("remix", "-", "rate", str(rate)) if rate else ("remix", "1")
    cut = (*_TRIM, *_TRIM) if trim else ()
    return tools.run(["sox", "-V1", "-D", *given, "-", *_PCM, "-", *effects, *cut], sound)


def to_alaw(tools: ToolRunner, pcm: bytes, loudness: Loudness, *, lead_ms: int, tail_ms: int) -> bytes:
    """Bring samples to the target level and encode them as raw A-law, with silence before and after.

    Raises:
        ToolFailed: sox failed.
    """
    gain = TARGET_DBOV - loudness.level_dbov
    effects = ["gain", f"{gain:.2f}"]
    if loudness.peak_dbov + gain > CEILING_DBOV:  # sox's limiter holds full scale, hence up and down by the ceiling
        effects = ["gain", "-l", f"{gain - CEILING_DBOV:.2f}", "gain", f"{CEILING_DBOV:g}"]
    effects += ["pad", f"{lead_ms / 1000:g}", f"{tail_ms / 1000:g}"]
    return tools.run(["sox", "-V1", "-D", *_RAW, "-", *_ALAW, "-", *effects], pcm)

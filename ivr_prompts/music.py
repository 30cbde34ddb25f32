"""Music on hold that belongs to nobody: a quiet pentatonic phrase on a plucked string. Pure.

Source of the string: Karplus and Strong, "Digital Synthesis of Plucked-String and Drum Timbres", 1983.
"""

import random
import sys
from array import array
from typing import Final

from ivr_prompts.audio import RATE

MUSIC: Final = "moh/hold"
"""Its sound file; Asterisk plays everything in that folder."""

_NOTE_S: Final = 0.5
_RING_S: Final = 2.0
_GENTLE: Final = 0.996
_PENTATONIC_HZ: Final = (196.0, 220.0, 246.9, 293.7, 329.6, 392.0, 440.0, 493.9)
_PHRASE: Final = (
    0, 2, 3, 5, 4, 3, 2, None, 1, 2, 4, 5, 3, 2, 1, None, 0, 3, 4, 6, 5, 4, 3, None, 2, 4, 3, 2, 1, 0, None, None,
)  # fmt: skip


def hold_music() -> bytes:
    """Give eighteen seconds of 16-bit little-endian samples at 8 kHz, the same ones each time."""
    total = [0.0] * int((len(_PHRASE) * _NOTE_S + _RING_S) * RATE)
    for position, note in enumerate(_PHRASE):
        if note is not None:
            start = int(position * _NOTE_S * RATE)
            for offset, sample in enumerate(_pluck(_PENTATONIC_HZ[note], seed=position)):
                total[start + offset] += sample
    peak = max(abs(sample) for sample in total)
    samples = array("h", (round(sample / peak * 16000) for sample in total))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def _pluck(frequency_hz: float, *, seed: int) -> list[float]:
    noise = random.Random(seed)  # noqa: S311 (a string's first stir, no secret)
    stirred = [noise.uniform(-1, 1) for _ in range(round(RATE / frequency_hz))]
    soft = [(stirred[at - 1] + sample) / 2 for at, sample in enumerate(stirred)]
    middle = sum(soft) / len(soft)
    string = [sample - middle for sample in soft]  # else the string would ring out to a constant
    sound: list[float] = []
    for position in range(int(_RING_S * RATE)):
        at = position % len(string)
        sound.append(string[at])
        string[at] = _GENTLE * (string[at] + string[(at + 1) % len(string)]) / 2
    fade = RATE // 10
    for position in range(fade):
        sound[-1 - position] *= position / fade
    return sound

"""Sound that a program can recognise: tones in A-law, and measuring them again. Pure."""

import math
from collections.abc import Iterator
from typing import Final

RATE_HZ: Final = 8000
"""Samples a second of A-law on the telephone network (ITU-T G.711)."""

CALLER_HZ: Final = 1000
AGENT_HZ: Final = 600
SECOND_HZ: Final = 1700
"""What a caller and an agent send, and an agent who is to be told from others; none is a harmonic of another, so that
each is found beside the others."""

SILENCE: Final = 0xD5
"""A-law's code for zero."""

_AMPLITUDE: Final = 8000
_SIGN: Final = 0x80
_TOGGLED: Final = 0x55
_SEGMENT_END: Final = (0x1F, 0x3F, 0x7F, 0xFF, 0x1FF, 0x3FF, 0x7FF, 0xFFF)


def encode_sample(linear: int) -> int:
    """Encode one 16-bit sample (ITU-T G.711 A-law, even bits inverted)."""
    magnitude, mask = (linear >> 3, _TOGGLED | _SIGN) if linear >= 0 else (-(linear >> 3) - 1, _TOGGLED)
    segment = next((number for number, end in enumerate(_SEGMENT_END) if magnitude <= end), 8)
    if segment > 7:
        return 0x7F ^ mask
    shift = segment if segment > 1 else 1
    return (segment << 4 | magnitude >> shift & 0x0F) ^ mask


def decode_sample(code: int) -> int:
    """Decode one A-law code to a 16-bit sample, the middle of its interval."""
    code ^= _TOGGLED
    value = (code & 0x0F) << 4
    segment = (code & 0x70) >> 4
    value = value + 8 if segment == 0 else value + 0x108 << segment - 1
    return value if code & _SIGN else -value


_DECODED: Final = tuple(decode_sample(code) for code in range(256))


def decode(codes: bytes) -> list[int]:
    """Decode A-law to 16-bit samples."""
    return [_DECODED[code] for code in codes]


def tone(hz: float, seconds: float) -> bytes:
    """Make a tone in A-law; choose whole periods to repeat it without a click."""
    step = 2 * math.pi * hz / RATE_HZ
    return bytes(encode_sample(round(_AMPLITUDE * math.sin(step * at))) for at in range(round(seconds * RATE_HZ)))


def level(samples: list[int]) -> float:
    """Give the root mean square of samples; speech from our prompts is above 500, silence below 20."""
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples)) if samples else 0.0


def amplitude(samples: list[int], hz: float) -> float:
    """Give the amplitude of one frequency in samples (Goertzel's algorithm)."""
    if not samples:
        return 0.0
    factor = 2 * math.cos(2 * math.pi * hz / RATE_HZ)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + factor * last - before
    power = last * last + before * before - factor * last * before
    return 2 * math.sqrt(max(power, 0.0)) / len(samples)


def seconds_with(samples: list[int], hz: float, *, at_least: float, window_s: float = 0.1) -> float:
    """Count how long a tone was there, in windows of `window_s` seconds."""
    size = round(window_s * RATE_HZ)
    return window_s * sum(amplitude(window, hz) >= at_least for window in _windows(samples, size))


def _windows(samples: list[int], size: int) -> Iterator[list[int]]:
    return (samples[start : start + size] for start in range(0, len(samples) - size + 1, size))

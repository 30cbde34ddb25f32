"""Measuring samples: level, peak, clipping."""

import math
from array import array

import pytest

from ivr_prompts.audio import RATE, full_scale_run, measure
from ivr_prompts.music import hold_music

pytestmark = pytest.mark.unit


def tone(amplitude: float, seconds: float, *, frequency_hz: float = 400.0) -> bytes:
    count = int(seconds * RATE)
    samples = (amplitude * math.sin(2 * math.pi * frequency_hz * at / RATE) for at in range(count))
    return array("h", (round(32767 * sample) for sample in samples)).tobytes()


def test_level_of_a_tone() -> None:
    loudness = measure(tone(0.5, 1.0))
    assert loudness.level_dbov == pytest.approx(-9.03, abs=0.02)
    assert loudness.peak_dbov == pytest.approx(-6.02, abs=0.02)
    assert loudness.duration_ms == 1000


def test_pauses_do_not_count() -> None:
    pause = bytes(2 * RATE * 3)
    assert measure(pause + tone(0.5, 1.0) + pause).level_dbov == pytest.approx(-9.03, abs=0.05)


@pytest.mark.parametrize("pcm", [b"", bytes(1600)])
def test_silence_has_no_level(pcm: bytes) -> None:
    assert measure(pcm).level_dbov == -math.inf


def test_clipping_is_a_run_at_full_scale() -> None:
    assert full_scale_run(tone(1.0, 1.0)) < 4
    clipped = array("h", [0, 32767, 32767, 32767, 32767, 32767, 5, -32768, -32768, 0]).tobytes()
    assert full_scale_run(clipped) == 5


def test_music_on_hold_has_no_constant_in_it_and_is_the_same_each_time() -> None:
    music = hold_music()
    samples = array("h", music)
    assert abs(sum(samples) / len(samples)) < 50
    assert len(samples) == 18 * RATE
    assert hold_music() == music

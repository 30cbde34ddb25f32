"""A-law and tone measurement."""

import pytest

from lab.tones import AGENT_HZ, CALLER_HZ, SILENCE, amplitude, decode, encode_sample, level, seconds_with, tone

pytestmark = pytest.mark.unit


def test_every_code_survives_decoding_and_encoding() -> None:
    assert [encode_sample(sample) for sample in decode(bytes(range(256)))] == list(range(256))


def test_known_codes_of_g711() -> None:
    # G.711 table 1a: the largest value of each sign, and the two around zero, even bits inverted.
    assert decode(bytes((0xAA, 0x2A, SILENCE, 0x55))) == [32256, -32256, 8, -8]


@pytest.mark.parametrize("sample", [-32768, -1, 0, 1, 32767])
def test_extremes_are_encoded_within_the_coding_error(sample: int) -> None:
    assert abs(decode(bytes([encode_sample(sample)]))[0] - sample) <= max(8, abs(sample) // 32)


def test_a_tone_is_found_at_its_frequency_only() -> None:
    heard = decode(tone(CALLER_HZ, 0.5))
    assert amplitude(heard, CALLER_HZ) == pytest.approx(8000, rel=0.02)
    assert amplitude(heard, AGENT_HZ) < 100
    assert level(heard) == pytest.approx(8000 / 2**0.5, rel=0.02)


def test_a_repeated_second_has_no_click() -> None:
    once = decode(tone(AGENT_HZ, 1))
    twice = once + once
    assert amplitude(twice[4000:12000], AGENT_HZ) == pytest.approx(8000, rel=0.02)


def test_seconds_with_a_tone_are_counted() -> None:
    heard = decode(bytes([SILENCE]) * 8000 + tone(AGENT_HZ, 2) + bytes([SILENCE]) * 4000)
    assert seconds_with(heard, AGENT_HZ, at_least=2000) == pytest.approx(2.0, abs=0.11)
    assert seconds_with(heard, CALLER_HZ, at_least=2000) == 0


def test_nothing_heard_is_silence() -> None:
    assert level([]) == 0
    assert amplitude([], CALLER_HZ) == 0
    assert seconds_with([], CALLER_HZ, at_least=1) == 0

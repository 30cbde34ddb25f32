"""Recordings of a voice talent: taken over whole, or not at all with every reason."""

import re
from pathlib import Path

import pytest

from ivr_prompts.audio import TARGET_DBOV, TOLERANCE_DB, measure, to_pcm
from ivr_prompts.build import build
from ivr_prompts.catalogue import load_catalogue
from ivr_prompts.check import check
from ivr_prompts.importer import import_recordings
from ivr_prompts.manifest import Source, load_manifest
from ivr_prompts.sounds import sound_path
from ivr_prompts.texts import DIALECTS, load_texts
from ivr_prompts.tools import ToolRunner
from tieline.errors import ConfigError
from tieline.model import DialectId

pytestmark = pytest.mark.component

TEXTS = load_texts()
MIN_NAN = DialectId("min_nan")


def record(tools: ToolRunner, path: Path, *effects: str, rate: int = 48_000, channels: int = 2) -> None:
    """Write a recording: one second of a voice-like tone, unless effects say otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = effects or ("synth", "1", "sawtooth", "140", "tremolo", "4", "gain", "-12")
    kind = path.suffix.lstrip(".")
    shape = ("-r", str(rate), "-b", "16", "-c", str(channels))
    path.write_bytes(tools.run(["sox", "-V1", "-n", *shape, "-t", kind, "-", *made]))


def snapshot(sounds: Path) -> dict[str, bytes]:
    return {str(path.relative_to(sounds)): path.read_bytes() for path in sorted(sounds.rglob("*")) if path.is_file()}


def test_recordings_are_converted_and_marked(sounds: Path, tools: ToolRunner, tmp_path: Path) -> None:
    source = tmp_path / "talent"
    record(tools, source / "min_nan" / "greeting.wav")
    record(tools, source / "min_nan" / "position-1.flac", rate=44_100, channels=1)
    record(tools, source / "min_nan" / "position-2.aiff", rate=8_000, channels=1)
    record(tools, source / "min_nan" / "shi_1.au")
    (source / "min_nan" / ".DS_Store").write_bytes(b"")
    assert import_recordings(TEXTS, source, sounds, tools) == 4
    taken = {name: sound for name, sound in load_manifest(sounds).sounds.items() if sound.source is Source.RECORDED}
    assert taken.keys() == {"min_nan/greeting", "min_nan/position-1", "min_nan/position-2", "min_nan/shi_1"}
    for name, sound in taken.items():
        loudness = measure(to_pcm(tools, sound_path(sounds, name).read_bytes(), "al"))
        assert abs(loudness.level_dbov - TARGET_DBOV) <= TOLERANCE_DB
        assert 900 < loudness.duration_ms == sound.duration_ms < 1400
        assert not sound.stand_in
    assert taken["min_nan/greeting"].words == "您好，国家电网95598为您服务。"
    catalogue = load_catalogue(sounds)
    assert check(catalogue, sounds).problems == ()
    assert catalogue.sentence("position", MIN_NAN, count=10)[1] == "min_nan/shi_1"
    assert catalogue.sentence("position", MIN_NAN, count=11)[0] == "mandarin/position-1"
    greeting = sound_path(sounds, "min_nan/greeting").read_bytes()
    assert build(TEXTS, sounds, tools).recorded == 4
    assert sound_path(sounds, "min_nan/greeting").read_bytes() == greeting


def test_one_faulty_recording_and_nothing_is_taken_over(sounds: Path, tools: ToolRunner, tmp_path: Path) -> None:
    source = tmp_path / "talent"
    record(tools, source / "min_nan" / "greeting.wav")
    record(tools, source / "min_nan" / "goodbye.wav")
    record(tools, source / "min_nan" / "goodbye.flac")
    record(tools, source / "min_nan" / "good_bye.wav")
    record(tools, source / "min_nan" / "num_1.wav", "synth", "1", "sawtooth", "140", "gain", "12")
    record(tools, source / "min_nan" / "num_2.wav", "synth", "5", "sawtooth", "140", "gain", "-12")
    record(tools, source / "min_nan" / "num_3.wav", "synth", "1", "sine", "200", "gain", "-70")
    record(tools, source / "min_nan" / "num_4.wav", "trim", "0", "0")
    record(tools, source / "min_nan" / "num_5.wav", "synth", "0.03", "square", "200", "gain", "-12")
    record(tools, source / "hakka" / "dialect_line_min_nan-1.wav")
    record(tools, source / "cantonese" / "greeting.wav")
    record(tools, source / "greeting.wav")
    record(tools, source / "min_nan" / "old" / "greeting.wav")
    (source / "min_nan" / "num_6.wav").write_bytes(b"not a sound")
    (source / "min_nan" / "notes.txt").write_text("take 3 is best")
    before = snapshot(sounds)
    with pytest.raises(ConfigError) as caught:
        import_recordings(TEXTS, source, sounds, tools)
    told = [re.sub(r"\d+ samples", "so many samples", str(problem)) for problem in caught.value.problems]
    line = "dialect_line_min_nan-1"
    unreadable = [entry for entry in told if entry.startswith("min_nan/num_6.wav: sox cannot read it: ")]
    assert len(unreadable) == 1
    assert [entry for entry in told if entry not in unreadable] == [
        f"cantonese/greeting.wav: unknown dialect cantonese (use one of {', '.join(DIALECTS)})",
        "greeting.wav: not in the folder of a dialect (put it at <dialect>/<prompt id>.wav)",
        f"hakka/{line}.wav: wrong dialect: only mandarin, min_nan needs {line} (move or remove it)",
        "min_nan/good_bye.wav: unknown prompt good_bye (`tieline prompts script` lists the names)",
        "min_nan/goodbye.wav: min_nan/goodbye.flac is the same prompt (keep one of the two)",
        "min_nan/notes.txt: unknown kind of file .txt (use wav, flac, aiff, au, ogg, w64)",
        "min_nan/num_1.wav: clipped: so many samples in a row at full scale (record it at a lower level)",
        "min_nan/num_2.wav: 5000 ms long, expected 80 to 3000 (cut or record it again)",
        "min_nan/num_3.wav: silent (record it again)",
        "min_nan/num_4.wav: silent (record it again)",
        "min_nan/num_5.wav: 30 ms long, expected 80 to 3000 (cut or record it again)",
        "min_nan/old/greeting.wav: not in the folder of a dialect (put it at <dialect>/<prompt id>.wav)",
    ]
    assert snapshot(sounds) == before


def test_an_empty_directory_is_a_mistake(sounds: Path, tools: ToolRunner, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ConfigError, match="there are no recordings"):
        import_recordings(TEXTS, empty, sounds, tools)

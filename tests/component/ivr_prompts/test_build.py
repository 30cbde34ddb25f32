"""The builder with the real tools: what the files are, and that only what is missing is made."""

import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from ivr_prompts.audio import RATE, TARGET_DBOV, TOLERANCE_DB, measure, to_pcm
from ivr_prompts.build import BuildReport, build, wanted_speech
from ivr_prompts.manifest import MANIFEST, Source, load_manifest, save_manifest
from ivr_prompts.sounds import file_hash, lock_sounds, sound_path
from ivr_prompts.texts import DATA, load_texts
from ivr_prompts.tools import ToolFailed, ToolRunner
from tests.golden.ivr_prompts.kept_pinyin import kept_pinyin
from tieline.errors import NotReady
from tieline.model import MANDARIN

pytestmark = pytest.mark.component

TEXTS = load_texts()
ALL = len(wanted_speech(TEXTS))
NO_TOOLS = ToolRunner(("/nonexistent/tool",))
SILENCE = {0x55, 0xD5}
"""A-law's codes for zero."""


def test_every_sound_is_a_law_at_8_khz_and_even_loudness(built: Path, tools: ToolRunner) -> None:
    sounds = load_manifest(built).sounds
    assert sounds.keys() == wanted_speech(TEXTS).keys()
    mandarin = {name: sound for name, sound in sounds.items() if name.startswith((f"{MANDARIN}/", "moh/"))}
    raw = {name: sound_path(built, name).read_bytes() for name in mandarin}
    with ThreadPoolExecutor(2) as pool:
        decoded = dict(zip(raw, pool.map(lambda alaw: to_pcm(tools, alaw, "al"), raw.values()), strict=True))
    for name, sound in mandarin.items():
        alaw, loudness = raw[name], measure(decoded[name])
        assert abs(loudness.level_dbov - TARGET_DBOV) <= TOLERANCE_DB, name
        assert loudness.peak_dbov < -0.9, name
        assert len(alaw) * 1000 // RATE == loudness.duration_ms == sound.duration_ms, name
        assert name.startswith("moh/") or {alaw[0], alaw[-1]} <= SILENCE, (
            f"{name} has no silence at its ends, or a header"
        )


def test_speech_has_the_speed_of_speech(built: Path) -> None:
    """A wrong sampling rate would be twice too fast or slow."""
    sounds = load_manifest(built).sounds
    for name, (_, pinyin) in kept_pinyin().items():
        syllables = len(pinyin.split())
        if syllables >= 8:
            assert 3.0 < syllables * 1000 / sounds[f"mandarin/{name}"].duration_ms < 6.0, name


def test_other_dialects_have_marked_stand_ins(built: Path) -> None:
    sounds = load_manifest(built).sounds
    assert sounds["min_nan/greeting"].stand_in
    assert not sounds["mandarin/greeting"].stand_in
    assert sounds["min_nan/greeting"].sha256 == sounds["mandarin/greeting"].sha256
    assert {sound.source for sound in sounds.values()} == {Source.SYNTHETIC}


def test_the_second_build_does_nothing(built: Path) -> None:
    before = (built / MANIFEST).stat()
    assert build(TEXTS, built, NO_TOOLS) == BuildReport(0, ALL, 0, 0, 0)
    assert (built / MANIFEST).stat() == before


def test_only_what_changed_is_made_again(sounds: Path, tools: ToolRunner, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(DATA, data)
    prompts = (data / "prompts.toml").read_text(encoding="utf-8")
    prompts = prompts.replace("[prompt.thank_you]", "[prompt.thanks]").replace(
        '请稍候。"\n\n[prompt.trans', '请稍等。"\n\n[prompt.trans'
    )
    (data / "prompts.toml").write_text(prompts, encoding="utf-8")
    sound_path(sounds, "hakka/num_1").unlink()
    sound_path(sounds, "puxian/num_2").write_bytes(b"\x55" * 800)
    wait, kept = (
        file_hash(sound_path(sounds, "mandarin/please_wait")),
        load_manifest(sounds).sounds["mandarin/greeting"],
    )
    report = build(load_texts(data), sounds, tools)
    assert report == BuildReport(made=6 + 6 + 2, kept=ALL - 14, recorded=0, removed=6, impossible=0)
    assert file_hash(sound_path(sounds, "mandarin/please_wait")) != wait
    assert load_manifest(sounds).sounds["mandarin/greeting"] == kept
    assert not sound_path(sounds, "mandarin/thank_you").exists()
    assert build(load_texts(data), sounds, NO_TOOLS).made == 0


def test_a_recording_is_never_overwritten(sounds: Path, tools: ToolRunner) -> None:
    entries = load_manifest(sounds).sounds
    path = sound_path(sounds, "min_nan/greeting")
    path.write_bytes(b"\x55" * 4000)
    changed = msgspec.structs.replace(
        entries["min_nan/greeting"], source=Source.RECORDED, stand_in=False, recipe="own"
    )
    save_manifest(sounds, {**entries, "min_nan/greeting": changed})
    assert build(TEXTS, sounds, tools) == BuildReport(0, ALL - 1, 1, 0, 0)
    assert path.read_bytes() == b"\x55" * 4000


def test_progress_is_told_to_the_end(tmp_path: Path, tools: ToolRunner) -> None:
    told: list[tuple[int, int]] = []
    fragments = load_texts()
    small = type(fragments)({name: fragments.prompts[name] for name in ("num_1", "num_2", "greeting")})
    build(small, tmp_path, tools, dialects=(MANDARIN,), progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_without_tools_the_build_says_which(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match="No such file or directory"):
        build(TEXTS, tmp_path, NO_TOOLS)


def test_one_build_at_a_time(tmp_path: Path) -> None:
    with lock_sounds(tmp_path), pytest.raises(NotReady):
        build(TEXTS, tmp_path, NO_TOOLS)


KILLED_BUILD = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from ivr_prompts.build import build
from ivr_prompts.texts import load_texts
from ivr_prompts.tools import ToolRunner
tools = ToolRunner.in_root(Path(sys.argv[1]))
build(load_texts(), Path(sys.argv[2]), tools, progress=lambda done, total: print(done, flush=True))
"""


def test_a_killed_build_leaves_nothing_half_done(tmp_path: Path, root: Path, built: Path) -> None:
    whole = load_manifest(built).sounds
    command = [sys.executable, "-c", KILLED_BUILD, str(root), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) > 60 * 6:  # a save of the manifest lies behind it
                os.kill(child.pid, signal.SIGKILL)
                break
        child.stdout.read()
    made = {path for path in tmp_path.rglob("*.alaw") if not path.name.startswith(".")}
    noted = load_manifest(tmp_path).sounds
    assert 0 < len(noted) <= len(made) < ALL
    assert {path for path in made if file_hash(path) != whole[f"{path.parent.name}/{path.stem}"].sha256} == set()
    assert {name for name in noted if not sound_path(tmp_path, name).exists()} == set()

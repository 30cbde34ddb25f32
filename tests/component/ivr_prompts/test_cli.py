"""`tieline prompts` as it is called."""

import json
import shutil
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from ivr_prompts.cli import prompts
from ivr_prompts.manifest import MANIFEST, Source, load_manifest, save_manifest
from ivr_prompts.sounds import sound_path
from ivr_prompts.texts import load_texts

pytestmark = pytest.mark.component


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(prompts, [str(word) for word in words])


def test_check_of_a_whole_build(built: Path) -> None:
    done = call("check", "--sounds", built, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["ok"]
    assert found["recorded"] == 0
    assert found["sounds"] > found["stand_ins"] > 1000


def test_check_before_any_build_names_every_sound(tmp_path: Path) -> None:
    done = call("check", "--sounds", tmp_path, "--json")
    assert done.exit_code == 2
    found = json.loads(done.stdout)
    assert not found["ok"]
    assert {problem["mend"] for problem in found["problems"]} == {"run `tieline prompts build`"}
    assert "mandarin/greeting.alaw" in {problem["where"] for problem in found["problems"]}
    assert len(found["problems"]) > 1000


def test_check_tells_all_that_is_wrong(sounds: Path) -> None:
    entries = load_manifest(sounds).sounds
    change = msgspec.structs.replace
    entries["min_bei/refuse_platform"] = change(entries["min_bei/refuse_platform"], duration_ms=20_001)
    message_ms = 20_001 + sum(entries[f"mandarin/refuse_{part}"].duration_ms for part in ("platform", "danger"))
    entries["mandarin/num_1"] = change(entries["mandarin/num_1"], level_dbov=-25.0)
    entries["mandarin/num_2"] = change(entries["mandarin/num_2"], recipe="older")
    entries["min_nan/num_3"] = change(entries["min_nan/num_3"], source=Source.RECORDED, words="叁")
    entries["min_nan/farewell"] = change(entries["min_nan/num_3"], words="再会")
    sound_path(sounds, "hakka/num_4").unlink()
    sound_path(sounds, "puxian/num_5").write_bytes(b"\x55")
    (sounds / "min_bei" / "notes.txt").write_text("")
    save_manifest(sounds, entries)
    done = call("check", "--sounds", sounds)
    assert done.exit_code == 2
    where = load_texts().prompts["refuse_platform"].where
    shorten = "(shorten the text, or record it faster)"
    build = "(run `tieline prompts build`)"
    assert done.stderr.splitlines()[1:] == [
        f"  mandarin/num_1.alaw: level -25 dBov is more than 1.5 dB off -20 {build}",
        f"  mandarin/num_2.alaw: text, voice or parameters have changed since it was made {build}",
        "  min_nan/num_3.alaw: the recording says '叁', the catalogue '三' (record it again)",
        f"  puxian/num_5.alaw: the file is not the one in the manifest {build}",
        f"  hakka/num_4.alaw: there is no audio {build}",
        f"  min_bei/refuse_platform.alaw: the manifest says 20001 ms, the file is another length {build}",
        "  min_nan/farewell.alaw: no prompt needs it (remove file and entry)",
        "  min_bei/notes.txt: the manifest does not know this file (remove it, or import it)",
        f"  {where}: refuse_platform can last 20001 ms in min_bei, allowed are 20000 {shorten}",
        f"  {where}: a refusal by refuse_platform lasts {message_ms} ms in min_bei, allowed are 15000 {shorten}",
    ]


def test_a_manifest_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text("{")
    done = call("check", "--sounds", tmp_path)
    assert done.exit_code == 2
    assert "manifest.json: cannot be read: " in done.stderr


def test_build_and_import(sounds: Path, root: Path, tmp_path: Path) -> None:
    done = call("build", "--sounds", sounds, "--root", root, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["made"] == 0
    source = tmp_path / "talent" / "hakka"
    source.mkdir(parents=True)
    shutil.copy(sound_path(sounds, "mandarin/greeting"), source / "greeting.raw")
    done = call("import", source.parent, "--sounds", sounds, "--root", root)
    assert done.exit_code == 2
    assert "hakka/greeting.raw: unknown kind of file .raw" in done.stderr


def test_script_for_a_voice_talent() -> None:
    lines = call("script", "min_nan").stdout.splitlines()
    assert "greeting\t您好，国家电网95598为您服务。" in lines
    assert "period_afternoon\t下晡" in lines
    assert call("script", "klingon").exit_code == 2

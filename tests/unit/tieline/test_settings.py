"""Defaults, then the file, then the environment; every problem at once; no password in `repr`."""

from dataclasses import fields
from pathlib import Path

import pytest

from tieline.errors import ConfigError
from tieline.settings import Settings, load_settings

pytestmark = pytest.mark.unit


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tieline.toml"
    path.write_text('state = "run"\nring_s = 8\nlog_level = "debug"\nagi_accept_from = ["127.0.0.9"]\n')
    return path


def test_defaults_are_absolute_and_follow_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(None, {"HOME": "/root", "OTHER_RING_S": "3"})
    assert settings.topology == tmp_path / "examples/fujian.toml"
    assert settings.journal == tmp_path / ".tieline/run/journal"
    assert settings.secrets == tmp_path / ".tieline/run/secrets.toml"
    assert settings.database_url == f"sqlite:///{tmp_path}/.tieline/run/tieline.sqlite"
    assert (settings.ring_s, settings.recording, settings.loopback_instance) == (12.0, True, 0)


def test_the_file_comes_before_defaults_and_its_paths_start_at_the_file(file: Path) -> None:
    settings = load_settings(file, {})
    assert settings.ring_s == 8.0
    assert settings.log_level == "debug"
    assert settings.agi_accept_from == ("127.0.0.9",)
    state = file.parent / "run"
    # What lies in the state directory moves with it.
    assert (settings.state, settings.journal, settings.secrets) == (state, state / "journal", state / "secrets.toml")
    assert settings.database_url == f"sqlite:///{state}/tieline.sqlite"


def test_the_environment_comes_last(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {
        "TIELINE_SETTINGS": str(file),
        "TIELINE_RING_S": "5.5",
        "TIELINE_RECORDING": "No",
        "TIELINE_LOG_PII": "1",
        "TIELINE_LOOPBACK_INSTANCE": "34",
        "TIELINE_AGI_ACCEPT_FROM": "127.0.0.1, 127.0.0.2,",
        "TIELINE_JOURNAL": "elsewhere",
        "TIELINE_ROOT": "/srv/root",
        "TIELINE_DATABASE_URL": "postgresql+psycopg://tieline@/x",
    }
    settings = load_settings(file, environ)
    assert (settings.ring_s, settings.recording, settings.log_pii, settings.loopback_instance) == (
        5.5,
        False,
        True,
        34,
    )
    assert settings.agi_accept_from == ("127.0.0.1", "127.0.0.2")
    assert settings.journal == tmp_path / "elsewhere"
    assert settings.database_url == "postgresql+psycopg://tieline@/x"
    assert settings.log_level == "debug"


def test_every_problem_of_both_at_once(tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    path.write_text(
        'state = 5\nring_s = true\nwrapup_s = 3\nlog_format = "xml"\nagi_accept_from = ["a"]\n[secret]\nx = 1\n'
    )
    environ = {
        "TIELINE_LOOPBACK_INSTANCE": "255",
        "TIELINE_DRAIN_S": "nan",
        "TIELINE_RECORDING": "perhaps",
        "TIELINE_STATE": "",
        "TIELINE_DATABASE_URL": "mysql://u:geheim@h/d",
        "TIELINE_RIN_S": "3",
    }
    with pytest.raises(ConfigError) as refused:
        load_settings(path, environ)
    assert [problem.where for problem in refused.value.problems] == [
        "t.toml:1 state",
        "t.toml:2 ring_s",
        "t.toml:3 wrapup_s",
        "t.toml:4 log_format",
        "t.toml:5 agi_accept_from[0]",
        "t.toml:6 secret",
        "TIELINE_DATABASE_URL",
        "TIELINE_DRAIN_S",
        "TIELINE_LOOPBACK_INSTANCE",
        "TIELINE_RECORDING",
        "TIELINE_RIN_S",
        "TIELINE_STATE",
    ]
    assert "did you mean `wrap_up_s`?" in str(refused.value)
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    ("setting", "wrong"),
    [(field.name, "-1" if isinstance(field.default, (int, float)) else "") for field in fields(Settings)],
)
def test_every_setting_is_checked(setting: str, wrong: str) -> None:
    if setting == "agi_accept_from":
        wrong = "127.0.0.300"
    with pytest.raises(ConfigError) as refused:
        load_settings(None, {f"TIELINE_{setting.upper()}": wrong})
    (problem,) = refused.value.problems
    assert problem.where == f"TIELINE_{setting.upper()}"
    assert problem.mend


def test_the_database_password_is_not_shown() -> None:
    settings = load_settings(None, {"TIELINE_DATABASE_URL": "postgresql+psycopg://tieline:geheim@host:5432/d"})
    assert "geheim" not in repr(settings)
    assert "postgresql+psycopg://tieline:…@host:5432/d" in repr(settings)


def test_a_missing_file_is_a_problem_not_a_default(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path / "none.toml", {})

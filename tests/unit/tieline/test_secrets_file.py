"""Made once, at mode 0600, never overwritten, never shown."""

import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tieline import secrets_file
from tieline.errors import ConfigError

pytestmark = pytest.mark.unit


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "secrets.toml"


def test_makes_a_file_for_its_owner_alone(path: Path) -> None:
    assert secrets_file.generate(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path], "no draft is left"
    made = secrets_file.load(path)
    assert len({made.ami_password, made.redis_password, made.agent_secret, made.cookie_secret}) == 4


def test_never_overwrites(path: Path) -> None:
    secrets_file.generate(path)
    before = path.read_bytes()
    assert not secrets_file.generate(path)
    assert path.read_bytes() == before


def test_of_many_at_once_one_makes_it(path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = [done.result() for done in [threads.submit(secrets_file.generate, path) for _ in range(8)]]
    assert made.count(True) == 1
    assert secrets_file.load(path)
    assert list(path.parent.iterdir()) == [path]


def test_each_agent_has_a_password_of_his_own_that_stays(path: Path) -> None:
    secrets_file.generate(path)
    passwords = {agent: secrets_file.load(path).agent_password(agent) for agent in ("a1001", "a1002", "a2001")}
    assert len(set(passwords.values())) == 3
    assert all(len(password) == 26 and password.isalnum() and password.isascii() for password in passwords.values())
    assert secrets_file.load(path).agent_password("a1001") == passwords["a1001"]


def test_the_derivation_does_not_change() -> None:
    """Phones keep their passwords over releases."""
    fixed = secrets_file.Secrets("a" * 16, "b" * 16, "c" * 16, "d" * 16)
    assert fixed.agent_password("a1001") == "a6qiczj77f9f4g7j3bzdjiwnrv"


def test_shows_nothing(path: Path) -> None:
    secrets_file.generate(path)
    made = secrets_file.load(path)
    for shown in (repr(made), str(made), f"{made!r:>5}"):
        assert made.ami_password not in shown
        assert made.agent_secret not in shown


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_refuses_a_file_that_others_can_read(path: Path, mode: int) -> None:
    secrets_file.generate(path)
    path.chmod(mode)
    with pytest.raises(ConfigError, match=r"lets others read it.*chmod 600"):
        secrets_file.load(path)


@pytest.mark.parametrize(
    "wrong", ['"short-one"', '"Tr0ub4dor&3Tr0ub4dor&3"', "1234567890123456", '["geheim-geheim-geheim"]']
)
def test_names_what_is_wrong_but_not_the_secret(path: Path, wrong: str) -> None:
    secrets_file.generate(path)
    lines = path.read_text().splitlines()
    lines[2] = f"redis_password = {wrong}"
    path.write_text("\n".join([*lines[:-1], 'cokie_secret = "x"']))
    with pytest.raises(ConfigError) as refused:
        secrets_file.load(path)
    assert [problem.where for problem in refused.value.problems] == [
        "secrets.toml:1 cookie_secret",
        "secrets.toml:3 redis_password",
        "secrets.toml:5 cokie_secret",
    ]
    text = "".join(traceback.format_exception(refused.value))
    assert wrong.strip('[]"') not in text


def test_a_missing_file_is_a_config_error(path: Path) -> None:
    with pytest.raises(ConfigError, match="there is none"):
        secrets_file.load(path)

"""What differs is told without secrets, and put in place or back as a whole."""

from pathlib import Path

import pytest

from service.conf_files import ChangedFile, Swap, difference, staged

pytestmark = pytest.mark.unit


def test_a_difference_is_told_with_secrets_masked() -> None:
    former = "[tieline]\nsecret = old-secret\n[a1](agent-auth)\npassword = old-password\nread = call\n"
    text = former.replace("old-", "new-").replace("read = call", "read = call,user")
    told = difference(ChangedFile("fuzhou-1", Path("/x/manager.conf"), former, text))
    assert told.splitlines()[:2] == ["--- fuzhou-1/manager.conf", "+++ fuzhou-1/manager.conf"]
    assert "old-" not in told
    assert "new-" not in told
    assert "-secret = ***\n" in told
    assert "+password = ***\n" in told
    assert "+read = call,user\n" in told


def test_a_secret_that_stays_is_masked_beside_a_change() -> None:
    told = difference(ChangedFile("n", Path("/x/manager.conf"), "secret = s3\nread = a\n", "secret = s3\nread = b\n"))
    assert "s3" not in told


def test_a_swap_comes_back_whole_with_a_new_file_gone(tmp_path: Path) -> None:
    there, fresh = tmp_path / "a.conf", tmp_path / "deep/b.conf"
    there.write_text("old")
    changes = [ChangedFile("n", there, "old", "new"), ChangedFile("n", fresh, None, "new")]
    swap = Swap(changes)
    swap.stage()
    assert there.read_text() == "old"
    swap.put()
    assert (there.read_text(), fresh.read_text()) == ("new", "new")
    assert {path.stat().st_mode & 0o077 for path in (there, fresh)} == {0}
    swap.put_back()
    assert there.read_text() == "old"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [there]


def test_what_was_only_staged_is_removed(tmp_path: Path) -> None:
    change = ChangedFile("n", tmp_path / "a.conf", None, "new")
    swap = Swap([change])
    swap.stage()
    assert staged(change).exists()
    swap.put_back()
    assert list(tmp_path.iterdir()) == []

"""The journal on a real file system: synced before return, shared syncs, torn tails, rotation, durable cursor."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crm_adapter.journal import Journal, JournalError, JournalReader
from crm_adapter.record import CallRecord, encode
from tests.unit.crm_adapter.records import record
from tieline.errors import DeadlineExceeded

pytestmark = pytest.mark.component


def numbered(number: int) -> CallRecord:
    """Make the record of one of many calls."""
    return record(call_id=f"fuzhou-1:fuzhou-1-1763.{number}")


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    """One writer."""
    one = Journal(tmp_path / "journal", "agi")
    yield one
    await one.close()


def reader_of(tmp_path: Path) -> JournalReader:
    """Open a reader as a restarted process would."""
    return JournalReader(tmp_path / "journal", tmp_path / "journal" / "tickets.cursor")


def drain(reader: JournalReader, *, limit: int = 500) -> list[CallRecord]:
    """Read and commit to the end."""
    found: list[CallRecord] = []
    while (batch := reader.read(limit=limit)).records:
        found += batch.records
        reader.commit(batch)
    return found


async def test_concurrent_appends_share_a_sync_and_all_return_after_it(journal: Journal, tmp_path: Path) -> None:
    calls = [numbered(n) for n in range(200)]
    await asyncio.gather(*(journal.append(call) for call in calls))
    assert journal.appended == 200
    assert journal.syncs <= 2
    assert drain(reader_of(tmp_path)) == calls


async def test_append_returns_after_the_sync_not_before(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    order: list[str] = []
    real = os.fdatasync

    def sync(handle: int) -> None:
        real(handle)
        order.append(f"synced {os.fstat(handle).st_size}")

    monkeypatch.setattr(os, "fdatasync", sync)
    await journal.append(record())
    order.append("returned")
    assert order == [f"synced {len(encode(record()))}", "returned"]


async def test_a_disk_that_does_not_confirm_meets_the_deadline(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    let_go = asyncio.Event()
    real = os.fdatasync

    def hang(handle: int) -> None:
        asyncio.run_coroutine_threadsafe(let_go.wait(), loop).result()
        real(handle)

    monkeypatch.setattr(os, "fdatasync", hang)
    with pytest.raises(DeadlineExceeded, match="journal sync"):
        await journal.append(record(), deadline_s=0.05)
    let_go.set()


async def test_a_full_disk_fails_every_append_of_the_group_and_the_next_record_stands_alone(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await journal.append(numbered(1))
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:100]))
    results = await asyncio.gather(*(journal.append(numbered(n)) for n in (2, 3)), return_exceptions=True)
    assert [type(result) for result in results] == [JournalError, JournalError]
    monkeypatch.setattr(os, "write", real)
    await journal.append(numbered(4))
    reader = reader_of(tmp_path)
    batch = reader.read()
    assert [found.call_id for found in batch.records] == [numbered(1).call_id, numbered(4).call_id]
    assert batch.garbled == 1


async def test_a_torn_last_line_is_left_alone_counted_and_read_once_whole(journal: Journal, tmp_path: Path) -> None:
    await journal.append(numbered(1))
    line = encode(numbered(2))
    (path,) = (tmp_path / "journal").glob("agi-*.jsonl")
    with path.open("ab") as file:
        file.write(line[:50])
    reader = reader_of(tmp_path)
    assert drain(reader) == [numbered(1)]
    assert (reader.torn_files(), reader.backlog_bytes()) == (1, 50)
    with path.open("ab") as file:
        file.write(line[50:])
    assert drain(reader) == [numbered(2)]
    assert (reader.torn_files(), reader.backlog_bytes()) == (0, 0)


async def test_garbage_between_records_is_passed_over_and_counted(journal: Journal, tmp_path: Path) -> None:
    await journal.append(numbered(1))
    (path,) = (tmp_path / "journal").glob("agi-*.jsonl")
    with path.open("ab") as file:
        file.write(b"\xff\xfe\0\n\n{}\n" + encode(numbered(2)))
    batch = reader_of(tmp_path).read()
    assert [found.call_id for found in batch.records] == [numbered(1).call_id, numbered(2).call_id]
    assert batch.garbled == 2


async def test_rotation_loses_nothing_and_neither_does_a_late_write_to_an_old_file(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", "agi", rotate_at_bytes=2000)
    for number in range(10):
        await journal.append(numbered(number))
    await journal.close()
    files = sorted((tmp_path / "journal").glob("agi-*.jsonl"))
    assert len(files) >= 3
    reader = reader_of(tmp_path)
    assert {found.call_id for found in drain(reader)} == {numbered(n).call_id for n in range(10)}
    with files[0].open("ab") as file:
        file.write(encode(numbered(99)))
    assert drain(reader) == [numbered(99)]


async def test_two_writers_in_one_directory_do_not_disturb_each_other(tmp_path: Path) -> None:
    first, second = Journal(tmp_path / "journal", "agi"), Journal(tmp_path / "journal", "agi")
    await asyncio.gather(*((first, second)[n % 2].append(numbered(n)) for n in range(100)))
    await first.close()
    await second.close()
    assert {found.call_id for found in drain(reader_of(tmp_path))} == {numbered(n).call_id for n in range(100)}


async def test_what_is_not_committed_is_read_again_by_the_next_process(journal: Journal, tmp_path: Path) -> None:
    for number in range(5):
        await journal.append(numbered(number))
    reader = reader_of(tmp_path)
    first = reader.read(limit=2)
    reader.commit(first)
    assert reader.read(limit=2).records == (numbered(2), numbered(3))
    assert drain(reader_of(tmp_path)) == [numbered(n) for n in (2, 3, 4)]
    assert drain(reader_of(tmp_path)) == []


async def test_a_broken_cursor_starts_over(journal: Journal, tmp_path: Path) -> None:
    await journal.append(numbered(1))
    drain(reader_of(tmp_path))
    (tmp_path / "journal" / "tickets.cursor").write_bytes(b"\0garbage")
    assert drain(reader_of(tmp_path)) == [numbered(1)]


async def test_prune_deletes_only_what_is_old_and_was_read(journal: Journal, tmp_path: Path) -> None:
    await journal.append(numbered(1))
    reader = reader_of(tmp_path)
    (path,) = (tmp_path / "journal").glob("agi-*.jsonl")
    after = path.stat().st_mtime + 1
    assert reader.prune(after) == 0
    drain(reader)
    assert reader.prune(path.stat().st_mtime - 1) == 0
    assert reader.prune(after) == 1
    assert not path.exists()
    assert reader.read().position == {}


async def test_a_writer_whose_file_was_pruned_goes_on_in_a_new_one(journal: Journal, tmp_path: Path) -> None:
    await journal.append(numbered(1))
    reader = reader_of(tmp_path)
    drain(reader)
    (path,) = (tmp_path / "journal").glob("agi-*.jsonl")
    assert reader.prune(path.stat().st_mtime + 1) == 1
    await journal.append(numbered(2))
    await journal.append(numbered(3))
    assert drain(reader) == [numbered(2), numbered(3)]
    assert len(list((tmp_path / "journal").glob("agi-*.jsonl"))) == 1


async def test_an_empty_or_missing_journal_reads_as_nothing(tmp_path: Path) -> None:
    reader = reader_of(tmp_path)
    assert reader.read().records == ()
    assert reader.backlog_bytes() == 0

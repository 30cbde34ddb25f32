"""The node's journal: a directory of append-only files of JSON lines, one line a hang-up.

Why files are never renamed and never shared by two servers: each `Journal` writes a file of its own under a name
used once, and rotation starts the next such file. So a file's name is its identity for ever, a late write cannot
land in a file that a reader has left behind, and a reader needs no lock. The stdio script, one short process a
call, appends to one file a day with O_APPEND: on a local Linux file system such a write moves to the end and
writes under the inode's lock, so records of two processes never interleave (write(2), O_APPEND).

A record is safe when `append` returns: it was synced. What a crash tears is the last line of a file, of a record
whose `append` never returned; a reader leaves it alone and counts it.
"""

import asyncio
import os
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from crm_adapter.record import CallRecord, encode, maybe_decode
from tieline.clock import Clock, system_clock
from tieline.errors import DeadlineExceeded, TielineError

SUFFIX: Final = ".jsonl"
ROTATE_AT_BYTES: Final = 64 * 1024 * 1024
"""About 100,000 calls a file: a storm day of the example makes two."""


class JournalError(TielineError):
    """The journal cannot be written (full disk, lost mount): the call must be witnessed by another writer."""

    retryable = True


class Journal:
    """One writer of a journal directory; made and used in one event loop.

    Args:
        directory: Made when missing. Must be on a local file system.
        writer: Kind of writer, e.g. `agi` or `keeper`; begins the file names.
        rotate_at_bytes: Size at which the next file is begun.
        clock: Names the files; nothing depends on its being right.
    """

    def __init__(
        self,
        directory: Path,
        writer: str,
        *,
        rotate_at_bytes: int = ROTATE_AT_BYTES,
        clock: Clock = system_clock,
    ) -> None:
        self._directory = directory
        self._writer = writer
        self._rotate_at_bytes = rotate_at_bytes
        self._clock = clock
        self._pending: list[tuple[bytes, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._file = -1
        self._size = 0
        self._torn = False
        self.appended = 0
        self.syncs = 0

    async def append(self, record: CallRecord, *, deadline_s: float = 2.0) -> None:
        """Write one record and return when it is on disk; concurrent appends share one sync.

        Failure policy: fail closed. The hang-up script must not report success without the record; a record
        written twice is harmless because delivery is by call id.

        Raises:
            JournalError: The disk refused it.
            DeadlineExceeded: The disk did not confirm in time; the record may still get there.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append((encode(record), done))
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().create_task(self._flush())
        try:
            async with asyncio.timeout(deadline_s):
                await done
        except TimeoutError:
            raise DeadlineExceeded("journal sync", deadline_s) from None

    async def close(self) -> None:
        """Sync what was appended and close the file."""
        if self._flushing is not None:
            await self._flushing
        await asyncio.get_running_loop().run_in_executor(self._disk, self._close_file)
        self._disk.shutdown()

    async def _flush(self) -> None:
        try:
            while self._pending:
                batch, self._pending = self._pending, []
                error = await self._attempt([line for line, _ in batch])
                for _, done in batch:
                    if done.done():
                        continue
                    if error is None:
                        done.set_result(None)
                    else:
                        done.set_exception(error)
        finally:
            self._flushing = None

    async def _attempt(self, lines: list[bytes]) -> JournalError | None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._disk, self._write, lines)
        except OSError as error:
            return JournalError(f"{self._directory}: {error}")
        self.appended += len(lines)
        return None

    def _write(self, lines: list[bytes]) -> None:
        """Write and sync, in the disk's thread.

        A writer that is seldom needed may find that its file, delivered long ago, was pruned: what it writes there
        nobody would ever read, so it writes it again, into a new file.
        """
        self._write_on(lines)
        if not os.fstat(self._file).st_nlink:
            self._close_file()
            self._write_on(lines)

    def _write_on(self, lines: list[bytes]) -> None:
        if self._file < 0 or self._size >= self._rotate_at_bytes:
            self._open_next()
        for line in lines:
            # After a torn line of our own (full disk) the next record starts on a line of its own.
            whole = b"\n" + line if self._torn else line
            self._torn = True
            written = os.write(self._file, whole)
            self._size += written
            if written != len(whole):
                raise OSError(f"short write: {written} of {len(whole)} bytes")
            self._torn = False
        os.fdatasync(self._file)
        self.syncs += 1

    def _open_next(self) -> None:
        self._close_file()
        self._directory.mkdir(parents=True, exist_ok=True)
        stamp = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y%m%dT%H%M%S")
        path = self._directory / f"{self._writer}-{stamp}-{secrets.token_hex(4)}{SUFFIX}"
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        self._size = 0
        self._torn = False
        sync_directory(self._directory)

    def _close_file(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def sync_directory(directory: Path) -> None:
    """Make new names in a directory survive a power cut."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# --- reading -------------------------------------------------------------------------------------------------


class _Cursor(msgspec.Struct, frozen=True):
    """How far each file was read, bytes."""

    v: int = 1
    files: dict[str, int] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """What a read gave, and the position to commit once it is safe elsewhere.

    Attributes:
        garbled: Lines passed over because they hold no record.
        position_moved: There is something to commit, be it only garbage.
        may_have_more: The limit ended it, not the end of the last file.
    """

    records: tuple[CallRecord, ...] = ()
    position: Mapping[str, int] = field(default_factory=dict)
    garbled: int = 0
    position_moved: bool = False
    may_have_more: bool = False


class JournalReader:
    """Reads every file of a journal directory once, from a durable cursor. Blocking: call it in a thread.

    Args:
        directory: The journal; may not exist yet.
        cursor: File that keeps the position; one for each reader.
    """

    def __init__(self, directory: Path, cursor: Path) -> None:
        self._directory = directory
        self._cursor = cursor
        self._position: dict[str, int] = self._load()

    def read(self, *, limit: int = 500) -> Batch:
        """Read up to `limit` records after the committed position; the same ones again until `commit`."""
        records: list[CallRecord] = []
        position = {name: offset for name, offset in self._position.items() if (self._directory / name).exists()}
        garbled, may_have_more = 0, False
        for path in self._files():
            start, wanted = position.get(path.name, 0), limit - len(records)
            lines, end = _whole_lines(path, start, wanted)
            may_have_more |= len(lines) == wanted
            if end > start:
                position[path.name] = end
            for line in lines:
                record = maybe_decode(line)
                if record is not None:
                    records.append(record)
                elif line.strip():
                    garbled += 1
            if len(records) >= limit:
                break
        return Batch(tuple(records), position, garbled, position != self._position, may_have_more)

    def commit(self, batch: Batch) -> None:
        """Remember, durably, that a batch is safe elsewhere."""
        if not batch.position_moved:
            return
        self._cursor.parent.mkdir(parents=True, exist_ok=True)
        draft = self._cursor.with_name(self._cursor.name + ".new")
        with draft.open("wb") as file:
            file.write(msgspec.json.encode(_Cursor(files=dict(batch.position))))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._cursor)
        sync_directory(self._cursor.parent)
        self._position = dict(batch.position)

    def backlog_bytes(self) -> int:
        """Count the bytes that were not read yet, torn last lines included."""
        return sum(max(0, path.stat().st_size - self._position.get(path.name, 0)) for path in self._files())

    def torn_files(self) -> int:
        """Count the files whose last line has no end: a crash, or a write going on this moment."""
        return sum(1 for path in self._files() if not _ends_with_newline(path))

    def prune(self, before: float) -> int:
        """Delete files that were read to the end and last written before a Unix time; returns how many."""
        pruned = 0
        for path in self._files():
            facts = path.stat()
            if facts.st_mtime < before and self._position.get(path.name, 0) >= facts.st_size:
                path.unlink()
                pruned += 1
        return pruned

    def _files(self) -> list[Path]:
        return sorted(self._directory.glob(f"*{SUFFIX}"))

    def _load(self) -> dict[str, int]:
        """Read the cursor; a missing or broken one starts over, which delivery by call id makes harmless."""
        try:
            return dict(msgspec.json.decode(self._cursor.read_bytes(), type=_Cursor).files)
        except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
            return {}


def _whole_lines(path: Path, start: int, limit: int) -> tuple[list[bytes], int]:
    """Give up to `limit` lines that are ended by a newline, from a byte offset, and the offset after them."""
    lines: list[bytes] = []
    with path.open("rb") as file:
        file.seek(start)
        while len(lines) < limit:
            line = file.readline()
            if not line.endswith(b"\n"):
                break
            lines.append(line)
            start += len(line)
    return lines, start


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"

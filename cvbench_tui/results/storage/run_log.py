"""Writing one run file: made anew, or opened again and written on.

What is on screen is on disk: before every line the file is looked at, and at the end read once more, so that one that
was deleted, replaced or changed meanwhile is noticed. ``results.storage.recorder`` then writes the run elsewhere;
``results.storage.run_file`` reads it back.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from cvbench_tui.core.event import CaseFailed, CaseFinished, Event, RunFinished
from cvbench_tui.errors import StoreError, os_reason
from cvbench_tui.results.storage import SUFFIX
from cvbench_tui.results.storage.run_file import NO_RUN_HINT, is_torn, numbered_lines, read_header
from cvbench_tui.results.storage.run_index import SeenFile, stamp_of
from cvbench_tui.wire import encode

if TYPE_CHECKING:
    from cvbench_tui.core.run import Run

FOLDER_HINT = "Choose another folder with --runs-dir or CVBENCH_RUNS_DIR."
AGAIN_S = 0.02  # after which a lock is tried again, seconds
CHUNK_BYTES = 1 << 20  # of a file that is read for its checksum


class RunLog(AbstractContextManager["RunLog"]):
    """A run file being written. Every event is flushed; an outcome is on the disk before the next case begins."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        """``file``: open for reading and writing at its end, unbuffered; see ``create_log`` and ``reopen_log``."""
        self.path = path
        self._file = file
        self._bytes, self._checksum = _content(file)  # as we know them

    def append(self, event: Event, run: Run | None = None) -> None:
        """Write one line; the run before it is not needed. Raises StoreError when it cannot be written, e.g. on a full
        disk, and when the file is not what was written. Of a line that does not fit nothing is left behind."""
        self.extend((event,), sync=isinstance(event, (CaseFinished, CaseFailed, RunFinished)))

    def extend(self, events: Iterable[Event], *, sync: bool = True) -> None:
        """Write lines; with ``sync`` they are on the disk when this returns. Raises StoreError as ``append``."""
        self._check()
        event: Event | None = None
        try:
            for event in events:
                self._write(encode(event).encode() + b"\n")
            if sync:
                os.fsync(self._file.fileno())
            whole = not isinstance(event, RunFinished) or _content(self._file) == (self._bytes, self._checksum)
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(self._bytes)
            raise _unwritable(self.path, error) from error
        if not whole:
            raise self._changed("was changed by another program")

    def _write(self, line: bytes) -> None:
        rest = line
        while rest:  # past every buffer of ours: a line that a full disk left behind would fail again at closing
            rest = rest[self._file.write(rest) :]
        self._bytes += len(line)
        self._checksum = zlib.crc32(line, self._checksum)

    def _check(self) -> None:
        """Raise StoreError for a file that is no longer at its path, or has another length than we know."""
        try:
            here, there = os.fstat(self._file.fileno()), os.stat(self.path)
        except FileNotFoundError:
            raise self._changed("was deleted or moved") from None
        except OSError as error:
            raise _unwritable(self.path, error) from error
        if not os.path.samestat(here, there):
            raise self._changed("was replaced by another one")
        if here.st_size != self._bytes:
            raise self._changed("was changed by another program")

    def _changed(self, how: str) -> StoreError:
        return StoreError(f"The run file {self.path} {how}.")

    def close(self) -> None:
        """Close the file. What was appended is in it; a file system that is gone cannot say so any more."""
        with suppress(OSError):
            self._file.close()

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()


def create_log(folder: Path, run_id: str) -> RunLog:
    """A new run file in ``folder``, which is created when it is missing. Raises StoreError when it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"Cannot create the runs folder {folder}: {os_reason(error)}.", FOLDER_HINT) from error
    path = folder / f"{run_id}{SUFFIX}"
    try:
        file = path.open("x+b", buffering=0)
    except OSError as error:
        raise StoreError(f"Cannot create the run file {path}: {os_reason(error)}.", FOLDER_HINT) from error
    _claim(file)
    return RunLog(path, file)


def reopen_log(opened: SeenFile) -> RunLog:
    """That run file, to be written on; a torn last line is cut off first.

    Raises StoreError when there is none, it cannot be written, has changed since it was read, or another process writes
    it.
    """
    path = opened.path
    try:
        file = path.open("r+b", buffering=0)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        if not _claim(file):
            raise in_use(path)
        if stamp_of(path) != opened.stamp:
            raise StoreError(f"The run file {path} has changed since it was opened.", "Open it again.")
        whole_bytes, ends_whole = _whole_part(path)
        file.truncate(whole_bytes)
        file.seek(whole_bytes)
        file.write(b"" if ends_whole else b"\n")
        return RunLog(path, file)
    except OSError as error:
        file.close()
        raise _unwritable(path, error) from error
    except StoreError:
        file.close()
        raise


def being_written(path: Path) -> bool:
    """True when another process writes that run file now; False where that cannot be known."""
    try:
        with path.open("rb") as file:
            return not _claim(file, look=True)
    except OSError:
        return False


def in_use(path: Path) -> StoreError:
    """Another process writes that file."""
    return StoreError(f"The run file {path} is being written by another cvbench-tui.", "Wait until its run ends.")


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"Cannot write the run file {path}: {os_reason(error)}.")


def _claim(file: BinaryIO, *, look: bool = False) -> bool:
    """Lock a run file for its one writer, until it is closed. False when another process has it. ``look``: only see
    whether one has; it is shared with others who look, and a writer tries again."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    for again in (True, True, False):
        try:
            fcntl.flock(file.fileno(), (fcntl.LOCK_SH if look else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            if look or not again:
                return False
            time.sleep(AGAIN_S)
        except OSError:  # no locks, as in some network folders
            return True
        else:
            return True
    return False


def _content(file: BinaryIO) -> tuple[int, int]:
    """Length and CRC-32 of the whole file, read from its start; it is at its end afterwards."""
    file.seek(0)
    count = checksum = 0
    while chunk := file.read(CHUNK_BYTES):
        count, checksum = count + len(chunk), zlib.crc32(chunk, checksum)
    return count, checksum


def _whole_part(path: Path) -> tuple[int, bool]:
    """How many bytes of a run file are whole lines, and whether the last of them has its line end.

    Raises StoreError when it cannot be read or is no run file.
    """
    whole, ends = 0, False
    for number, line, last in numbered_lines(path):
        if number == 1:
            read_header(path, line)
        if not last or not is_torn(line):
            whole, ends = whole + len(line), line.endswith(b"\n")
    if not whole:
        raise StoreError(f"{path} is empty.", NO_RUN_HINT)
    return whole, ends

"""Writing one run file: made anew, or opened again and written on.

``results.storage.run_file`` reads it back.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from cvbench_tui.core.event import CaseFailed, CaseFinished, Event, RunFinished
from cvbench_tui.errors import StoreError, os_reason
from cvbench_tui.results.storage import SUFFIX
from cvbench_tui.results.storage.run_file import NO_RUN_HINT, is_torn, numbered_lines, read_header
from cvbench_tui.wire import encode

FOLDER_HINT = "Choose another folder with --runs-dir or CVBENCH_RUNS_DIR."


class RunLog(AbstractContextManager["RunLog"]):
    """A run file being written. Every event is flushed; an outcome is on the disk before the next case begins."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        """``file``: open for writing at its end, unbuffered; see ``create_log`` and ``reopen_log``."""
        self.path = path
        self._file = file

    def append(self, event: Event) -> None:
        """Write one line. Raises StoreError when it cannot be written, e.g. on a full disk."""
        line = encode(event).encode() + b"\n"
        try:
            while line:  # past every buffer of ours: a line that a full disk left behind would fail again at closing
                line = line[self._file.write(line) :]
            if isinstance(event, (CaseFinished, CaseFailed, RunFinished)):
                os.fsync(self._file.fileno())
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def close(self) -> None:
        """Close the file; what was appended is in it."""
        self._file.close()

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()


def create_log(folder: Path, run_id: str) -> RunLog:
    """A new run file in ``folder``, which is created when it is missing. Raises StoreError when it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"Cannot create the runs folder {folder}: {os_reason(error)}.", FOLDER_HINT) from error
    path = folder / f"{run_id}{SUFFIX}"
    try:
        file = path.open("xb", buffering=0)
    except OSError as error:
        raise StoreError(f"Cannot create the run file {path}: {os_reason(error)}.", FOLDER_HINT) from error
    _claim(file)
    return RunLog(path, file)


def reopen_log(folder: Path, run_id: str) -> RunLog:
    """The run file of that id in ``folder``, to be written on; a torn last line is cut off first.

    Raises StoreError when there is none, it cannot be written, or another process is writing it.
    """
    path = folder / f"{run_id}{SUFFIX}"
    whole_bytes, ends_whole = _whole_part(path)
    try:
        file = path.open("r+b", buffering=0)
    except OSError as error:
        raise _unwritable(path, error) from error
    if not _claim(file):
        file.close()
        raise StoreError(f"The run file {path} is being written by another cvbench-tui.", "Wait until its run ends.")
    try:
        file.truncate(whole_bytes)
        file.seek(whole_bytes)
        file.write(b"" if ends_whole else b"\n")
    except OSError as error:
        file.close()
        raise _unwritable(path, error) from error
    return RunLog(path, file)


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"Cannot write the run file {path}: {os_reason(error)}.")


def _claim(file: BinaryIO) -> bool:
    """Lock a run file for its one writer, until it is closed. False when another process has it."""
    try:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):  # no locks: Windows, some network folders
        return True
    return True


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

"""One run on disk: a JSON Lines file, written as it goes and read back through the same fold.

``wire`` has the format of a line, ``core.run`` the fold, ``results.storage.runs`` the folder of runs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import chain, pairwise
from pathlib import Path
from typing import BinaryIO

from cvbench_tui.core.event import SCHEMA, CaseFailed, CaseFinished, Event, RunFinished, RunStarted
from cvbench_tui.core.run import Run, fold, with_better
from cvbench_tui.errors import StoreError, os_reason
from cvbench_tui.results.storage import SUFFIX
from cvbench_tui.wire import WireError, decode, encode

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
        raise StoreError(f"{path} is empty.", _NO_RUN_HINT)
    return whole, ends


def read_events(path: Path) -> Iterator[Event]:
    """Every event of a run file. A last line torn by a crash is left out; anything else wrong is a StoreError."""
    number = 0
    for number, line, last in numbered_lines(path):
        if number == 1:
            yield read_header(path, line)
            continue
        try:
            event = decode(line)
        except WireError as error:
            if last and is_torn(line):
                return
            raise StoreError(f"{path}, line {number}: {error}.", "The file was changed or damaged.") from error
        if isinstance(event, RunStarted):
            raise StoreError(f"{path}, line {number}: a second run begins here.", "A file holds one run.")
        yield event
    if number == 0:
        raise StoreError(f"{path} is empty.", _NO_RUN_HINT)


def load(path: Path) -> Run:
    """The run in that file. Of rows whose repeat was cut off the better outcome counts, as at the end of a run. Raises
    StoreError when it cannot be read or is none."""
    run: Run | None = None
    for event in read_events(path):
        run = fold(run, event)
    assert run is not None, "read_events raises on an empty file"
    return with_better(run)


def read_header(path: Path, line: bytes) -> RunStarted:
    """The first line of a run file. Raises StoreError when it is none, or one of a newer schema."""
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.get("kind") != "run_started":
        raise StoreError(f"{path} is not a run file: line 1 does not begin a run.", _NO_RUN_HINT)
    schema = header.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise StoreError(
            f"{path} was written by a newer version (schema {schema}, this one reads up to {SCHEMA}).",
            "Update cvbench-tui to read it.",
        )
    try:
        event = decode(line)
    except WireError as error:
        raise StoreError(f"{path}, line 1: {error}.", "The file was changed or damaged.") from error
    assert isinstance(event, RunStarted), "the kind was looked at above"
    return event


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """Line number from 1, the line, and whether it is the last. Raises StoreError when the file cannot be read."""
    try:
        with path.open("rb") as file:
            for number, (line, following) in enumerate(pairwise(chain(file, [b""])), 1):
                yield number, line, not following
    except OSError as error:
        raise StoreError(f"Cannot read {path}: {os_reason(error)}.") from error


def is_torn(line: bytes) -> bool:
    """True when the line stops in the middle of its JSON: the machine went down while it was written."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return True
    return False


_NO_RUN_HINT = "Run files end in .jsonl and are listed by: cvbench-tui list runs"

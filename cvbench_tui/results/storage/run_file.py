"""One run on disk: a JSON Lines file, written as it goes and read back through the same fold.

What a line holds is the wire's business, what a run is the core's; the folder of runs is ``results.storage.runs``'s.
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
from cvbench_tui.core.run import Run, fold
from cvbench_tui.errors import StoreError, os_reason
from cvbench_tui.wire import WireError, decode, encode

SUFFIX = ".jsonl"
FOLDER_HINT = "Choose another folder with --runs-dir or CVBENCH_RUNS_DIR."


class RunLog(AbstractContextManager["RunLog"]):
    """A run file being written. Every event is flushed; an outcome is on the disk before the next case begins."""

    def __init__(self, path: Path, file: BinaryIO | None = None) -> None:
        """Creates the file. Raises StoreError when it is there already or cannot be created.

        ``file``: it is there, open for writing at its end; see ``reopened``.
        """
        self.path = path
        try:
            self._file = file if file is not None else path.open("xb", buffering=0)
        except OSError as error:
            raise StoreError(f"Cannot create the run file {path}: {os_reason(error)}.", FOLDER_HINT) from error
        _claim(self._file)

    @classmethod
    def reopened(cls, path: Path) -> RunLog:
        """An existing run file, to be written on; a torn last line is cut off first.

        Raises StoreError when it cannot be opened, is no run file, or is being written by another process.
        """
        whole_bytes, ends_whole = _whole_part(path)
        try:
            file = path.open("r+b", buffering=0)
        except OSError as error:
            raise StoreError(f"Cannot write on the run file {path}: {os_reason(error)}.") from error
        if not _claim(file):
            file.close()
            raise StoreError(
                f"The run file {path} is being written by another cvbench-tui.", "Wait until its run ends."
            )
        log = cls(path, file)
        try:
            file.truncate(whole_bytes)
            file.seek(whole_bytes)
            log._write(b"" if ends_whole else b"\n")
        except OSError as error:
            log.close()
            raise StoreError(f"Cannot write the run file {path}: {os_reason(error)}.") from error
        return log

    def append(self, event: Event) -> None:
        """Write one line. Raises StoreError when it cannot be written, e.g. on a full disk."""
        try:
            self._write(encode(event).encode() + b"\n")
            if isinstance(event, (CaseFinished, CaseFailed, RunFinished)):
                os.fsync(self._file.fileno())
        except OSError as error:
            raise StoreError(f"Cannot write the run file {self.path}: {os_reason(error)}.") from error

    def _write(self, line: bytes) -> None:
        """All of the line, past every buffer of ours: one that a full disk left behind would fail again at closing."""
        while line:
            line = line[self._file.write(line) :]

    def close(self) -> None:
        """Close the file; what was appended is in it."""
        self._file.close()

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()


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
    """The run in that file. Raises StoreError when it cannot be read or is none."""
    run: Run | None = None
    for event in read_events(path):
        run = fold(run, event)
    assert run is not None, "read_events raises on an empty file"
    return run


def read_header(path: Path, line: bytes) -> RunStarted:
    """The first line of a run file. Raises StoreError when it is none, or one of a newer schema."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("kind") != "run_started":
        raise StoreError(f"{path} is no run file: line 1 does not begin a run.", _NO_RUN_HINT)
    schema = found.get("schema")
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

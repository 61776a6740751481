"""What is known of the run files of a folder, kept in ``index.sqlite`` in it so that they need not be read again.

Only a cache: missing, broken, locked, of another version or in a read-only folder, everything works without it, and
deleting it loses nothing.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Collection, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

from cvbench_tui import __version__

if TYPE_CHECKING:
    import sqlite3

    from cvbench_tui.core.event import EndReason

NAME = "index.sqlite"  # of the file, in the folder of runs. Its suffix is not that of a run.
VERSION = zlib.crc32(f"4 of {__version__}".encode()) & 0x7FFFFFFF
"""The database's ``user_version``: another program may compute other statistics from the same samples. The number is
counted up when the table changes."""
LOCKED_S = 0.5


@dataclass(frozen=True)
class Stamp:
    """What shows that a file has changed."""

    size: int
    changed_ns: int  # time of its last change, nanoseconds since the epoch


@dataclass(frozen=True)
class SeenFile:
    """A run file, and how it was when it was last read or written here."""

    path: Path
    stamp: Stamp | None  # None: it cannot be read


def seen(path: Path) -> SeenFile:
    """That file as it is now; before it is read, so that what is written meanwhile shows as a change."""
    return SeenFile(path, stamp_of(path))


@dataclass(frozen=True)
class RunSummary:
    """One run file as a list shows it."""

    id: str  # of the run; the file's name without its suffix when the file cannot be read
    path: Path
    started_at_s: float | None = None  # seconds since the epoch; None when the file cannot be read
    plan_name: str = ""
    rows: int = 0
    measured: int = 0
    failed: int = 0
    ended: EndReason | None = None  # None: still going on, or interrupted by force
    problem: str = ""  # why the file cannot be read; empty when it can


@dataclass(frozen=True)
class PastTimes:
    """One measured case of one run. Times are medians per iteration, seconds."""

    case_id: str
    device_name: str  # the product's, not the case's ``cuda:0``
    protocol: str
    inference_s: float | None  # None when it was not measured or is invalid (grade X)
    total_s: float | None
    wall_s: float | None  # wall seconds of all visits
    at_s: float  # when the run began, seconds since the epoch
    run_id: str


@dataclass(frozen=True)
class KnownFile:
    """A run file as it was read."""

    stamp: Stamp
    summary: RunSummary
    times: tuple[PastTimes, ...] | None
    """None: the file was only listed. Statistics of a run take a hundred times as long as its summary."""


def stamp_of(path: Path) -> Stamp | None:
    """None for what is no regular file, cannot be read now, or went away meanwhile."""
    try:
        status = path.stat()
    except OSError:
        return None
    readable = S_ISREG(status.st_mode) and os.access(path, os.R_OK)
    return Stamp(status.st_size, status.st_mtime_ns) if readable else None


def load(folder: Path, *, times: bool = True) -> dict[str, KnownFile]:
    """Entries of the index, by file name; nothing when there is none that can be used. Raises nothing.

    ``times``: whether those are wanted; they are most of the index.
    """
    import sqlite3

    columns = f"name, size, changed_ns, summary, {'times' if times else 'NULL'}"
    try:
        address = (folder / NAME).resolve().as_uri()
        with closing(sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=LOCKED_S)) as index:
            rows = index.execute(f"SELECT {columns} FROM files").fetchall() if _is_usable(index) else []
            return {os.fsdecode(name): _file(folder / os.fsdecode(name), *values) for name, *values in rows}
    except (sqlite3.Error, OSError, ValueError, TypeError):
        return {}


def save(folder: Path, files: Mapping[str, KnownFile], changed: Collection[str]) -> bool:
    """Write the changed ones, all where the index has to be made anew, and forget what is not in ``files``.

    False when it could not be written now. Raises nothing.
    """
    import sqlite3

    path = folder / NAME
    with suppress(sqlite3.Error, OSError, ValueError, OverflowError):  # locked, read-only, a full disk
        try:
            _write(path, files, changed)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # no database, or a damaged one
            path.unlink()
            _write(path, files, changed)
        return True
    return False


def _is_usable(index: sqlite3.Connection) -> bool:
    return bool(index.execute("PRAGMA user_version").fetchone() == (VERSION,))


def _file(path: Path, size: int, changed_ns: int, summary: str, times: str | None) -> KnownFile:
    rows = None if times is None else tuple(PastTimes(*row) for row in json.loads(times))
    return KnownFile(Stamp(size, changed_ns), RunSummary(**json.loads(summary) | {"path": path}), rows)


def _write(path: Path, files: Mapping[str, KnownFile], changed: Collection[str]) -> None:
    """In one transaction. Raises sqlite3.Error."""
    import sqlite3

    with closing(sqlite3.connect(path, timeout=LOCKED_S, isolation_level=None)) as index:
        index.execute("PRAGMA synchronous = OFF")  # a cache: what a power cut damages is made anew
        index.execute("BEGIN IMMEDIATE")
        if not _is_usable(index):
            index.execute("DROP TABLE IF EXISTS files")
            index.execute(
                "CREATE TABLE files (name BLOB PRIMARY KEY, size INTEGER, changed_ns INTEGER, summary TEXT, times TEXT)"
            )
            index.execute(f"PRAGMA user_version = {VERSION}")
            changed = list(files)
        names = {name for (name,) in index.execute("SELECT name FROM files")}
        gone = names - {os.fsencode(name) for name in files}
        index.executemany("DELETE FROM files WHERE name = ?", [(name,) for name in gone])
        index.executemany("REPLACE INTO files VALUES (?, ?, ?, ?, ?)", [_row(name, files[name]) for name in changed])
        index.execute("COMMIT")


def _row(name: str, file: KnownFile) -> tuple[bytes, int, int, str, str | None]:
    summary = json.dumps(asdict(replace(file.summary, path=Path())) | {"path": ""})
    times = None if file.times is None else json.dumps([astuple(each) for each in file.times])
    return os.fsencode(name), file.stamp.size, file.stamp.changed_ns, summary, times

"""What is known of run files, kept in ``index.sqlite`` beside them so that it need not be read again.

Only a cache: missing, broken, locked, of another version or in a read-only folder, everything works without it, and
deleting it loses nothing. What a row means is ``results.storage.history``'s.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from cvbench_tui import __version__

if TYPE_CHECKING:
    import sqlite3

NAME = "index.sqlite"
"""Of the file, in the folder of runs. Its suffix is not that of a run."""
FORM = 1
"""Counted up when the tables change, or what their figures mean."""
VERSION = f"{FORM} of {__version__}"
"""Another version may compute other statistics from the same samples."""
LOCKED_S = 0.5
"""Seconds to wait for another process that writes."""


@dataclass(frozen=True)
class Stamp:
    """What tells that a file has changed."""

    size: int
    """Bytes."""
    changed_ns: int
    """Time of its last change, nanoseconds since the epoch."""


@dataclass(frozen=True)
class HistoryRow:
    """One measured case of one run. Times are medians per iteration."""

    case_id: str
    device_name: str
    """The product's, not the case's ``cuda:0``."""
    protocol: str
    inference_s: float | None
    total_s: float | None
    wall_s: float | None
    """Of one process."""
    peak_bytes: int | None
    at_s: float
    """When its run began, seconds since the epoch."""
    run_id: str


@dataclass(frozen=True)
class KnownFile:
    """A run file as it was read."""

    stamp: Stamp
    rows: tuple[HistoryRow, ...]


_COLUMNS = ", ".join(field.name for field in fields(HistoryRow))
_PLACES = ", ".join("?" for _ in fields(HistoryRow))


def load(folder: Path) -> dict[str, KnownFile]:
    """What the index knows, by file name; nothing when there is none that can be used. Raises nothing."""
    import sqlite3

    try:
        address = (folder / NAME).resolve().as_uri()
        with closing(sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=LOCKED_S)) as index:
            return _known(index) if _is_usable(index) else {}
    except (sqlite3.Error, OSError, ValueError, TypeError):
        return {}


def save(folder: Path, files: Mapping[str, KnownFile], changed: Collection[str]) -> bool:
    """Write the changed ones, all where the index has to be made anew, and forget what is not in ``files``.

    False when it could not be written now. Raises nothing.
    """
    import sqlite3

    path = folder / NAME
    try:
        _write(path, files, changed)
    except sqlite3.OperationalError:  # locked, read-only, a full disk
        return False
    except sqlite3.DatabaseError:  # no database, or a damaged one
        with suppress(OSError, sqlite3.Error):
            path.unlink()
            _write(path, files, changed)
            return True
        return False
    except (OSError, ValueError, OverflowError):
        return False
    return True


def _is_usable(index: sqlite3.Connection) -> bool:
    """True for an index of this very version."""
    tables = {name for (name,) in index.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"about", "files", "rows"} <= tables:
        return False
    return index.execute("SELECT version FROM about").fetchall() == [(VERSION,)]


def _known(index: sqlite3.Connection) -> dict[str, KnownFile]:
    rows: dict[bytes, list[HistoryRow]] = {}
    for file, *values in index.execute(f"SELECT file, {_COLUMNS} FROM rows"):
        rows.setdefault(file, []).append(HistoryRow(*values))
    return {
        os.fsdecode(name): KnownFile(Stamp(size, changed_ns), tuple(rows.get(name, ())))
        for name, size, changed_ns in index.execute("SELECT name, size, changed_ns FROM files")
    }


def _write(path: Path, files: Mapping[str, KnownFile], changed: Collection[str]) -> None:
    """In one transaction. Raises sqlite3.Error."""
    import sqlite3

    with closing(sqlite3.connect(path, timeout=LOCKED_S, isolation_level=None)) as index:
        index.execute("PRAGMA synchronous = OFF")  # a cache: what a power cut damages is made anew
        index.execute("BEGIN IMMEDIATE")
        if not _is_usable(index):
            _make(index)
            changed = list(files)
        _forget(index, files, changed)
        for name in changed:
            _add(index, os.fsencode(name), files[name])
        index.execute("COMMIT")


def _make(index: sqlite3.Connection) -> None:
    """Empty tables, in place of what is there."""
    for table in ("about", "files", "rows"):
        index.execute(f"DROP TABLE IF EXISTS {table}")
    index.execute("CREATE TABLE about (version TEXT)")
    index.execute("INSERT INTO about VALUES (?)", (VERSION,))
    index.execute("CREATE TABLE files (name BLOB PRIMARY KEY, size INTEGER, changed_ns INTEGER)")
    index.execute(f"CREATE TABLE rows (file BLOB, {_COLUMNS})")
    index.execute("CREATE INDEX rows_of_file ON rows (file)")


def _forget(index: sqlite3.Connection, files: Mapping[str, KnownFile], changed: Iterable[str]) -> None:
    """What is about to be written again, and what has gone."""
    stale = {os.fsencode(name) for name in changed}
    stale |= {name for (name,) in index.execute("SELECT name FROM files") if os.fsdecode(name) not in files}
    for name in stale:
        index.execute("DELETE FROM files WHERE name = ?", (name,))
        index.execute("DELETE FROM rows WHERE file = ?", (name,))


def _add(index: sqlite3.Connection, name: bytes, file: KnownFile) -> None:
    index.execute("INSERT INTO files VALUES (?, ?, ?)", (name, file.stamp.size, file.stamp.changed_ns))
    values = [(name, *astuple(row)) for row in file.rows]
    index.executemany(f"INSERT INTO rows (file, {_COLUMNS}) VALUES (?, {_PLACES})", values)

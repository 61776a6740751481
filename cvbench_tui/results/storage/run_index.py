"""What is known of the run files of a folder, kept in ``index.sqlite`` in it so that they need not be read again.

Only a cache: missing, broken, locked, of another version or in a read-only folder, everything works without it, and
deleting it loses nothing. It lies beside files of strangers, so nothing in it is believed but what has the type and the
range that we write; whatever else is there makes it be written anew.
"""

from __future__ import annotations

import json
import math
import os
import time
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from cvbench_tui import __version__
from cvbench_tui.core.event import EndReason
from cvbench_tui.core.limits import MOMENT_S
from cvbench_tui.results.row_counts import INTERRUPTED, RowCounts
from cvbench_tui.results.storage.run_contents import NOTHING_KNOWN, RunContents

if TYPE_CHECKING:
    import sqlite3

NAME = "index.sqlite"  # of the file, in the folder of runs. Its suffix is not that of a run.
VERSION = zlib.crc32(f"7 of {__version__}".encode()) & 0x7FFFFFFF
"""The database's ``user_version``: another program may compute other statistics from the same samples. The number is
counted up when the table changes."""
LOCKED_S = 0.5
SLOW_S = 5.0  # longest time for reading or writing it: a thousand files take 10 ms
MAX_BYTES = 1 << 29  # a larger one is made anew: 10,000 files with the times of 20 rows each have 40 MB
MAX_TEXT = 200  # characters that are kept of an id, a plan's name: one line of a list
_COUNTS = ("rows", "measured", "failed", "skipped", "cancelled")
_NUMBERS = ("size", "changed_ns", *_COUNTS, "invalid", "glanced")
_TEXTS = ("id", "plan_name", "ended", "problem")
_CONTENTS = ("label", "tags", "workloads", "devices", "settings")  # as fields of ``RunContents``
_BETWEEN = "\x1f"  # several texts in one, the unit separator of ASCII; one inside a text is written as its escape
_COLUMNS = ("name", *_NUMBERS, "started_at_s", *_TEXTS, *_CONTENTS)
_TABLE = (
    f"CREATE TABLE files (name BLOB PRIMARY KEY, {', '.join(f'{each} INTEGER' for each in _NUMBERS)}, "
    f"started_at_s REAL, {', '.join(f'{each} TEXT' for each in (*_TEXTS, *_CONTENTS))}, times TEXT)"
)
_SOUND = " AND ".join(
    [
        "typeof(name) = 'blob' AND length(name) < 1000",
        *(f"typeof({each}) = 'integer'" for each in ("size", "changed_ns")),
        *(f"typeof({each}) = 'integer' AND {each} BETWEEN 0 AND 1000000000" for each in _COUNTS),
        "measured + failed + skipped + cancelled <= rows",
        "(invalid IS NULL OR typeof(invalid) = 'integer' AND invalid BETWEEN 0 AND measured)",
        "typeof(glanced) = 'integer' AND glanced BETWEEN 0 AND 1",
        "(started_at_s IS NULL OR typeof(started_at_s) = 'real' "
        f"AND started_at_s BETWEEN {MOMENT_S[0]} AND {MOMENT_S[1]})",
        *(f"typeof({each}) = 'text' AND length({each}) < 10000" for each in _TEXTS),
        *(f"typeof({each}) = 'text' AND length({each}) < 200000" for each in _CONTENTS),
        "(problem <> '' OR started_at_s IS NOT NULL)",
    ]
)
"""What a row of ours is like."""


class Stamp(NamedTuple):
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

    id: str  # of the run, at most ``MAX_TEXT`` characters; the file's name without suffix when it cannot be read
    path: Path
    started_at_s: float | None = None  # seconds since the epoch; None when the file cannot be read
    plan_name: str = ""  # at most ``MAX_TEXT`` characters
    rows: int = 0
    measured: int = 0
    failed: int = 0  # without the two below
    ended: EndReason | None = None  # None: still going on, or interrupted by force
    problem: str = ""  # why the file cannot be read; empty when it can
    skipped: int = 0
    cancelled: int = 0
    invalid: int | None = None
    """Measured rows of grade X, as they were graded when the run ended here; None for a file that was only listed:
    grading takes 5 ms a row."""
    contents: RunContents = NOTHING_KNOWN  # what the run is of, and what the user calls it

    @property
    def title(self) -> str:
        """What a list calls it: the user's name, else that of its plan."""
        return self.contents.label or self.plan_name

    @property
    def label(self) -> str:
        """The name that the user gave it; empty for none."""
        return self.contents.label

    @property
    def tags(self) -> tuple[str, ...]:
        """Those that the user gave it."""
        return self.contents.tags

    @property
    def name(self) -> str:
        """What the run is called: its file's name without suffix, which is its id unless somebody renamed it."""
        return self.path.stem

    @property
    def counts(self) -> RowCounts:
        """Its rows by what came of them."""
        begun = self.measured + self.failed + self.skipped + self.cancelled
        return RowCounts(
            self.measured, self.failed, self.skipped, self.cancelled, max(0, self.rows - begun), self.invalid
        )

    @property
    def state(self) -> str:
        """``finished``, ``cancelled``, ``failed``, ``interrupted``."""
        return self.ended or INTERRUPTED


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
    """None: the file was only listed, or its times were not asked for. Statistics of a run take a hundred times as
    long as its summary."""
    glanced: bool = False  # its figures are unchecked: a small file that was listed among very many (``quick_summary``)


def stamp_of(path: Path) -> Stamp | None:
    """None for what is no regular file, cannot be read now, or went away meanwhile."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return stamped(status) if S_ISREG(status.st_mode) and os.access(path, os.R_OK) else None


def stamped(status: os.stat_result) -> Stamp:
    """A file's stamp. Times that SQLite cannot keep, after the year 2262, are wrapped around."""
    changed_ns = status.st_mtime_ns
    return Stamp(status.st_size, (changed_ns + 2**63) % 2**64 - 2**63)


def load(folder: Path, *, times: bool | Collection[str] = True) -> dict[str, KnownFile]:
    """Entries of the index, by file name; nothing when there is none that can be used. Raises nothing.

    ``times``: whether those are wanted, which are most of the index, or of which files.
    """
    import sqlite3

    try:
        if not _is_plain(folder / NAME):
            return {}
        address = f"{(folder / NAME).absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=LOCKED_S)) as index, _in_time(index):
            if not _is_usable(index):
                return {}
            known = dict(_known(folder, index))
            if times:
                names = known if times is True else times
                known |= {name: _with_times(index, name, known[name]) for name in names if name in known}
            return known
    except (sqlite3.Error, OSError, ValueError, TypeError, OverflowError):
        return {}


def save(
    folder: Path, files: Mapping[str, KnownFile], changed: Collection[str], *, there: Collection[str] | None = None
) -> bool:
    """Write the changed ones, all where the index has to be made anew. False when it could not be written now. Raises
    nothing.

    ``there``: names of the files that the folder has; of others what was known is forgotten.
    """
    import sqlite3

    path = folder / NAME
    with suppress(sqlite3.Error, OSError, ValueError, OverflowError):  # locked, read-only, a full disk
        if path.is_symlink() or not _is_plain(path, missing=True):  # not ours to write
            return False
        if path.exists() and path.stat().st_size > MAX_BYTES:
            path.unlink()
        if not _write(path, files, changed, there=there):
            path.unlink()
            _write(path, files, changed, there=there)
        return True
    return False


def _is_plain(path: Path, *, missing: bool = False) -> bool:
    """True when the database and what SQLite keeps beside it are regular files, as a pipe is waited for without end."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        try:
            status = os.stat(f"{path}{suffix}")
        except FileNotFoundError:
            if not suffix and not missing:
                return False
            continue
        if not S_ISREG(status.st_mode) or (not missing and status.st_size > MAX_BYTES):
            return False
    return True


@contextmanager
def _in_time(index: sqlite3.Connection) -> Iterator[None]:
    """Interrupt what takes longer than ``SLOW_S``, by an OperationalError."""
    end_s = time.monotonic() + SLOW_S
    index.set_progress_handler(lambda: time.monotonic() > end_s, 10_000)
    yield


def _is_usable(index: sqlite3.Connection) -> bool:
    """True for our table alone: no view, trigger or column of another's."""
    if index.execute("PRAGMA user_version").fetchone() != (VERSION,):
        return False
    return index.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL LIMIT 9").fetchall() == [(_TABLE,)]


def _known(folder: Path, index: sqlite3.Connection) -> Iterator[tuple[str, KnownFile]]:
    """The sound rows, without times."""
    ends = {reason: reason for reason in get_args(EndReason)}
    known_contents: dict[tuple[str, ...], RunContents] = {}  # runs of one plan share them: less time and memory
    for row in index.execute(f"SELECT {', '.join(_COLUMNS)} FROM files WHERE {_SOUND}"):
        encoded, size, changed_ns, rows, measured, failed, skipped, cancelled, invalid, glanced, at_s, *texts = row
        run_id, plan_name, ended, problem, *of = texts
        contents = known_contents.get(tuple(of)) or _contents(*of)
        known_contents[tuple(of)] = contents
        name = os.fsdecode(encoded)
        path = folder / name
        summary = RunSummary(
            run_id, path, at_s, plan_name, rows, measured, failed, ends.get(ended),
            problem.replace("\0", str(path)) if problem else "", skipped, cancelled, invalid,
            contents,
        )  # fmt: skip
        yield name, KnownFile(Stamp(size, changed_ns), summary, None, glanced == 1)


def _contents(label: str, *lists: str) -> RunContents:
    return RunContents(label, *(tuple(text.split(_BETWEEN)) if text else () for text in lists))


def _with_times(index: sqlite3.Connection, name: str, known: KnownFile) -> KnownFile:
    """The file with its times, where the index has any that are sound."""
    (text,) = index.execute("SELECT times FROM files WHERE name = ?", (os.fsencode(name),)).fetchone()
    try:
        times = None if text is None else tuple(map(_past, json.loads(text)))
    except (ValueError, TypeError, RecursionError):
        times = None
    return replace(known, times=times)


def _past(row: list[Any]) -> PastTimes:
    """Raises ValueError or TypeError for what we did not write."""
    case_id, device_name, protocol, inference_s, total_s, wall_s, at_s, run_id = row
    if not all(isinstance(text, str) for text in (case_id, device_name, protocol, run_id)):
        raise TypeError("not a text")
    for seconds in (inference_s, total_s, wall_s):
        if seconds is not None and not 0.0 < seconds < math.inf:
            raise ValueError("not a time")
    if not MOMENT_S[0] <= at_s <= MOMENT_S[1]:
        raise ValueError("not a date")
    return PastTimes(case_id, device_name, protocol, inference_s, total_s, wall_s, at_s, run_id)


def _write(
    path: Path, files: Mapping[str, KnownFile], changed: Collection[str], *, there: Collection[str] | None
) -> bool:
    """In one transaction. False when there is another thing than our table. Raises sqlite3.Error."""
    import sqlite3

    with closing(sqlite3.connect(path, timeout=LOCKED_S, isolation_level=None)) as index, _in_time(index):
        try:
            index.execute("PRAGMA synchronous = OFF")  # a cache: what a power cut damages is made anew
            index.execute("BEGIN IMMEDIATE")
            if not index.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                index.execute(_TABLE)
                index.execute(f"PRAGMA user_version = {VERSION}")
                changed = list(files)
            elif not _is_usable(index):
                return False
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # no database, or a damaged one
            return False
        if there is not None:
            names = {name for (name,) in index.execute("SELECT name FROM files")}
            gone = names - {os.fsencode(name) for name in there}
            index.executemany("DELETE FROM files WHERE name = ?", [(name,) for name in gone])
        places = ", ".join("?" * (len(_COLUMNS) + 1))
        index.executemany(
            f"REPLACE INTO files ({', '.join(_COLUMNS)}, times) VALUES ({places})",
            [_row(name, files[name]) for name in changed if name in files],
        )
        index.execute("COMMIT")
    return True


def _row(name: str, file: KnownFile) -> tuple[object, ...]:
    run = file.summary
    times = None if file.times is None else json.dumps([astuple(each) for each in file.times])
    numbers = (file.stamp.size, file.stamp.changed_ns, *(getattr(run, each) for each in _COUNTS))
    # A sentence names its file, whose folder may have another name when it is read back.
    texts = (run.id, run.plan_name, run.ended or "", run.problem.replace("\0", "").replace(str(run.path), "\0"))
    of = run.contents
    lists = (_BETWEEN.join(each.replace(_BETWEEN, "\\x1f") for each in getattr(of, name)) for name in _CONTENTS[1:])
    kept = (text.encode(errors="backslashreplace").decode() for text in (*texts, of.label, *lists))
    return os.fsencode(name), *numbers, run.invalid, int(file.glanced), run.started_at_s, *kept, times

"""Runs that were deleted: they lie in a folder beside the runs, from which they come back, until they are removed by
name."""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from cvbench_tui.base.nearest import quoted
from cvbench_tui.errors import StoreError, os_reason
from cvbench_tui.results.storage import SUFFIX
from cvbench_tui.results.storage.run_log import being_written, in_use

FOLDER = "deleted"  # in the folder of runs
LISTED = "Deleted runs are listed by: cvbench-tui list runs --deleted"


@dataclass(frozen=True)
class Moved:
    """A run file that lies elsewhere now."""

    before: Path
    now: Path


def deleted_folder(runs: Path) -> Path:
    """Where the deleted runs of that folder are. Creates nothing."""
    return runs / FOLDER


def delete(path: Path, runs: Path) -> Moved:
    """Move that file of the folder of runs to the deleted ones, under another name where there is one already; its
    bytes and its time stay. Raises StoreError for a file of another folder, one that another process is writing, and
    where it cannot be moved."""
    if not _is_in(path, runs):
        raise StoreError(f"{path} is not in the folder of runs {runs}.", "Name its folder with --runs-dir.")
    if being_written(path):
        raise in_use(path)
    return _move(path, deleted_folder(runs))


def undelete(path: Path, runs: Path) -> Moved:
    """Move that deleted file back. Raises StoreError for one that is not among them, and where it cannot be moved."""
    if not _is_in(path, deleted_folder(runs)):
        raise StoreError(f"{path} is not among the deleted runs.", LISTED)
    return _move(path, runs)


def purge(name: str, runs: Path) -> Path:
    """Remove a deleted run for good, by the whole name of its file without suffix, and by nothing shorter. Returns the
    file that is gone. Raises StoreError."""
    stem = name.strip().removesuffix(SUFFIX)
    folder = deleted_folder(runs)
    if f"{stem}{SUFFIX}" not in _names(folder):
        here = f"{stem}{SUFFIX}" in _names(runs)
        raise StoreError(
            f"There is no deleted run of the whole name {quoted(name)}.",
            f"Delete it first: cvbench-tui delete {shlex.quote(stem)}" if here else LISTED,
        )
    path = folder / f"{stem}{SUFFIX}"
    try:
        path.unlink()
    except OSError as error:
        raise StoreError(f"Cannot remove {path}: {os_reason(error)}.") from error
    return path


def reserve(folder: Path, stem: str) -> Path:
    """A new, empty run file of that name, or of that name with a number, so that no other program takes it. Raises
    StoreError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            path = folder / (f"{stem}{SUFFIX}" if number == 1 else f"{stem}-{number}{SUFFIX}")
            with suppress(FileExistsError):
                path.open("x").close()
                break
    except OSError as error:
        raise StoreError(f"Cannot write into {folder}: {os_reason(error)}.") from error
    return path


def _move(path: Path, folder: Path) -> Moved:
    """Rename it; a file that has its name already stays as it is. Raises StoreError."""
    now = reserve(folder, path.stem)
    try:
        path.replace(now)  # over the empty one: a bare rename would take the place of any file
    except OSError as error:
        now.unlink()
        raise StoreError(f"Cannot move {path} into {folder}: {os_reason(error)}.") from error
    return Moved(path, now)


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _is_in(path: Path, folder: Path) -> bool:
    try:
        return os.path.samefile(path.parent, folder)
    except OSError:
        return False

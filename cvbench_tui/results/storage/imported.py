"""Run files from elsewhere, taken into the folder of runs: read, and copied byte by byte."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cvbench_tui.core.run import Run
from cvbench_tui.errors import StoreError, os_reason
from cvbench_tui.results.storage import run_file
from cvbench_tui.results.storage.deleted import reserve
from cvbench_tui.results.storage.run_index import MAX_TEXT, seen, stamp_of
from cvbench_tui.results.storage.run_log import being_written, in_use
from cvbench_tui.results.storage.runs import entries, list_runs

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")  # a name that every file system takes as it is
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Imported:
    """What came of a file."""

    run: Run
    path: Path  # in the folder of runs
    already: bool = False  # it was there, and nothing was done
    others: int = 0  # files of the folder that hold another run of the same id


class RunImport:
    """Takes files into a folder of runs, one after the other."""

    def __init__(self, runs: Path) -> None:
        """``runs``: created when the first file is taken."""
        self._runs = runs

    @cached_property
    def _by_id(self) -> dict[str, list[Path]]:
        """Files of the folder by the id inside them. Raises StoreError when it cannot be read."""
        found: dict[str, list[Path]] = {}
        for run in list_runs(self._runs):
            found.setdefault(run.id, []).append(run.path)
        return found

    def take(self, source: Path) -> Imported:
        """Validate that it is a run and copy it, unless the folder has it already. Its time is that of the run, so that
        ``last`` stays what was measured last. Raises StoreError."""
        before = seen(source)
        if before.stamp is not None and being_written(source):
            raise in_use(source)
        run = run_file.load(source)
        alike = self._by_id.setdefault(run.id[:MAX_TEXT], [])
        for path in alike:
            if _begins_with(path, source):
                return Imported(run, path, already=True)
        path = self._copied(source, run)
        if stamp_of(source) != before.stamp:
            path.unlink()
            raise StoreError(f"{run_file.shown(source)} has changed while it was read.", "Import it again.")
        with suppress(OSError):
            at_s = min(source.stat().st_mtime, run.ended_at_s or run.started_at_s)
            os.utime(path, (at_s, at_s))
        alike.append(path)
        return Imported(run, path, others=len(alike) - 1)

    def _copied(self, source: Path, run: Run) -> Path:
        """The copy, whole or not there at all. An id is text from outside: one that is no plain name names no file."""
        stem = next((each for each in (run.id, source.stem) if _PLAIN.fullmatch(each)), "imported")
        path = reserve(self._runs, stem)
        try:
            with tempfile.NamedTemporaryFile(dir=self._runs, prefix=".import-", delete=False) as copy:
                try:
                    with source.open("rb") as file:
                        shutil.copyfileobj(file, copy, _CHUNK_BYTES)
                    copy.flush()
                    os.fsync(copy.fileno())
                    os.chmod(copy.name, path.stat().st_mode & 0o777)  # as this user's own files are
                    os.replace(copy.name, path)
                except BaseException:
                    os.unlink(copy.name)
                    raise
        except OSError as error:
            path.unlink()
            raise StoreError(f"Cannot copy {source} to {path}: {os_reason(error)}.") from error
        return path


def run_files(named: Path) -> Iterator[Path]:
    """That file, or the run files of that folder. Raises StoreError for a folder without any."""
    if not named.is_dir():
        yield named
        return
    found = entries(named)
    if not found:
        raise StoreError(f"There is no run file in {run_file.shown(named)}.", run_file.NO_RUN_HINT)
    yield from (named / entry.name for entry in reversed(found))


def _begins_with(path: Path, begin: Path) -> bool:
    """True when the file has all bytes of the other one, and perhaps more: rows or a name that came later."""
    try:
        with path.open("rb") as whole, begin.open("rb") as part:
            while piece := part.read(_CHUNK_BYTES):
                if whole.read(len(piece)) != piece:
                    return False
    except OSError:
        return False
    return True

"""What earlier runs of the folder measured of a case: its last times, how long it took, its memory.

Reads run files in the background and answers from memory; what was read once is remembered in ``run_index``.
Expectations for a plan are made of it elsewhere (``catalog.duration``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from threading import Lock
from typing import TYPE_CHECKING

from cvbench_tui.results.storage import run_index
from cvbench_tui.results.storage.run_index import HistoryRow, KnownFile, Stamp

if TYPE_CHECKING:
    from cvbench_tui.core.plan import Case
    from cvbench_tui.core.run import Run

MAX_FILES = 400
"""Run files looked at, the newest ones."""
MAX_BYTES = 1 << 28
"""A larger file is not read: a run of 100 rows under the default protocol has 10 MB."""
BATCH = 20
"""Files read between two savings of what is known, so that little is lost when the app is closed meanwhile."""


@dataclass(frozen=True)
class PastTimes:
    """What the newest earlier run had for a case on a device of that name. Times are medians per iteration, seconds."""

    inference_s: float | None
    """None when it was not measured or is no measurement (grade X)."""
    total_s: float | None
    wall_s: float | None
    """Wall seconds of one process, in the newest run under the protocol asked for; None when there is none."""
    peak_bytes: int | None
    """Peak memory, as the run has it."""
    at_s: float
    """When the run began, seconds since the epoch."""
    run_id: str


class History:
    """The measured rows of a folder of runs. Any thread may call it; before ``refresh`` nothing is known."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._refreshing = Lock()
        self._files: dict[str, KnownFile] | None = None
        """By file name; None before the first refresh."""
        self._unsaved: set[str] = set()
        self._rows: dict[tuple[str, str], list[HistoryRow]] = {}
        """By case id and device name, newest first. Replaced as a whole, never changed: readers need no lock."""

    def refresh(self, cancelled: Callable[[], bool] | None = None) -> None:
        """Read the run files that are new or have grown, newest first. Takes long: call it in a background thread.

        What is read is answered at once, also while the rest is still being read. ``cancelled`` is asked before each
        file. Raises nothing: a file that is no run, is torn or cannot be read has no rows.
        """
        with self._refreshing:
            listed = _listed(self._folder)
            before = run_index.load(self._folder) if self._files is None else self._files
            files = {name: before[name] for name in listed if name in before and before[name].stamp == listed[name]}
            self._keep(files)
            unread = [name for name in listed if name not in files]
            for number, name in enumerate(unread, 1):
                if cancelled is not None and cancelled():
                    break
                files[name] = KnownFile(listed[name], rows_of(self._folder / name))
                self._unsaved.add(name)
                if number % BATCH == 0:
                    self._keep(files)
            self._keep(files)

    def past(self, case: Case, device_name: str, protocol: str) -> PastTimes | None:
        """What the newest run had for that very case on a device of that name; None when none measured it.

        A run with a valid time goes before a newer one without. ``protocol``: name of the one that ``wall_s`` is for.
        """
        rows = self._rows.get((case.case_id, device_name))
        if not rows:
            return None
        newest = next((row for row in rows if row.total_s is not None or row.inference_s is not None), rows[0])
        wall_s = next((row.wall_s for row in rows if row.protocol == protocol), None)
        return PastTimes(newest.inference_s, newest.total_s, wall_s, newest.peak_bytes, newest.at_s, newest.run_id)

    def _keep(self, files: dict[str, KnownFile]) -> None:
        """Answer from these from now on, and remember them on the disk where that is possible."""
        self._files = files
        rows: dict[tuple[str, str], list[HistoryRow]] = {}
        for row in sorted((row for file in files.values() for row in file.rows), key=_age):
            rows.setdefault((row.case_id, row.device_name), []).append(row)
        self._rows = rows
        if self._unsaved and run_index.save(self._folder, files, self._unsaved):
            self._unsaved.clear()


def _age(row: HistoryRow) -> tuple[float, str]:
    """Newest first; of one moment, always in the same order."""
    return -row.at_s, row.run_id


def _listed(folder: Path) -> dict[str, Stamp]:
    """Size and time of change of the folder's newest run files, newest first; none when it cannot be read."""
    from cvbench_tui.results.storage.run_file import SUFFIX

    found: list[tuple[str, Stamp]] = []
    try:
        for path in folder.iterdir():
            stamp = _stamp(path) if path.suffix == SUFFIX else None
            if stamp is not None:
                found.append((path.name, stamp))
    except OSError:
        return {}
    found.sort(key=lambda each: (each[1].changed_ns, each[0]), reverse=True)
    return dict(found[:MAX_FILES])


def _stamp(path: Path) -> Stamp | None:
    """None for what is no regular file of a run's size, cannot be read now, or went away meanwhile."""
    try:
        status = path.stat()
    except OSError:
        return None
    readable = S_ISREG(status.st_mode) and status.st_size <= MAX_BYTES and os.access(path, os.R_OK)
    return Stamp(status.st_size, status.st_mtime_ns) if readable else None


def rows_of(path: Path) -> tuple[HistoryRow, ...]:
    """The measured rows of a run file; none when it is no run or its machine is not known. Raises nothing."""
    from cvbench_tui.results.storage.run_file import load

    try:
        return tuple(_rows(load(path)))
    except Exception:  # a file of another program may raise anything: it must not take the history away
        return ()


def _rows(run: Run) -> Iterable[HistoryRow]:
    from cvbench_tui.core.measurement import Measurement
    from cvbench_tui.results.stats.phase_stats import phase_result, terms_of

    for case in run.plan.cases:
        outcome = run.outcomes.get(case.case_id)
        device = run.environment.device(case.device) if run.environment is not None else None
        if not isinstance(outcome, Measurement) or device is None:
            continue
        terms = terms_of(run, case)
        results = [phase_result(outcome, phase, terms) for phase in ("inference", "total")]
        inference_s, total_s = (found.median_s if found is not None and found.valid else None for found in results)
        yield HistoryRow(
            case_id=case.case_id,
            device_name=device.name,
            protocol=run.plan.protocol.name,
            inference_s=inference_s,
            total_s=total_s,
            wall_s=outcome.wall_s / outcome.processes,
            peak_bytes=outcome.memory_peak_bytes,
            at_s=run.started_at_s,
            run_id=run.id,
        )

"""Earlier measurements of a case in the folder of runs: its last times, how long it took, its memory.

Reads run files in the background and keeps them in memory; what was read once is in ``run_index``. Expectations for a
plan are made of it elsewhere (``catalog.duration``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from cvbench_tui.errors import CvbenchError
from cvbench_tui.results.storage import run_index
from cvbench_tui.results.storage.run_index import MAX_TEXT, KnownFile, PastTimes, RunSummary, Stamp, stamp_of

if TYPE_CHECKING:
    from cvbench_tui.core.measurement import Phase
    from cvbench_tui.core.plan import Case
    from cvbench_tui.core.run import Run

MAX_FILES = 400  # newest files that are read, if they are not in the index
MAX_KNOWN = 2000  # newest files whose times are taken from the index: those of 10,000 with 20 rows would be 1 s of work
MAX_BYTES = 1 << 28  # a larger file is not read: a run of 100 rows under the default protocol has 10 MB
_KEPT: tuple[Phase, ...] = ("total", "inference")  # phases whose times are kept of each row
BATCH = 20  # files read between two savings of what is known, so that little is lost when the app is closed meanwhile


class History:
    """The measured rows of a folder of runs. Any thread may call it; before ``refresh`` nothing is known."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder  # of the runs
        self.version = 0  # counts what it has learned
        self._refreshing = Lock()
        self._files: dict[str, KnownFile] | None = None  # by file name; None before the first refresh
        self._there: list[str] = []  # names of the run files in the folder, when it was last looked at
        self._unsaved: set[str] = set()
        self._times: dict[tuple[str, str], list[PastTimes]] = {}
        """By case id and device name, newest first. Replaced as a whole, never changed: readers need no lock."""

    def refresh(self, cancelled: Callable[[], bool] | None = None) -> None:
        """Read the run files that are new or have grown, newest first. Takes long: call it in a background thread.

        What is read is answered at once, also while the rest is still being read. ``cancelled`` is asked before each
        file. Raises nothing: a file that is not a run, is torn or cannot be read has no rows.
        """
        with self._refreshing:
            stamps = _stamps(self.folder)
            before = self._files
            if before is None:
                before = run_index.load(self.folder, times=list(stamps)[:MAX_KNOWN])
            files = {name: before[name] for name in stamps if name in before and before[name].stamp == stamps[name]}
            self._there = list(stamps)
            self._keep(files)
            newest = [name for name, stamp in stamps.items() if stamp.size <= MAX_BYTES][:MAX_FILES]
            unread = [name for name in newest if name not in files or files[name].times is None]
            for number, name in enumerate(unread, 1):
                if cancelled is not None and cancelled():
                    break
                files[name] = _read(self.folder / name, stamps[name])
                self._unsaved.add(name)
                if number % BATCH == 0:
                    self._keep(files)
            self._keep(files)

    def add(self, path: Path, run: Run) -> None:
        """Take that run, which has just been written to a file of the folder, without reading it back."""
        with self._refreshing:
            stamp = stamp_of(path)
            if stamp is None:
                return
            if self._files is None:  # nothing is known yet, so ``refresh`` is still to come
                remember(path, run)
                return
            self._unsaved.add(path.name)
            self._there = [*self._there, path.name]
            self._keep(self._files | {path.name: _known(path, stamp, run, graded=True)})

    def past(self, case: Case, device_name: str, protocol: str) -> PastTimes | None:
        """What the newest run had for that very case on a device of that name; None when none measured it.

        A run with a valid time goes before a newer one without. ``protocol``: name of the one that ``wall_s`` is for;
        None when no run under it is known.
        """
        times = self._times.get((case.case_id, device_name))
        if not times:
            return None
        newest = next((each for each in times if each.total_s is not None or each.inference_s is not None), times[0])
        return replace(newest, wall_s=next((each.wall_s for each in times if each.protocol == protocol), None))

    def rows(self) -> Iterator[tuple[Path, PastTimes]]:
        """Every measured row that is known with its run's file, the newest run first."""
        known = [(file.summary.path, each) for file in (self._files or {}).values() for each in file.times or ()]
        return iter(sorted(known, key=lambda row: (row[1].at_s, row[1].run_id), reverse=True))

    def _keep(self, files: dict[str, KnownFile]) -> None:
        """Use these from now on, and save them on the disk where that is possible."""
        self._use(files)
        if self._unsaved and run_index.save(self.folder, files, self._unsaved, there=self._there):
            self._unsaved.clear()

    def _use(self, files: dict[str, KnownFile]) -> None:
        self._files = files
        times: dict[tuple[str, str], list[PastTimes]] = {}
        known = sorted((each for file in files.values() for each in file.times or ()), key=attrgetter("run_id"))
        for each in sorted(known, key=attrgetter("at_s"), reverse=True):  # newest first; of one moment, by the id
            times.setdefault((each.case_id, each.device_name), []).append(each)
        self._times = times
        self.version += 1


def remember(path: Path, run: Run) -> None:
    """Keep that run, which has just been measured and graded, in the index of its file's folder: lists then need not
    read it, and say how many rows are invalid. Raises nothing."""
    stamp = stamp_of(path)
    if stamp is not None:
        run_index.save(path.parent, {path.name: _known(path, stamp, run, graded=True)}, [path.name])


def _stamps(folder: Path) -> dict[str, Stamp]:
    """The folder's run files, newest first; none when it cannot be read."""
    from cvbench_tui.results.storage.runs import entries  # behind the first frame

    try:
        return {entry.name: entry.stamp for entry in entries(folder) if entry.stamp is not None}
    except CvbenchError:
        return {}


def _read(path: Path, stamp: Stamp) -> KnownFile:
    """A run file with its measured rows; none when it is no run. Raises nothing."""
    from cvbench_tui.results.storage.run_file import load

    try:
        return _known(path, stamp, load(path))
    except Exception as error:  # a file of another program may raise anything: the other files must still be read
        problem = error.message if isinstance(error, CvbenchError) else f"{path} cannot be read."
        return KnownFile(stamp, RunSummary(path.stem, path, problem=problem), ())


def _known(path: Path, stamp: Stamp, run: Run, *, graded: bool = False) -> KnownFile:
    """``graded``: its rows have been computed already, all phases of them."""
    from cvbench_tui.results.stats.outcome import row_counts
    from cvbench_tui.results.storage.run_contents import contents_of

    counts = row_counts(run, graded=graded)
    summary = RunSummary(
        run.id[:MAX_TEXT], path, run.started_at_s, run.plan.name[:MAX_TEXT], len(run.plan.cases), counts.measured,
        counts.failed, run.ended, skipped=counts.skipped, cancelled=counts.cancelled, invalid=counts.invalid,
        contents=contents_of(run),
    )  # fmt: skip
    return KnownFile(stamp, summary, tuple(_times(run, graded=graded)))


def _times(run: Run, *, graded: bool) -> Iterator[PastTimes]:
    from cvbench_tui.core.measurement import Measurement
    from cvbench_tui.core.stats.visits import share
    from cvbench_tui.results.stats.phase_stats import phase_result, terms_of
    from cvbench_tui.results.stats.row_data import row_data

    for case in run.plan.cases:
        outcome = run.outcomes.get(case.case_id)
        device = run.environment.device(case.device) if run.environment is not None else None
        if not isinstance(outcome, Measurement) or device is None:
            continue
        if graded:
            phases = row_data(run, case).phases
            results = [phases.get(phase) for phase in _KEPT]
        else:  # two phases, in 0.6 of the time
            results = [phase_result(outcome, phase, terms_of(run, case)) for phase in _KEPT]
        total_s, inference_s = (each.median_s if each is not None and each.valid else None for each in results)
        yield PastTimes(
            case_id=case.case_id,
            device_name=device.name,
            protocol=run.plan.protocol.name,
            inference_s=inference_s,
            total_s=total_s,
            wall_s=outcome.wall_s / share(outcome, run.plan.protocol),
            at_s=run.started_at_s,
            run_id=run.id,
        )

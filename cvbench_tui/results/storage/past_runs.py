"""Kept runs that measured certain rows: by the index which they are, then those files read, the newest first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cvbench_tui.core.run import Run
from cvbench_tui.errors import CvbenchError
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.storage.peak_cache import with_best
from cvbench_tui.results.storage.run_file import load

Wanted = Callable[[str, str], bool]  # takes a case's id and its device's product name


@dataclass(frozen=True)
class PastRun:
    """A kept run, read from its file."""

    path: Path
    run: Run

    @property
    def name(self) -> str:
        """What it is called: the user's name for it, else its file's without suffix."""
        return self.run.name or self.path.stem


@dataclass(frozen=True)
class PastRuns:
    """What was found."""

    runs: tuple[PastRun, ...] = ()  # newest first
    left_out: int = 0  # older ones that were not read
    problems: tuple[str, ...] = ()  # why files could not be read, though the index knows them


def past_runs(history: History, wanted: Wanted, most: int) -> PastRuns:
    """The newest ``most`` runs with such a row. Takes 10 ms for a file of 20 rows. Raises nothing."""
    paths = list(dict.fromkeys(path for path, row in history.rows() if wanted(row.case_id, row.device_name)))
    runs, problems = [], []
    for path in islice(paths, most):
        try:
            runs.append(PastRun(path, with_best(load(path), path.parent)))
        except CvbenchError as error:  # it was changed since it was indexed
            problems.append(error.message)
    return PastRuns(tuple(runs), max(0, len(paths) - most), tuple(problems))

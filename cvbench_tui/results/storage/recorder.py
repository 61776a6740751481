"""Writes the events of a run, and goes on in another file where the first one fails: a full disk, a deleted folder, a
file that something else changed. Rows that took hours are not lost to one of them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from cvbench_tui.core import event as ev
from cvbench_tui.core.measurement import Measurement, Outcome
from cvbench_tui.core.run import Run
from cvbench_tui.errors import StoreError
from cvbench_tui.results.storage import SUFFIX
from cvbench_tui.results.storage.run_log import RunLog, create_log

MAX_COPIES = 100  # names that are tried for one run in one folder
NOWHERE = "Its rows are in memory only, so the run was ended."


class RunRecorder(AbstractContextManager["RunRecorder"]):
    """The file of one run. ``problem`` is None as long as the file is where it was to be."""

    def __init__(self, log: RunLog, tell: Callable[[StoreError], object], give_up: Callable[[], object]) -> None:
        """``tell`` gets each problem with the file. ``give_up`` is called when the run cannot be written anywhere."""
        self.problem: StoreError | None = None
        self.lost = False  # the rows since then are in memory only
        self._log = log
        self._name = log.path.stem  # every copy's, with a number behind it: never run-2-2
        self._tell = tell
        self._give_up = give_up

    @property
    def path(self) -> Path:
        """The file that the run is in."""
        return self._log.path

    def append(self, event: ev.Event, run: Run | None) -> None:
        """Write the event that follows ``run``, here or elsewhere."""
        if self.lost:
            return
        try:
            self._log.append(event)
        except StoreError as error:
            self._go_elsewhere(error, event, run)

    def _go_elsewhere(self, error: StoreError, event: ev.Event, run: Run | None) -> None:
        """Write the whole run into another file: where it was, or in the system's folder for temporary files."""
        self._log.close()
        events = (*(() if run is None else events_of(run)), event)
        for folder in (self.path.parent, Path(tempfile.gettempdir())):
            with suppress(StoreError):
                self._log = _written(folder, self._name, events)
                self.problem = StoreError(error.message, f"The whole run is in a new file now: {self.path}")
                break
        else:
            self.lost = True
            self.problem = StoreError(error.message, NOWHERE)
        self._tell(self.problem)
        if self.lost:
            self._give_up()

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._log.close()


def _written(folder: Path, name: str, events: tuple[ev.Event, ...]) -> RunLog:
    """A new file with these events under that name, or with a number behind it. Raises StoreError, and leaves no file
    behind."""
    for number in range(1, MAX_COPIES):
        unused = name if number == 1 else f"{name}-{number}"
        if not os.path.lexists(folder / f"{unused}{SUFFIX}"):  # raises nothing, whatever became of the folder
            break
    log = create_log(folder, unused)
    try:
        log.extend(events)
    except StoreError:
        log.close()
        with suppress(OSError):
            log.path.unlink()
        raise
    return log


def events_of(run: Run) -> Iterator[ev.Event]:
    """Events whose fold is that run, the progress of its running row apart: one for all visits to a row."""
    yield ev.RunStarted(run.id, run.plan, run.started_at_s, run.program, run.schema)
    if run.name or run.tags:
        yield ev.RunLabelled(run.name, run.tags, run.started_at_s)
    machines = (*run.other_machines, run.environment)
    yield from (ev.EnvironmentProbed(each) for each in machines if each is not None)
    yield from map(ev.PeakMeasured, run.ceilings.values())
    first = {**run.outcomes, **run.earlier}
    yield from (_outcome(first[case.case_id]) for case in run.plan.cases if case.case_id in first)
    repeated = tuple(case for case in run.plan.cases if case.case_id in run.earlier)
    if repeated:
        yield ev.RowsAdded(repeated, run.started_at_s)
        yield from (_outcome(run.outcomes[case.case_id]) for case in repeated if case.case_id in run.outcomes)
    if run.running is not None:
        yield run.running
    if run.ended is not None:
        yield ev.RunFinished(run.ended, run.ended_at_s or run.started_at_s, run.ended_sentence)


def _outcome(outcome: Outcome) -> ev.Event:
    return ev.CaseFinished(outcome) if isinstance(outcome, Measurement) else ev.CaseFailed(outcome)

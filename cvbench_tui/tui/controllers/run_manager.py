"""The source, the background threads and the current run: everything of a run that needs no widget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.event import Event, RowsAdded
from cvbench_tui.core.measurement import Failure, Measurement
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.run import Run, fold
from cvbench_tui.engine.session import Session
from cvbench_tui.engine.source import EventSource
from cvbench_tui.tui.background.log_buffer import LogBuffer, clock_text, event_text
from cvbench_tui.tui.background.threads import BackgroundThread, RunThread, open_run, probe
from cvbench_tui.tui.messages import Post

EXIT_WAIT_S = 0.4  # longest wait for the run's last event at exit; a run file without it reads as interrupted


class RunManager:
    """Asks for devices, begins runs, adds to them, ends them. The app writes what its messages bring back into it."""

    def __init__(self, source: EventSource, runs_folder: Path, post: Post, clock: Callable[[], float]) -> None:
        self.environment: Environment | None = None  # None until the worker has reported it
        self.run: Run | None = None
        """The newest state of the run that is shown: the current one's last message, or a saved run."""
        self.probing = False
        self.queued = False  # the user wants to run as soon as the devices are known
        self.cancelling = False
        self._drive: RunThread | None = None
        self._before: Run | None = None  # what was shown before the run was begun; shown again when it cannot be
        self._opened: str | None = None  # id of the saved run that was opened last
        self._source = source
        self._runs_folder = runs_folder
        self._post = post
        self._clock = clock
        self.log = LogBuffer(post)  # the worker's stderr and what happened. Its lines are for the app's thread only.
        source.listen(self.log.write)

    @property
    def running(self) -> bool:
        """True from the start of a run until its last event has arrived."""
        return self._drive is not None and (self.run is None or self.run.ended is None)

    @property
    def _session(self) -> Session | None:
        return self._drive.session if self._drive is not None and self.running else None

    @property
    def newest(self) -> Run | None:
        """The run in the thread, with progress that was not posted."""
        return self._drive.newest if self._drive is not None else None

    @property
    def began_at_s(self) -> float:
        """When measuring began, seconds since the epoch; for a resumed run, when it was resumed."""
        return self._drive.session.started_at_s if self._drive is not None else 0.0

    @property
    def run_file(self) -> Path | None:
        """The last run's file; None while a saved run is shown."""
        return self._drive.path if self._drive is not None else None

    def ask(self) -> None:
        """Start the worker and ask it for the devices; ``Probed`` or ``ProbeFailed`` will follow."""
        self.probing = True
        BackgroundThread(self._post, probe, self._source).start()

    def begin(self, plan: Plan) -> None:
        """Begin a run; ``RunAdvanced`` messages follow, or one ``RunRefused``."""
        self._before, self.run = self.run, None
        self._start(Session(self._source, plan, started_at_s=self._clock()))

    def add(self, plan: Plan) -> int:
        """Add the plan's cases that are not in the running run, under its protocol. Returns how many."""
        session = self._session
        known = {case.case_id for case in session.plan.cases} if session is not None else ()
        new = [case for case in plan.cases if case.case_id not in known]
        return len(new) if new and session is not None and session.add(new) else 0

    @property
    def can_run_again(self) -> bool:
        """True when a row of the run has no numbers and can be measured (once more) on this machine."""
        return bool(self._unmeasured()) and not (self.running and self.cancelling)

    def again(self) -> bool:
        """Measure failed, cancelled, skipped and never begun rows again, in the same run file. False without any.

        A running run gets them added; one that has ended is resumed.
        """
        cases, run = self._unmeasured(), self.run
        if self._session is not None:
            return bool(cases) and self._session.add(cases)
        if run is None or not cases:
            return False
        now_s = self._clock()
        self._before, self.run = run, fold(run, RowsAdded(cases, now_s))
        plan = Plan(run.plan.name, cases, run.plan.protocol)
        self._start(Session(self._source, plan, started_at_s=now_s, resume=run))
        return True

    def skip(self) -> None:
        """Skip the case being measured; nothing between two cases."""
        if self._session is not None:
            self._session.skip()

    def cancel(self) -> None:
        """End the run, or take it off the queue. It stays ``running`` until it has ended."""
        self.queued = False
        if self._session is not None:
            self.cancelling = True
            self._session.cancel()

    def open(self, run: Run) -> bool:
        """Show a saved run. False while one is running: it keeps its place."""
        if self.running:
            return False
        self._drive, self._opened, self.queued, self.cancelling = None, run.id, False, False
        self.run = replace(run, running=None, progress=None)  # its file may have been cut off in mid-case
        return True

    def read(self, path: Path) -> None:
        """Read the run of that file; ``RunOpened`` or ``RunUnreadable`` will follow."""
        BackgroundThread(self._post, open_run, path).start()

    def refused(self) -> None:
        """``RunRefused`` came: the run could not be begun, or not be written to its end."""
        if self.running and self._drive is not None:
            if self._drive.newest is None:
                self.run = self._before
            self._drive = None

    def shut_down(self) -> None:
        """End the run and the worker, waiting briefly for the last line of the run file."""
        self.log.close()
        if self._drive is not None and self._drive.is_alive():
            self._drive.session.cancel()
        self._source.close()
        if self._drive is not None:
            self._drive.join(EXIT_WAIT_S)

    def _start(self, session: Session) -> None:
        self.queued, self.cancelling = False, False
        self._drive = RunThread(self._post, session, self._runs_folder, self._note)
        self._drive.start()

    def _note(self, event: Event, run: Run) -> None:
        """A line of our own about what happened; in the thread that drives the run."""
        text = event_text(event, run)
        if text:
            self.log.write(f"{clock_text(self._clock())} {text}")

    def _unmeasured(self) -> tuple[Case, ...]:
        """Rows of the run without numbers; while it is running, only those that failed."""
        run = self.newest or self.run
        if run is None:
            return ()
        outcomes = [(case, run.outcomes.get(case.case_id)) for case in run.plan.cases]
        if self.running:
            return tuple(case for case, outcome in outcomes if isinstance(outcome, Failure))
        here = self.environment
        saved = run.environment if run.id == self._opened else None
        if here is None or (saved is not None and saved.identity_hash != here.identity_hash):
            return ()  # a saved run is continued only in an environment of the same identity
        return tuple(case for case, outcome in outcomes if not isinstance(outcome, Measurement))

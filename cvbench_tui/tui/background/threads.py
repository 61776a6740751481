"""The two background threads: one asks for the devices, one drives a session. They only post messages.

Daemon threads, not the framework's pool: a pool thread that waits for the worker would hold up the exit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from textual.message import Message

from cvbench_tui.core.event import CaseFinished, Event, Progress, RunFinished
from cvbench_tui.core.run import Run
from cvbench_tui.engine.session import Recorder, Session
from cvbench_tui.engine.source import EventSource
from cvbench_tui.errors import CvbenchError, StoreError
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.view import View
from cvbench_tui.tui.messages import Crashed, Probed, ProbeFailed, RunAdvanced, RunRefused
from cvbench_tui.tui.state.table_layout import lay_out

PROGRESS_EVERY_S = 0.25
"""Shortest time between two messages about a run: a redraw above 4 Hz was seen to disturb the timing, and rows may come
by the hundred in a second."""

Post = Callable[[Message], object]


class BackgroundThread(threading.Thread):
    """A daemon thread whose bugs reach the app."""

    def __init__(self, post: Post) -> None:
        super().__init__(daemon=True)
        self.post = post

    def run(self) -> None:
        """Do the work; hand over whatever it raises."""
        try:
            self.work()
        except BaseException as error:  # raised again by the app, which is where it is seen
            self.post(Crashed(error))

    def work(self) -> None:
        """What the thread does."""
        raise NotImplementedError


class ProbeThread(BackgroundThread):
    """Asks the source for the devices; torch is imported meanwhile."""

    def __init__(self, post: Post, source: EventSource) -> None:
        super().__init__(post)
        self._source = source

    def work(self) -> None:
        """Post ``Probed`` or ``ProbeFailed``."""
        try:
            environment = self._source.probe()
        except CvbenchError as error:
            self.post(ProbeFailed(error))
        else:
            self.post(Probed(environment))


class CarefulRecorder:
    """Hands events on to a run log until one cannot be written; then it ends the run, once.

    The run is cancelled and not just left: a worker left in mid-case goes on measuring for nobody, and the next run
    would take that case's outcome for its own.
    """

    def __init__(self, log: Recorder, stop: Callable[[], None]) -> None:
        self.error: StoreError | None = None
        """Why the log is incomplete; None while it is whole."""
        self._log = log
        self._stop = stop

    def append(self, event: Event) -> None:
        """Write the event, unless one before it could not be."""
        if self.error is not None:
            return
        try:
            self._log.append(event)
        except StoreError as error:
            self.error = StoreError(error.message, "The run was ended; s saves the rows that are on screen.")
            self._stop()


def _unnoted(event: Event, run: Run) -> None:
    """What happens is not noted."""


class Outlet:
    """Tells the app where a run is, at most every ``PROGRESS_EVERY_S``: the newest state is told, and soon."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._lock = threading.Lock()
        self._held: RunAdvanced | None = None
        self._timer: threading.Timer | None = None
        self._posted_at = float("-inf")

    def tell(self, event: Event, run: Run) -> None:
        """Post it now, or with what else happens until the next message is due."""
        with self._lock:
            if self._held is not None and isinstance(event, Progress):
                event = self._held.event  # rows have changed too, so more than the progress has to be drawn
            self._held = RunAdvanced(event, run)
            wait_s = self._posted_at + PROGRESS_EVERY_S - time.monotonic()
            if wait_s <= 0:
                self._flush()
            elif self._timer is None:
                self._timer = threading.Timer(wait_s, self._due)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        """Post what is held back. Nothing is posted later."""
        with self._lock:
            self._flush()

    def _due(self) -> None:
        with self._lock:
            self._flush()

    def _flush(self) -> None:
        """Post what is held back; the lock is held."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._held is not None:
            self._post(self._held)
            self._held, self._posted_at = None, time.monotonic()


class RunThread(BackgroundThread):
    """Drives one session to its end, writing every event into the runs folder first."""

    def __init__(
        self, post: Post, session: Session, folder: Path, note: Callable[[Event, Run], None] = _unnoted
    ) -> None:
        """``note`` is told every event, in this thread."""
        super().__init__(post)
        self.session = session
        self.newest: Run | None = None
        """The run after the newest event, posted or not."""
        self.path: Path | None = None
        """The run file, once it is begun."""
        self._folder = folder
        self._note = note
        self._outlet = Outlet(post)

    def cancel(self) -> None:
        """End the run; from any thread."""
        self.session.cancel()

    def work(self) -> None:
        """Post ``RunAdvanced`` for what happens, and ``RunRefused`` when it cannot be written down."""
        # Imported here: pydantic, behind it, costs 55 ms that the first frame need not wait for.
        from cvbench_tui.results.storage.runs import create_log, reopen_log

        open_log = reopen_log if self.session.resumed else create_log
        last: RunAdvanced | None = None
        try:
            with open_log(self._folder, self.session.run_id) as log:
                self.path = log.path
                recorder = CarefulRecorder(log, self.cancel)
                for event, run in self.session.run(recorder):
                    last = self._handle_event(event, run)
        except CvbenchError as error:
            self._outlet.close()
            self.post(RunRefused(error))
            return
        if last is not None:
            self.post(last)  # not before the file is closed: whoever hears it may open the file again
        if recorder.error is not None:
            self.post(RunRefused(recorder.error))

    def _handle_event(self, event: Event, run: Run) -> RunAdvanced | None:
        """Hand an event on; the last one of the run is returned instead."""
        first, self.newest = self.newest is None, run
        self._note(event, run)
        _precompute(event, run, whole=first)
        if isinstance(event, RunFinished):
            self._outlet.close()
            return RunAdvanced(event, run)
        self._outlet.tell(event, run)
        return None


def _precompute(event: Event, run: Run, *, whole: bool) -> None:
    """Make what the table will show here, as the thread that draws would stand still: 5 ms a row, 100 for 1,000 empty
    ones."""
    if whole:
        lay_out(build(run), View(), 0)
    elif isinstance(event, CaseFinished):
        row_data(run, run.plan.case(event.measurement.case_id))

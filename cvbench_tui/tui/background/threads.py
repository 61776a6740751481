"""Background threads that ask for the devices, read run files and drive a session. They only post messages.

Daemon threads, not the framework's pool: a pool thread that waits for the worker would hold up the exit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from textual.message import Message

from cvbench_tui.catalog.models import ModelEntry
from cvbench_tui.catalog.sources import all_models
from cvbench_tui.core.event import CaseFinished, Event, PeakMeasured, RunFinished
from cvbench_tui.core.run import Run
from cvbench_tui.engine.host.others import Watch
from cvbench_tui.engine.session import Session
from cvbench_tui.engine.source import EventSource
from cvbench_tui.errors import CvbenchError, StoreError
from cvbench_tui.results.storage import NEWEST, SUFFIX
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.storage.run_index import SeenFile, seen
from cvbench_tui.results.table.view import View
from cvbench_tui.tui import messages
from cvbench_tui.tui.messages import Post
from cvbench_tui.tui.state.table_layout import lay_out

LOST_HINT = "The run was ended; s saves the rows that are on screen."
MESSAGES_EVERY_S = 0.25
"""Shortest time between two messages that are thinned out: rows may end by the hundred in a second, a worker write
thousands of lines, and redraws above 4 Hz were seen to disturb the current timing."""


class ThrottledPoster:
    """Posts the newest message at once, or as soon as ``MESSAGES_EVERY_S`` have passed; from any thread."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._lock = threading.RLock()
        self._held: Message | None = None
        self._timer: threading.Timer | None = None
        self._posted_at = float("-inf")
        self._closed = False

    def offer(self, message: Message) -> None:
        """Post it now, or when the next message is due, unless a newer one takes its place."""
        with self._lock:
            if self._closed:
                return
            self._held = message
            wait_s = self._posted_at + MESSAGES_EVERY_S - time.monotonic()
            if wait_s <= 0:
                self.flush()
            elif self._timer is None:
                self._timer = threading.Timer(wait_s, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Post what is held back."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._held is not None:
                self._post(self._held)
                self._held, self._posted_at = None, time.monotonic()

    def close(self) -> None:
        """Post nothing any more."""
        with self._lock:
            self._held, self._closed = None, True
            self.flush()


class BackgroundThread(threading.Thread):
    """A daemon thread that calls ``work(post, *arguments)``. Its bugs reach the app."""

    def __init__(self, post: Post, work: Callable[..., object], *arguments: object) -> None:
        super().__init__(daemon=True)
        self._post = post
        self._work = partial(work, post, *arguments)

    def run(self) -> None:
        """Do the work; hand over whatever it raises."""
        try:
            self._work()
        except BaseException as error:  # raised again by the app, which is where it is seen
            self._post(messages.Crashed(error))


def probe(post: Post, source: EventSource) -> None:
    """Ask the source for the devices, torch is imported meanwhile: ``Probed`` or ``ProbeFailed``."""
    try:
        environment = source.probe()
    except CvbenchError as error:
        post(messages.ProbeFailed(error))
    else:
        post(messages.Probed(environment))


def list_layers(post: Post, source: EventSource, model: ModelEntry, images: Sequence[int]) -> None:
    """Ask the source for the layers of that model: ``LayersListed`` or ``Failed``."""
    from cvbench_tui.catalog.model_layers import ALL, LayersOf, resolved

    try:
        layers = resolved((LayersOf(model, ALL[0]),), images, source.layers)
    except CvbenchError as error:
        post(messages.Failed(error))
    else:
        post(messages.LayersListed(model, layers))


def look(post: Post, watch: Watch) -> None:
    """Look at other programs: ``Looked``."""
    post(messages.Looked(watch, watch.look()))


def wait_for_idle(post: Post, watch: Watch) -> None:
    """Wait until they have left: ``Looked`` after each look, then ``BecameIdle``, unless it is stopped."""
    if watch.wait(tell=lambda others: post(messages.Looked(watch, others))):
        post(messages.BecameIdle(watch))


def read_history(post: Post, history: History, cancelled: Callable[[], bool]) -> None:
    """Read what earlier runs measured: ``HistoryRead``. ``cancelled`` is asked between two of hundreds of files."""
    history.refresh(cancelled)
    post(messages.HistoryRead())


def read_models(post: Post) -> None:
    """Read the lists of models that the first frame did not wait for: ``ModelsRead`` where there are some."""
    at_once, every = sum(1 for _ in all_models(late=False)), tuple(all_models())
    if len(every) > at_once:
        post(messages.ModelsRead(every))


def offer_resume(post: Post, folder: Path) -> None:
    """Look at the run that was written last: ``ResumeOffered`` where it did not come to its end, or rows of it failed,
    and nobody is writing it now."""
    from cvbench_tui.results.stats.repeat import rows_to_resume
    from cvbench_tui.results.storage.run_file import load
    from cvbench_tui.results.storage.run_log import being_written
    from cvbench_tui.results.storage.run_summary import summary_of
    from cvbench_tui.results.storage.runs import find

    try:
        summary = summary_of(find(NEWEST, folder))
        if summary.problem or (summary.ended == "finished" and not summary.failed) or being_written(summary.path):
            return
        lacks = bool(summary.failed) or bool(rows_to_resume(load(summary.path)))
    except StoreError:  # none yet, or no folder
        return
    if lacks:
        post(messages.ResumeOffered(summary))


def open_run(post: Post, path: Path) -> None:
    """Read one run file: ``RunOpened`` or ``Failed``."""
    from cvbench_tui.results.storage.peak_cache import with_best
    from cvbench_tui.results.storage.run_file import load
    from cvbench_tui.results.table.build import build

    file = seen(path)
    try:
        run = with_best(load(path), path.parent)
    except CvbenchError as error:
        post(messages.Failed(error))
    else:
        lay_out(build(run), View(), 0)  # here: it takes seconds for 1,000 rows, and the app takes it up from there
        post(messages.RunOpened(run, file))


class RunThread(BackgroundThread):
    """Drives one session to its end and writes every event into the run file first, or into another one where that
    fails. When no file can be written it ends the run. The run is cancelled and not just left: the worker would finish
    its case unread, and the next run would take that outcome for its own.
    """

    def __init__(
        self,
        post: Post,
        session: Session,
        history: History,
        note: Callable[[Event, Run], object] = lambda event, run: None,
        opened: SeenFile | None = None,
    ) -> None:
        """``history``: of the folder for a new file; it gets the finished run. ``note`` is called with every event.
        ``opened``: the file of a run that is resumed; it is written on and no other one."""
        super().__init__(post, self._drive)
        self.session = session
        self.file = opened or SeenFile(history.folder / f"{session.run_id}{SUFFIX}", None)
        """The run file; in the last message it is as it was closed."""
        self._history = history
        self._note = note
        self._opened = opened
        self._poster = ThrottledPoster(post)

    def _drive(self, post: Post) -> None:
        """Post ``RunAdvanced`` for what happens, and ``RunRefused`` when it cannot be written to the file."""
        from cvbench_tui.results.storage.recorder import RunRecorder
        from cvbench_tui.results.storage.run_log import create_log, reopen_log

        def tell(problem: StoreError) -> None:
            self.file = SeenFile(recorder.path, None)
            if not recorder.lost:
                post(messages.RunMoved(problem))

        last: Run | None = None
        try:
            log = reopen_log(self._opened) if self._opened else create_log(self._history.folder, self.session.run_id)
            with RunRecorder(log, tell, self.session.cancel) as recorder:
                for event, run in self.session.run(recorder):
                    self._note(event, run)
                    _precompute(event, run, whole=last is None)
                    last = run
                    if not isinstance(event, RunFinished):
                        self._poster.offer(messages.RunAdvanced(run))
        except CvbenchError as error:
            self._poster.flush()
            post(messages.RunRefused(error))
            return
        self._poster.flush()
        assert last is not None, "a session has a first and a last event"
        if not recorder.lost:  # one that lacks rows is not gone on with
            self.file = seen(self.file.path)
        post(messages.RunAdvanced(last))  # not before the file is closed: the receiver may open it again
        if recorder.lost and recorder.problem is not None:
            post(messages.RunRefused(StoreError(recorder.problem.message, LOST_HINT)))
        elif self.file.path.parent == self._history.folder:
            self._history.add(self.file.path, last)
            post(messages.HistoryRead())


def _precompute(event: Event, run: Run, *, whole: bool) -> None:
    """Compute the table's contents here, since the drawing thread would stop: 5 ms a row, 100 for 1,000 empty
    ones."""
    # Imported here: the statistics behind them are not needed for the first frame.
    from cvbench_tui.results.stats.row_data import row_data
    from cvbench_tui.results.table.build import build

    if whole:
        lay_out(build(run), View(), 0)
    elif isinstance(event, CaseFinished):
        row_data(run, run.plan.case(event.measurement.case_id))
    elif isinstance(event, PeakMeasured):  # the rows on its device are graded by it
        for case in run.plan.cases:
            if case.device == event.ceiling.device:
                row_data(run, case)

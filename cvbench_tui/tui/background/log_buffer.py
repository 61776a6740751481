"""The lines of the log: what the worker says on stderr and what happened in the run. It draws nothing.

Lines come from the threads that drain the worker and drive the run; they are read by the app's thread alone.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from textual.message import Message

from cvbench_tui.core.event import (
    CaseFailed,
    CaseFinished,
    CaseStarted,
    Event,
    RowsAdded,
    RunFinished,
    RunStarted,
    WorkerReady,
)
from cvbench_tui.core.run import Run
from cvbench_tui.results.text.units import duration_text
from cvbench_tui.tui.messages import Logged

MAX_LINES = 2000
LOGGED_EVERY_S = 0.25
"""Shortest time between two messages about new lines: a worker may write thousands of lines a second."""


class LogBuffer:
    """The newest lines, and a message to the app when there are new ones."""

    def __init__(self, post: Callable[[Message], object]) -> None:
        self.count = 0
        """Lines there ever were, as of the last look at ``lines``."""
        self._post = post
        self._lines: deque[str] = deque(maxlen=MAX_LINES)
        self._fresh: deque[str] = deque(maxlen=MAX_LINES)
        self._fresh_count = 0
        self._lock = threading.Lock()
        self._posted_at = float("-inf")
        self._timer: threading.Timer | None = None
        self._closed = False

    @property
    def lines(self) -> deque[str]:
        """The newest lines. Only here it grows, so that its reader can walk through it in peace."""
        with self._lock:
            self._lines.extend(self._fresh)
            self.count += self._fresh_count
            self._fresh.clear()
            self._fresh_count = 0
        return self._lines

    def write(self, line: str) -> None:
        """One more line, from any thread; never waits for the app. ``Logged`` follows, now or soon."""
        with self._lock:
            self._fresh.append(line)
            self._fresh_count += 1
            if self._timer is not None or self._closed:
                return
            wait_s = self._posted_at + LOGGED_EVERY_S - time.monotonic()
            if wait_s > 0:
                self._timer = threading.Timer(wait_s, self._tell)
                self._timer.daemon = True
                self._timer.start()
                return
            self._posted_at = time.monotonic()
        self._post(Logged())

    def close(self) -> None:
        """Tell of nothing any more."""
        with self._lock:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()

    def _tell(self) -> None:
        """The time has come to tell of what was written meanwhile."""
        with self._lock:
            self._timer = None
            self._posted_at = time.monotonic()
            if self._closed:
                return
        self._post(Logged())


def clock_text(at_s: float) -> str:
    """``12:03:44``, local time of seconds since the epoch."""
    return time.strftime("%H:%M:%S", time.localtime(at_s))


def words(event: Event, run: Run) -> str:
    """What the log says of an event; empty for one that it does not tell."""
    if isinstance(event, RunStarted):
        return f"run begun: {_rows(len(event.plan.cases))}, protocol {event.plan.protocol.name}"
    if isinstance(event, RowsAdded):
        return f"{_rows(len(event.cases))} added"
    if isinstance(event, WorkerReady):
        return f"measuring process ready: PyTorch {event.torch}, Python {event.python}"
    if isinstance(event, RunFinished):
        from cvbench_tui.results.stats.row_state import outcome_text  # behind the first frame: it brings the statistics

        return f"run {event.reason}: {outcome_text(run)} {event.sentence}".rstrip()
    return _case_words(event, run)


def _case_words(event: Event, run: Run) -> str:
    if isinstance(event, CaseStarted):
        return f"{_row(run, event.case_id)} started{f' in process {event.process + 1}' if event.process else ''}"
    if isinstance(event, CaseFinished):
        return f"{_row(run, event.measurement.case_id)} done in {duration_text(event.measurement.wall_s)}"
    if isinstance(event, CaseFailed):
        kind, sentence = event.failure.kind, event.failure.sentence
        return (
            f"{_row(run, event.failure.case_id)} {kind if kind in ('skipped', 'cancelled') else f'failed: {sentence}'}"
        )
    return ""


def _row(run: Run, case_id: str) -> str:
    case = next((case for case in run.plan.cases if case.case_id == case_id), None)
    return f"{case.workload.name} {case.device}" if case is not None else case_id


def _rows(count: int) -> str:
    return f"{count} row{'' if count == 1 else 's'}"

"""The lines of the log: the worker's stderr and what happened. Any thread writes, the app's thread alone reads them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from cvbench_tui.core import event as events
from cvbench_tui.core.run import Run
from cvbench_tui.core.text import plural
from cvbench_tui.results.text.units import duration_text
from cvbench_tui.tui.background.threads import ThrottledPoster
from cvbench_tui.tui.messages import Logged, Post

MAX_LINES = 2000


class LogBuffer:
    """The newest lines, and a message to the app when there are new ones."""

    def __init__(self, post: Post, clock: Callable[[], float] = time.time) -> None:
        """``clock``: seconds since the epoch."""
        self.count = 0  # lines written in all, when ``lines`` was last read
        self._poster = ThrottledPoster(post)
        self.close = self._poster.close
        self._clock = clock
        self._lines: deque[str] = deque(maxlen=MAX_LINES)
        self._written = 0
        self._lock = threading.Lock()

    @property
    def lines(self) -> list[str]:
        """A copy of the newest lines, so that its reader can walk through it while others are written."""
        with self._lock:
            self.count = self._written
            return list(self._lines)

    def write(self, line: str) -> None:
        """One more line, from any thread; never waits for the app. ``Logged`` follows, now or soon."""
        with self._lock:
            self._lines.append(line)
            self._written += 1
        self._poster.offer(Logged())

    def note(self, event: events.Event, run: Run) -> None:
        """A line of our own about what happened."""
        text = event_text(event, run)
        if text:
            self.write(f"{clock_text(self._clock())} {text}")


def clock_text(at_s: float) -> str:
    """``12:03:44``, local time of seconds since the epoch."""
    return time.strftime("%H:%M:%S", time.localtime(at_s))


def event_text(event: events.Event, run: Run) -> str:
    """The log's line for an event; empty for one that it leaves out."""
    if isinstance(event, events.RunStarted):
        return f"run begun: {plural(len(event.plan.cases), 'row')}, protocol {event.plan.protocol.name}"
    if isinstance(event, events.RowsAdded):
        repeated = all(case.case_id in run.earlier for case in event.cases)
        what = "continued" if not event.again else "measured again" if repeated else "added"
        return f"{plural(len(event.cases), 'row')} {what}"
    if isinstance(event, events.WorkerReady):
        return f"measuring process ready: PyTorch {event.torch}, Python {event.python}"
    if isinstance(event, events.RunFinished):
        from cvbench_tui.results.stats.outcome import outcome_text  # behind the first frame: it brings the statistics

        return f"run {event.reason}: {outcome_text(run)} {event.sentence}".rstrip()
    case_id = events.case_of(event)
    if isinstance(event, events.Progress) or case_id is None:
        return ""
    case = next((case for case in run.plan.cases if case.case_id == case_id), None)
    row = f"{run.plan.label(case, without=['device'])} {case.device}" if case is not None else case_id
    if isinstance(event, events.CaseStarted):
        return f"{row} started{f', visit {event.visit + 1}' if event.visit else ''}"
    if isinstance(event, events.BatchFound):
        return f"{row} largest batch {event.batch:,}: {events.tries_text(event.tries)}"
    if isinstance(event, events.CaseFinished):
        return f"{row} done in {duration_text(event.measurement.wall_s)}"
    assert isinstance(event, events.CaseFailed)
    kind = event.failure.kind
    return f"{row} {kind if kind in ('skipped', 'cancelled') else f'failed: {event.failure.sentence}'}"

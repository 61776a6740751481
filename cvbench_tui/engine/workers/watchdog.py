"""How long a worker may take and be silent. Only time in which we ran, and the worker was not stopped, counts.

A wait is made of short slices, and one that took long counts as a short one: we were stopped, or the whole machine
was asleep, and what the worker has written meanwhile is read in the slices that follow. No clock can tell more: that of
``time.monotonic`` stands still while Linux sleeps, and goes on while a process is stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from cvbench_tui.core.event import CaseFinished, Event, Progress
from cvbench_tui.engine.workers.processes import state
from cvbench_tui.engine.workers.worker_process import WorkerEnded, WorkerProcess, WorkerSilent

SLICE_S = 0.5  # of a wait
MOST_S = 2 * SLICE_S  # that one slice counts at most, however long it took
LEAST_S = 0.05  # the shortest slice
LATE_S = 2.0  # after the limit a line is still taken, but for no longer, should one follow the other without an end
STOPPED_S = 300.0  # that a stopped process is waited for
ASKED_S = 1.0  # that a worker has to report the end of a case that was killed at the user's wish
FLOOR_S = 45.0  # a silence that is none yet, whatever the case's own pace: a machine that swaps takes tens of seconds
FACTOR = 20.0  # a silence of this many times the longest so far is a hang
RUNNING = "running"


class NoAnswer(Exception):
    """The sentence why no answer is waited for any longer."""


@dataclass
class Pace:
    """The pace that a case has shown in this run."""

    longest_s: float = 0.0  # between two of its events
    called: bool = False
    """Its first call is behind it. Before, nothing is known of how long it takes: cuDNN tries its algorithms there."""

    def hear(self, event: Event, silent_s: float) -> None:
        """Learn from an event that came after ``silent_s`` seconds."""
        self.longest_s = max(self.longest_s, silent_s)
        if isinstance(event, CaseFinished) or (
            isinstance(event, Progress) and (event.stage == "warming up" or event.round > 0)
        ):
            self.called = True

    def limit_s(self, most_s: float) -> float:
        """The longest silence that may be, at most ``most_s``."""
        return min(most_s, max(FLOOR_S, FACTOR * self.longest_s)) if self.called else most_s


class Watchdog:
    """Of one request to a worker."""

    def __init__(
        self,
        worker: WorkerProcess,
        limit_s: float,
        limit_sentence: str,
        *,
        silence_s: float = math.inf,
        pace: Pace | None = None,
        hear: Callable[[str], None] = lambda line: None,
    ) -> None:
        """``limit_s`` is for the answer, ``silence_s`` from one event to the next; ``hear`` is told of what is odd."""
        self._worker = worker
        self._limit_s, self._limit_sentence, self._most_s = limit_s, limit_sentence, silence_s
        self._pace = pace or Pace()
        self._hear = hear
        self._taken_s = self._silent_s = self._blocked_s = self._stopped_s = self._asked_s = 0.0
        self._stopped_pid = 0
        self._last_s = time.monotonic()

    def heard(self, event: Event) -> None:
        """An event of what was asked for came."""
        self._pace.hear(event, self._silent_s)
        self._silent_s = self._blocked_s = 0.0

    def next_line(
        self, child: Callable[[], int | None] = lambda: None, asked_to_end: Callable[[], bool] = lambda: False
    ) -> bytes | WorkerEnded:
        """The worker's next line, or its end. ``child``: the process that measures. With ``asked_to_end`` the worker is
        killed when it does not answer soon. Raises NoAnswer."""
        while True:
            try:
                line = self._worker.next_line(min(SLICE_S, max(LEAST_S, self._left_s)))
            except WorkerSilent:
                self._count(self._look(child()), asked=asked_to_end())
            else:
                self._count(RUNNING, asked=False)
                if isinstance(line, WorkerEnded):
                    return line
                self._stopped_s = 0.0
                if self._taken_s < self._limit_s + LATE_S:
                    return line
            if self._asked_s > ASKED_S:
                self._worker.kill()
                if self._asked_s > 2 * ASKED_S:
                    return WorkerEnded()  # it waits inside the kernel, and ends when that lets it
            elif not asked_to_end():
                self._judge()

    @property
    def _left_s(self) -> float:
        return min(self._limit_s - self._taken_s, self._pace.limit_s(self._most_s) - self._silent_s)

    def _look(self, child: int | None) -> str:
        """What the worker's processes do."""
        stopped = next((pid for pid in (child, self._worker.pid) if pid and state(pid) in ("T", "t")), 0)
        if stopped and stopped != self._stopped_pid:
            self._hear(
                f"The measuring process {stopped} is stopped by a signal or a debugger; it is waited for, at most "
                f"{min(STOPPED_S, self._most_s):.0f} s. To go on: kill -CONT {stopped}"
            )
        elif self._stopped_pid and not stopped:
            self._hear(f"The measuring process {self._stopped_pid} goes on.")
            self._stopped_s = 0.0
        self._stopped_pid = stopped
        return "stopped" if stopped else "blocked" if child and state(child) == "D" else RUNNING

    def _count(self, what: str, *, asked: bool) -> None:
        """Add the time since the last count to what it was."""
        now_s = time.monotonic()
        passed_s, self._last_s = min(MOST_S, now_s - self._last_s), now_s
        if asked:
            self._asked_s += passed_s
        if what == "stopped":
            self._stopped_s += passed_s
            return
        self._taken_s += passed_s
        self._silent_s += passed_s
        self._blocked_s += passed_s * (what == "blocked")  # it waits for a disk, as where memory is swapped

    def _judge(self) -> None:
        """Raise when it is enough."""
        if self._stopped_s >= min(STOPPED_S, self._most_s):
            raise NoAnswer(
                "The measuring process was stopped by a signal or a debugger, did not go on for "
                f"{self._stopped_s:.0f} s and was killed."
            )
        if self._taken_s >= self._limit_s:
            raise NoAnswer(self._limit_sentence)
        limit_s = self._pace.limit_s(self._most_s)
        if self._silent_s >= self._most_s or self._silent_s - self._blocked_s >= limit_s:
            usual = f" where {self._pace.longest_s:.1f} s was the longest so far" if limit_s < self._most_s else ""
            raise NoAnswer(f"No answer for {self._silent_s:.0f} s{usual}; the measuring process was killed.")

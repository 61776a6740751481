"""Keeps one worker alive: starts it, replaces it when it has ended, asks it what has a single answer.

Cases are not asked here: their events come one by one, which is ``engine.live``'s business.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from cvbench_tui.core.event import Event, WorkerReady
from cvbench_tui.engine.worker_process import WorkerEnded, WorkerProcess, WorkerSilent, child_environment
from cvbench_tui.errors import WorkerError
from cvbench_tui.wire import WireError, decode


class WorkerSupervisor:
    """One worker process at a time. ``discard`` and ``kill`` may be called from any thread."""

    def __init__(self, command: Sequence[str], start_s: float) -> None:
        self.command = command
        self.ready: WorkerReady | None = None
        """What the present worker, or the last one, said of itself."""
        self.ready_at_s: float | None = None
        """When it was ready to take requests, seconds since the epoch."""
        self.hear: Callable[[str], None] | None = None
        """Told every line of stderr of the present worker and of those to come."""
        self.closed = False
        """True: no worker is started any more."""
        self._start_s = start_s
        self._worker: WorkerProcess | None = None
        self._lock = threading.RLock()
        """Taken again by the same thread when Ctrl-C's handler cancels in the middle of it."""

    def ensure_running(self) -> WorkerProcess:
        """The worker, started and ready. Raises WorkerError when it cannot be had."""
        if self._worker is not None and self._worker.returncode is None:
            return self._worker
        self.discard()
        if self.closed:
            raise WorkerError("The measuring process was closed.")
        try:
            worker = WorkerProcess(self.command, child_environment(), self._handle_event)
        except OSError as error:
            raise WorkerError(f"The measuring process could not be started: {error}.") from error
        with self._lock:
            self._worker = worker
        event = self._read(worker, self._start_s)
        if not isinstance(event, WorkerReady):
            raise WorkerError(f"The measuring process began with {event.kind} instead of worker_ready.")
        self.ready, self.ready_at_s = event, time.time()
        return worker

    def ask(self, request: dict[str, Any], timeout_s: float) -> Event:
        """The one event that answers a request. Raises WorkerError when none comes."""
        worker = self.ensure_running()
        worker.send(request)
        return self._read(worker, timeout_s)

    def kill(self) -> None:
        """End the worker and what it started, at once; it is replaced when the next one is needed."""
        with self._lock:
            if self._worker is not None:
                self._worker.kill()

    def discard(self, *, at_once: bool = False) -> None:
        """End the worker there is, if any; with ``at_once`` without giving it time to end by itself."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            if at_once:
                worker.kill()
            worker.close()

    def _handle_event(self, line: str) -> None:
        if self.hear is not None:
            self.hear(line)

    def _read(self, worker: WorkerProcess, timeout_s: float) -> Event:
        """One event, or WorkerError with the worker's last words."""
        try:
            line = worker.next_line(timeout_s)
            if isinstance(line, WorkerEnded):
                self.discard()
                last = (worker.tail().splitlines() or ["it said nothing"])[-1]
                raise WorkerError(
                    f"The measuring process ended at once: {last}.",
                    f"Check that PyTorch and torchvision work: {self.command[0]} -c 'import torch, torchvision'",
                )
            return decode(line)
        except WorkerSilent:
            self.discard(at_once=True)
            raise WorkerError(f"The measuring process said nothing for {timeout_s:.0f} s.") from None
        except WireError as error:
            self.discard()
            raise WorkerError(f"The measuring process spoke something else: {error}.") from error

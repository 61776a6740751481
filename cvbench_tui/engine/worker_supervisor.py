"""Keeps one worker running: starts it, replaces one that has ended, and asks for what has a single answer.

The events of a case are read by ``engine.live``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from cvbench_tui.core.event import Event, WorkerReady
from cvbench_tui.engine.worker_process import WorkerEnded, WorkerProcess, WorkerSilent, child_environment
from cvbench_tui.errors import MismatchError, WorkerError
from cvbench_tui.wire import WireError, decode

MISMATCH = 4  # exit code of a worker whose torchvision does not belong to its torch; its last line says so


class WorkerSupervisor:
    """One worker process at a time. ``discard`` and ``kill`` may be called from any thread."""

    def __init__(self, command: Sequence[str], start_s: float) -> None:
        self.command = command
        self.ready: WorkerReady | None = None  # first event of the present worker, or of the last one
        self.hear: Callable[[str], None] = lambda line: None
        """Called with every line of stderr, of the present worker and of later ones."""
        self.no_driver: bool | None = False  # of ``child_environment``, for workers that are started from now on
        self.closed = False  # True: no further worker is started
        self._start_s = start_s
        self._worker: WorkerProcess | None = None
        self._lock = threading.RLock()  # reentrant: Ctrl-C's handler calls kill in the thread that may hold it

    def ensure_running(self) -> WorkerProcess:
        """The worker, started and ready. Raises WorkerError when it cannot be started."""
        if self._worker is not None and self._worker.returncode is None:
            return self._worker
        self.discard()
        if self.closed:
            raise WorkerError("The measuring process was closed.")
        try:
            environment = child_environment(no_driver=self.no_driver)
            worker = WorkerProcess(self.command, environment, lambda line: self.hear(line))
        except OSError as error:
            raise WorkerError(f"The measuring process could not be started: {error}.") from error
        with self._lock:
            self._worker = worker
        try:
            event = self._read(worker, self._start_s)
        except WorkerError:
            if self.no_driver is None or not worker.lacks_driver:
                raise
            self.no_driver = None
            return self.ensure_running()
        if not isinstance(event, WorkerReady):
            raise WorkerError(f"The measuring process began with {event.kind} instead of worker_ready.")
        self.ready = event
        return worker

    def ask(self, request: dict[str, Any], timeout_s: float) -> Event:
        """The one event that answers ``request``. Raises WorkerError when none comes."""
        worker = self.ensure_running()
        worker.send(request)
        return self._read(worker, timeout_s)

    def kill(self) -> None:
        """Kill the worker and what it started; the next ``ensure_running`` starts another."""
        with self._lock:
            if self._worker is not None:
                self._worker.kill()

    def discard(self, *, at_once: bool = False) -> None:
        """End the worker, if any; with ``at_once`` by a kill, without waiting for its own end."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            if at_once:
                worker.kill()
            worker.close()

    def _read(self, worker: WorkerProcess, timeout_s: float) -> Event:
        """One event. Raises WorkerError, with the last line of the worker's stderr, when there is none."""
        try:
            line = worker.next_line(timeout_s)
            if isinstance(line, WorkerEnded):
                self.discard()
                if worker.returncode == MISMATCH:
                    install = f"{self.command[0]} -m pip install -U torch torchvision"
                    raise MismatchError(worker.last_line(), f"Install both at once, so that they fit: {install}")
                raise WorkerError(
                    f"The measuring process ended at once: {worker.last_line()}.",
                    f"Check that PyTorch and torchvision work: {self.command[0]} -c 'import torch, torchvision'",
                )
            return decode(line)
        except WorkerSilent:
            self.discard(at_once=True)
            raise WorkerError(f"The measuring process did not answer within {timeout_s:.0f} s.") from None
        except WireError as error:
            self.discard()
            raise WorkerError(f"The measuring process sent a line that is not an event: {error}.") from error

"""Keeps one worker running: starts it, replaces one that has ended, and asks for what has a single answer.

The events of a case are read by ``engine.live``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from errno import EAGAIN, ENOMEM
from typing import Any

from cvbench_tui.base.escape import one_line
from cvbench_tui.core.event import Event, WorkerReady
from cvbench_tui.engine.workers.watchdog import NoAnswer, Watchdog
from cvbench_tui.engine.workers.worker_process import WorkerEnded, WorkerProcess, child_environment
from cvbench_tui.errors import MismatchError, WorkerError, os_reason
from cvbench_tui.wire import decode

MISMATCH = 4  # exit code of a worker whose torchvision does not belong to its torch; its last line says so
READY = b'"worker_ready"'  # is in the first event, which has no object inside; something may stand before it
GREETINGS = 100_000  # lines before the first event, of what prints while it is imported; more are no greeting
QUOTED_BYTES = 200  # of a line that is no event
FATAL = "Fatal Python error"  # begins what Python says of its own crash; the stacks of all threads follow
NO_MEMORY = ("failed to map segment", "Cannot allocate memory", "MemoryError", "bad_alloc")
LIMITS_HINT = "Look at the limits on processes (ulimit -u, a container's pids.max) and memory (ulimit -v)."


class WorkerSupervisor:
    """One worker process at a time. ``discard`` and ``kill`` may be called from any thread."""

    def __init__(
        self, command: Sequence[str], start_s: float, *, first: Sequence[str] = (), folder: str | None = None
    ) -> None:
        """``first``: folders whose code is found before any other, this package's among them; without them it is where
        this program's is. ``folder``: the current one of the worker; None: this program's."""
        self.command = command
        self.ready: WorkerReady | None = None  # first event of the present worker, or of the last one
        self.hear: Callable[[str], None] = lambda line: None
        """Called with every line of stderr, of the present worker and of later ones."""
        self.no_driver: bool | None = False  # of ``child_environment``, for workers that are started from now on
        self.closed = False  # True: no further worker is started
        self._start_s = start_s
        self._first, self._folder = first, folder
        self._worker: WorkerProcess | None = None
        self._lock = threading.Lock()

    def ensure_running(self) -> WorkerProcess:
        """The worker, started and ready. Raises WorkerError when it cannot be started."""
        if self._worker is not None and self._worker.returncode is None:
            return self._worker
        self.discard()
        if self.closed:
            raise WorkerError("The measuring process was closed.")
        try:
            environment = child_environment(no_driver=self.no_driver, first=self._first)
            worker = WorkerProcess(self.command, environment, lambda line: self.hear(line), self._folder)
        except OSError as error:
            hint = LIMITS_HINT if error.errno in (EAGAIN, ENOMEM) else ""
            raise WorkerError(f"The measuring process could not be started: {_why(error)}.", hint) from error
        with self._lock:
            self._worker = worker
            closed = self.closed
        if closed:  # meanwhile
            self.discard(at_once=True)
            raise WorkerError("The measuring process was closed.")
        try:
            event = self._read(worker, self._start_s, greetings=GREETINGS)
        except WorkerError:
            if self.no_driver is None or not worker.lacks_driver:
                raise
            self.no_driver = None
            return self.ensure_running()
        if not isinstance(event, WorkerReady):
            self.discard(at_once=True)
            raise WorkerError(f"The measuring process began with {event.kind} instead of worker_ready.")
        self.ready = event
        return worker

    def ask(self, request: dict[str, Any], timeout_s: float) -> Event:
        """The one event that answers ``request``. Raises WorkerError when none comes."""
        worker = self.ensure_running()
        worker.send(request)
        return self._read(worker, timeout_s)

    def can(self, request: str) -> bool:
        """Whether the worker, the present or the last one, answers such a request."""
        return self.ready is not None and request in self.ready.can

    @property
    def one_case(self) -> bool:
        """True where the worker measures by itself, since forking is unsafe."""
        return self.ready is not None and self.ready.one_case

    def has_measured(self, case_ids: Sequence[str]) -> bool:
        """Whether the present worker has been asked for one of these cases."""
        worker = self._worker
        return worker is not None and not worker.asked_for.isdisjoint(case_ids)

    @property
    def worker_pid(self) -> int | None:
        """The present worker's process; None without one."""
        worker = self._worker
        return None if worker is None else worker.pid

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

    def _read(self, worker: WorkerProcess, timeout_s: float, greetings: int = 0) -> Event:
        """One event; before it at most so many ``greetings``: lines that are none and go to the log. Raises
        WorkerError, with the last line of the worker's stderr or the line that is no event, when there is none."""
        watchdog = Watchdog(worker, timeout_s, f"did not answer within {timeout_s:.0f} s", hear=self.hear)
        quoted = ""
        try:
            while not isinstance(line := watchdog.next_line(), WorkerEnded):
                line = line[max(0, line.rfind(b"{")) :] if greetings and READY in line else line
                try:
                    return decode(line)
                except Exception as error:  # of whatever kind: the line may be anything
                    problem = f"The measuring process sent a line that is not an event: {error}."
                if line.strip():
                    quoted = f"It said: {one_line(line[:QUOTED_BYTES].decode(errors='replace').strip())}"
                greetings -= 1
                if greetings < 0:
                    raise WorkerError(problem, quoted)
                if line.strip():
                    self.hear(one_line(line[: 10 * QUOTED_BYTES].decode(errors="replace").rstrip()))
        except NoAnswer as error:
            self.discard(at_once=True)
            raise WorkerError(f"The measuring process {error}.", quoted) from None
        except WorkerError:
            self.discard(at_once=True)
            raise
        self.discard()
        if worker.returncode == MISMATCH:
            install = f"{self.command[0]} -m pip install -U torch torchvision"
            raise MismatchError(worker.last_line(), f"Install both at once, so that they fit: {install}")
        told = next((line for line in worker.tail().splitlines() if line.startswith(FATAL)), worker.last_line())
        look = f"Check that PyTorch and torchvision work: {self.command[0]} -c 'import torch, torchvision'"
        hint = quoted or (LIMITS_HINT if any(words in told for words in NO_MEMORY) else look)
        raise WorkerError(f"The measuring process ended at once: {told.rstrip('.')}.", hint)


def start_all(supervisors: Sequence[WorkerSupervisor]) -> None:
    """Start their workers side by side: importing torch takes seconds. Raises WorkerError when one has no start."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(WorkerSupervisor.ensure_running, supervisors))


def _why(error: OSError) -> str:
    """The system's reason, with the program where it names one."""
    return f"{os_reason(error)}: {error.filename}" if error.filename else os_reason(error)

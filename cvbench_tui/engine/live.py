"""The live source: a worker measures the plan, case by case, and is replaced when it dies.

Blocking and synchronous: one thread iterates it. Every way a case can go wrong becomes a ``CaseFailed``
here or in the worker, and the next case goes on.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.event import (
    CaseFailed,
    CaseFinished,
    CaseStarted,
    EnvironmentProbed,
    Event,
    WorkerReady,
    case_of,
)
from cvbench_tui.core.measurement import Failure, FailureKind
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.engine.host import with_host_facts
from cvbench_tui.engine.process import Ended, Silent, WorkerProcess, kill_group
from cvbench_tui.errors import WorkerError
from cvbench_tui.wire import WireError, decode

WORKER_COMMAND = (sys.executable, "-m", "cvbench_tui.worker")
START_S = 180.0
"""Seconds in which a worker must have imported torch; a cold disk was seen to take 40."""
PROBE_S = 120.0
CANCELLED = "Cancelled before it was finished."


class LiveSource:
    """Measures with a worker process. ``command`` is another worker speaking the same protocol, e.g. a test's."""

    def __init__(self, command: Sequence[str] | None = None, *, start_s: float = START_S) -> None:
        self._command = command or WORKER_COMMAND
        self._start_s = start_s
        self._worker: WorkerProcess | None = None
        self._child: int | None = None
        """Process group of the case being measured, as the worker told."""
        self._environment: Environment | None = None
        self._lock = threading.RLock()
        """Taken again by the same thread when Ctrl-C's handler cancels in the middle of it."""
        self._cancelled = threading.Event()
        self._closed = False
        self._ready: WorkerReady | None = None

    def probe(self) -> Environment:
        """The machine and its devices, asked once, with the host's state of this moment.

        Raises WorkerError when no worker can be had.
        """
        if self._environment is None:
            worker = self._living_worker()
            worker.send({"kind": "probe"})
            self._environment = self._read_environment(worker)
        return with_host_facts(self._environment)

    def events(self, plan: Plan) -> Iterator[Event]:
        """Everything that happens while the plan is measured. Raises WorkerError when no worker can be had."""
        self._cancelled.clear()
        environment = self.probe()
        if self._ready is not None:
            yield self._ready
        yield EnvironmentProbed(environment)
        failed: set[str] = set()
        for process in range(plan.protocol.processes):
            for case in plan.cases:
                if self._cancelled.is_set():
                    return
                if case.case_id in failed:
                    continue
                for event in self._case(case, plan.protocol, process):
                    yield event
                    if isinstance(event, CaseFailed):
                        failed.add(case.case_id)

    def cancel(self) -> None:
        """End the case being measured, or a worker that is still starting; ``events`` then ends. From any thread."""
        self._cancelled.set()
        with self._lock:
            case_alone = self._child is not None and sys.platform != "win32"
            if case_alone and self._child is not None:
                kill_group(self._child)
            elif self._worker is not None:
                self._worker.kill()

    def close(self) -> None:
        """End everything that was started; afterwards no worker is started any more."""
        self._closed = True
        self.cancel()
        with self._lock:
            if self._worker is not None:
                self._worker.kill()
        self._discard()

    def _case(self, case: Case, protocol: Protocol, process: int) -> Iterator[Event]:
        """One case in one process, until its outcome."""
        worker = self._living_worker()
        request = _measure_request(case, protocol, process)
        worker.send(request)
        deadline = time.monotonic() + protocol.timeout_s
        settled = False
        try:
            for event in self._outcome(case, protocol, worker, request, deadline):
                settled = isinstance(event, (CaseFinished, CaseFailed))
                yield event
        finally:
            with self._lock:
                self._child = None
            if not settled or (self._ready is not None and self._ready.one_case):
                # Nobody reads the rest of a case that was left early: its worker would answer the next one with it.
                self._discard(at_once=not settled)

    def _outcome(
        self, case: Case, protocol: Protocol, worker: WorkerProcess, request: dict[str, Any], deadline: float
    ) -> Iterator[Event]:
        """The worker's events up to the case's outcome, or the failure of a worker that gives none."""
        sure = False
        while True:
            left = deadline - time.monotonic()
            try:
                line = worker.next_line(max(0.0, min(protocol.silence_s, left)))
            except Silent:
                yield self._time_out(case, protocol, worker, left)
                return
            if isinstance(line, Ended) and not sure and not self._cancelled.is_set():
                # It had ended before this case began, between two cases: once more, with a new one.
                sure, worker = True, self._living_worker()
                worker.send(request)
                continue
            if isinstance(line, Ended):
                yield self._ended(case, worker)
                return
            sure = True
            try:
                event = decode(line)
            except WireError as error:
                yield self._garbled(case, worker, line, error)
                return
            if case_of(event) != case.case_id:
                continue  # of an earlier case: its process died after it had answered
            if isinstance(event, CaseStarted):
                with self._lock:
                    self._child = event.pid
            if isinstance(event, CaseFailed):
                event = self._explained(event, case, worker)
            yield event
            if isinstance(event, (CaseFinished, CaseFailed)):
                return

    def _living_worker(self) -> WorkerProcess:
        """The worker, started and ready. Raises WorkerError when it cannot be had."""
        if self._worker is not None and self._worker.returncode is None:
            return self._worker
        self._discard()
        if self._closed:
            raise WorkerError("The measuring process was closed.")
        try:
            worker = WorkerProcess(self._command, _worker_environment())
        except OSError as error:
            raise WorkerError(f"The measuring process could not be started: {error}.") from error
        with self._lock:
            self._worker = worker
        self._ready = self._read_ready(worker)
        return worker

    def _read_ready(self, worker: WorkerProcess) -> WorkerReady:
        """Its first event. Raises WorkerError with what it said when torch could not be imported."""
        event = self._read_one(worker, self._start_s)
        if isinstance(event, WorkerReady):
            return event
        raise WorkerError(f"The measuring process began with {event.kind} instead of worker_ready.")

    def _read_environment(self, worker: WorkerProcess) -> Environment:
        """The answer to a probe. Raises WorkerError when it is none."""
        event = self._read_one(worker, PROBE_S)
        if isinstance(event, EnvironmentProbed):
            return event.environment
        if isinstance(event, CaseFailed):
            self._discard()
            raise WorkerError(f"Asking for the devices failed: {event.failure.sentence}", worker.tail())
        raise WorkerError(f"The measuring process answered a probe with {event.kind}.")

    def _read_one(self, worker: WorkerProcess, timeout_s: float) -> Event:
        """One event, or WorkerError with the worker's last words."""
        try:
            line = worker.next_line(timeout_s)
            if isinstance(line, Ended):
                self._discard()
                last = (worker.tail().splitlines() or ["it said nothing"])[-1]
                raise WorkerError(
                    f"The measuring process ended at once: {last}.",
                    f"Check that PyTorch and torchvision work: {self._command[0]} -c 'import torch, torchvision'",
                )
            return decode(line)
        except Silent:
            self._discard()
            raise WorkerError(f"The measuring process said nothing for {timeout_s:.0f} s.") from None
        except WireError as error:
            self._discard()
            raise WorkerError(f"The measuring process spoke something else: {error}.") from error

    def _discard(self, *, at_once: bool = False) -> None:
        """End the worker there is, if any; with ``at_once`` without giving it time to end by itself."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            if at_once:
                worker.kill()
            worker.close()

    def _time_out(self, case: Case, protocol: Protocol, worker: WorkerProcess, left: float) -> Event:
        """A case that took too long or fell silent: everything of its worker is ended, the next case gets a new one."""
        if self._child is not None:
            kill_group(self._child)
        worker.kill()
        self._discard()
        if left <= protocol.silence_s:
            sentence = f"Not done after {protocol.timeout_s:.0f} s, the limit of protocol {protocol.name}."
        else:
            sentence = f"No sign of life for {protocol.silence_s:.0f} s; the measuring process was ended."
        return _failed(case, "timed_out", sentence, worker.tail())

    def _ended(self, case: Case, worker: WorkerProcess) -> Event:
        """The worker went away in mid-case: by our cancel, or by itself."""
        self._discard()
        if self._cancelled.is_set():
            return _failed(case, "cancelled", CANCELLED, "")
        code = worker.returncode
        how = f"by signal {-code}" if code is not None and code < 0 else f"with exit code {code}"
        return _failed(case, "crashed", f"The measuring process ended {how} in mid-case.", worker.tail())

    def _garbled(self, case: Case, worker: WorkerProcess, line: bytes, error: WireError) -> Event:
        """A line that is no event: the worker cannot be trusted any more."""
        worker.kill()
        self._discard()
        detail = f"{error}\n{line[:200].decode(errors='replace')}"
        return _failed(case, "crashed", "The measuring process sent something that is not an event.", detail)

    def _explained(self, event: CaseFailed, case: Case, worker: WorkerProcess) -> CaseFailed:
        """A failure the worker reported: our own cancel is named as such, a crash gets the last lines of stderr."""
        if self._cancelled.is_set() and event.failure.kind == "crashed":
            return _failed(case, "cancelled", CANCELLED, "")
        failure = dataclasses.replace(event.failure, detail=event.failure.detail or worker.tail())
        return dataclasses.replace(event, failure=failure)


def _worker_environment() -> dict[str, str]:
    """Ours, with this package found first and the current folder not searched: a ``random.py`` there broke torch."""
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


def _measure_request(case: Case, protocol: Protocol, process: int) -> dict[str, Any]:
    """The line that asks for one case."""
    return {
        "kind": "measure",
        "case_id": case.case_id,
        "case": dataclasses.asdict(case),
        "protocol": dataclasses.asdict(protocol),
        "process": process,
    }


def _failed(case: Case, kind: FailureKind, sentence: str, detail: str) -> CaseFailed:
    """A failure found on this side of the wall."""
    return CaseFailed(Failure(case.case_id, kind, sentence, detail), round(time.time(), 3))

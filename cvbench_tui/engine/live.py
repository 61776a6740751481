"""The live source: a worker measures the plan, case by case, and is replaced when it dies.

Blocking and synchronous: one thread iterates it. Every way a case can go wrong becomes a ``CaseFailed``
here or in the worker, and the next case goes on.
"""

from __future__ import annotations

import dataclasses
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.event import (
    CaseFailed,
    CaseFinished,
    CaseStarted,
    EnvironmentProbed,
    Event,
    case_of,
)
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.engine import failures as trouble
from cvbench_tui.engine.host.metadata import with_host_facts
from cvbench_tui.engine.peaks import DevicePeaks, MemoryStore, PeakStore
from cvbench_tui.engine.schedule import Schedule
from cvbench_tui.engine.worker_process import WorkerEnded, WorkerProcess, WorkerSilent, kill_group
from cvbench_tui.engine.worker_supervisor import WorkerSupervisor
from cvbench_tui.errors import WorkerError
from cvbench_tui.wire import WireError, decode

WORKER_COMMAND = (sys.executable, "-m", "cvbench_tui.worker")
START_S = 180.0
"""Seconds in which a worker must have imported torch; a cold disk was seen to take 40."""
PROBE_S = 120.0


class LiveSource:
    """Measures with a worker process. ``command`` is another worker speaking the same protocol, e.g. a test's."""

    def __init__(
        self, command: Sequence[str] | None = None, *, start_s: float = START_S, ceilings: PeakStore | None = None
    ) -> None:
        self._supervisor = WorkerSupervisor(command or WORKER_COMMAND, start_s)
        self._ceilings = DevicePeaks(self._supervisor, ceilings or MemoryStore())
        self._child: int | None = None
        """Process group of the case being measured, as the worker told."""
        self._environment: Environment | None = None
        self._lock = threading.RLock()
        """Taken again by the same thread when Ctrl-C's handler cancels in the middle of it."""
        self._cancelled = threading.Event()
        self._skipping = False
        """The child of the case being measured was ended by ``skip``."""

    def probe(self) -> Environment:
        """The machine and its devices, asked once, with the host's state of this moment.

        Raises WorkerError when no worker can be had.
        """
        if self._environment is None:
            self._environment = self._ask_environment()
        return with_host_facts(self._environment)

    def events(self, plan: Plan) -> Iterator[Event]:
        """Everything that happens while the plan is measured. Raises WorkerError when no worker can be had."""
        self._cancelled.clear()
        environment = self.probe()
        if self._supervisor.ready is not None:
            yield self._supervisor.ready
        yield EnvironmentProbed(environment)
        yield from self._ceilings.kept(plan, environment)
        visits = Schedule(plan)
        for process, case in visits:
            if self._cancelled.is_set():
                return
            for event in self._case(case, plan.protocol, process):
                visits.tell(event)
                yield event
            if not self._cancelled.is_set():
                yield from self._ceilings.missing(case, environment)

    def cancel(self) -> None:
        """End the case being measured, or a worker that is still starting; ``events`` then ends. From any thread."""
        self._cancelled.set()
        with self._lock:
            self._end_case()

    def skip(self) -> None:
        """End the case being measured and go on with the next one; between two cases nothing. From any thread."""
        with self._lock:
            if self._child is not None:
                self._skipping = True
                self._end_case()

    def listen(self, hear: Callable[[str], None]) -> None:
        """Tell ``hear`` every line of the worker's stderr as it comes, also of workers started later.

        It is called by the thread that drains the pipe, so it must not block. Lines are cut at 2,000 characters.
        """
        self._supervisor.hear = hear

    def close(self) -> None:
        """End everything that was started; afterwards no worker is started any more."""
        self._supervisor.closed = True
        self.cancel()
        self._supervisor.kill()
        self._supervisor.discard()

    def _end_case(self) -> None:
        """Kill the process group of the case; without one, or where there are none, the worker."""
        if self._child is not None and sys.platform != "win32":
            kill_group(self._child)
        else:
            self._supervisor.kill()

    def _ask_environment(self) -> Environment:
        """The answer to a probe. Raises WorkerError when it is none."""
        event = self._supervisor.ask({"kind": "probe"}, PROBE_S)
        if isinstance(event, EnvironmentProbed):
            return event.environment
        if isinstance(event, CaseFailed):
            self._supervisor.discard()
            raise WorkerError(f"Asking for the devices failed: {event.failure.sentence}", event.failure.detail)
        raise WorkerError(f"The measuring process answered a probe with {event.kind}.")

    def _case(self, case: Case, protocol: Protocol, process: int) -> Iterator[Event]:
        """One case in one process, until its outcome."""
        worker = self._supervisor.ensure_running()
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
                self._child, self._skipping = None, False
            if not settled or (self._supervisor.ready is not None and self._supervisor.ready.one_case):
                # Nobody reads the rest of a case that was left early: its worker would answer the next one with it.
                self._supervisor.discard(at_once=not settled)

    def _outcome(
        self, case: Case, protocol: Protocol, worker: WorkerProcess, request: dict[str, Any], deadline: float
    ) -> Iterator[Event]:
        """The worker's events up to the case's outcome, or the failure of a worker that gives none."""
        sure = False
        while True:
            left = deadline - time.monotonic()
            try:
                line = worker.next_line(max(0.0, min(protocol.silence_s, left)))
            except WorkerSilent:
                yield self._time_out(case, protocol, worker, left)
                return
            if isinstance(line, WorkerEnded) and not sure and not self._cancelled.is_set():
                # It had ended before this case began, between two cases: once more, with a new one.
                sure, worker = True, self._supervisor.ensure_running()
                worker.send(request)
                continue
            if isinstance(line, WorkerEnded):
                yield self._ended(case, worker)
                return
            sure = True
            try:
                event = decode(line)
            except WireError as error:
                worker.kill()
                self._supervisor.discard()
                yield trouble.garbled(case, line, error)
                return
            if case_of(event) != case.case_id:
                continue  # of an earlier case: its process died after it had answered
            yield (event := self._noted(event, case, worker))
            if isinstance(event, (CaseFinished, CaseFailed)):
                return

    def _noted(self, event: Event, case: Case, worker: WorkerProcess) -> Event:
        """The event with what this side knows: our own cancel is named so, a crash gets the last lines of stderr."""
        if isinstance(event, CaseStarted):
            with self._lock:
                self._child = event.pid
        if isinstance(event, CaseFinished):
            with self._lock:
                self._child = None  # it has answered: a skip from here on would hit what is no case any more
        if not isinstance(event, CaseFailed):
            return event
        ours = self._by_us(case) if event.failure.kind == "crashed" else None
        return ours or trouble.explained(event, worker.tail())

    def _by_us(self, case: Case) -> Event | None:
        """The failure of a case that ended because the user wanted it; None when nobody did."""
        if self._cancelled.is_set():
            return trouble.cancelled(case)
        return trouble.skipped(case) if self._skipping else None

    def _time_out(self, case: Case, protocol: Protocol, worker: WorkerProcess, left: float) -> Event:
        """A case that took too long or fell silent: everything of its worker is ended, the next case gets a new one."""
        if self._child is not None:
            kill_group(self._child)
        worker.kill()
        self._supervisor.discard()
        return trouble.timed_out(case, protocol, left, worker.tail())

    def _ended(self, case: Case, worker: WorkerProcess) -> Event:
        """The worker went away in mid-case: by our cancel or skip, or by itself."""
        self._supervisor.discard()
        return self._by_us(case) or trouble.ended(case, worker.returncode, worker.tail())


def _measure_request(case: Case, protocol: Protocol, process: int) -> dict[str, Any]:
    """The line that asks for one case."""
    return {
        "kind": "measure",
        "case_id": case.case_id,
        "case": dataclasses.asdict(case),
        "protocol": dataclasses.asdict(protocol),
        "process": process,
    }

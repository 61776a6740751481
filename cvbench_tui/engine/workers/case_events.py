"""One request about a case, and the worker's events up to its outcome. Every way it can go wrong becomes a
``CaseFailed``, in the worker or here by ``failures``. Any thread may end the case that is running.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

from cvbench_tui.base.system_files import oom_kills
from cvbench_tui.core.event import BatchTried, CaseFailed, CaseFinished, CaseStarted, Event, case_of
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.engine import failures
from cvbench_tui.engine.workers.processes import kill_group, leads_group_of
from cvbench_tui.engine.workers.watchdog import NoAnswer, Pace, Watchdog
from cvbench_tui.engine.workers.worker_process import WorkerEnded, WorkerProcess
from cvbench_tui.engine.workers.worker_supervisor import WorkerSupervisor
from cvbench_tui.wire import WireError, decode

ROUNDED_S = 0.001  # to which the times of events are rounded
OUTCOMES = (CaseFinished, CaseFailed, BatchTried)


class CaseEvents:
    """Of one run after the other."""

    def __init__(self, supervisor: WorkerSupervisor, cancelled: threading.Event | None = None) -> None:
        self.cancelled = cancelled or threading.Event()  # the user wants the run to end
        self.pausing = False  # between two visits of a short plan, where no process computes
        self.running = False  # a case has started, and has not finished
        self.skipping = False  # ``skip`` ended the running case
        self._supervisor = supervisor
        self._child: int | None = None  # process group of the running case, from its ``CaseStarted``
        self._paces: dict[str, Pace] = {}  # by what is asked of which case, of this run
        self._lock = threading.Lock()

    def use(self, supervisor: WorkerSupervisor) -> None:
        """The next request goes to that worker."""
        with self._lock:
            self._supervisor = supervisor

    def begin(self) -> None:
        """A run begins."""
        self.cancelled.clear()
        self._paces.clear()

    def cancel(self) -> None:
        """End the running case, or a worker that is still starting. From any thread."""
        self.cancelled.set()
        with self._lock:
            self._end_case()

    def skip(self) -> None:
        """End the running case; between two cases do nothing. From any thread."""
        with self._lock:
            if self.running:
                self.skipping = True
                self._end_case()

    def over(self) -> None:
        """Nothing of the case is running any more."""
        with self._lock:
            self._child, self.running, self.skipping = None, False, False

    def requested_end(self, case: Case) -> CaseFailed | None:
        """The failure of a case that the user cancelled or skipped; None when the user did neither."""
        if self.cancelled.is_set():
            return failures.cancelled(case)
        return failures.skipped(case) if self.skipping else None

    def until_outcome(
        self, case: Case, protocol: Protocol, worker: WorkerProcess, request: dict[str, Any]
    ) -> Iterator[Event]:
        """Ask that worker for it; its events up to the outcome, or the failure that stands for a missing one."""
        watchdog = self._watchdog(case, protocol, worker, request["kind"])
        asked_at_s, clock_s, killed = time.time() - ROUNDED_S, time.monotonic(), oom_kills()
        worker.asked_for.add(case.case_id)
        worker.send(request)
        answered, started, visit = False, False, request["visit"]
        while True:
            try:
                line = watchdog.next_line(lambda: self._child, self._asked_to_end)
            except NoAnswer as error:
                yield self._timed_out(case, worker, str(error))
                return
            if isinstance(line, WorkerEnded) and not answered and not self._asked_to_end():
                # It had died between two cases: repeat the request once, to a new worker. Its pipe closes before the
                # system reports its end, so it may still look as if it ran.
                self._supervisor.discard()
                answered, worker = True, self._supervisor.ensure_running()
                watchdog = self._watchdog(case, protocol, worker, request["kind"])
                worker.asked_for.add(case.case_id)
                worker.send(request)
                continue
            if isinstance(line, WorkerEnded):
                self._supervisor.discard()
                why = {"too_long": worker.too_long, "out_of_memory": oom_kills() > killed}
                ended = failures.worker_ended(case, worker.returncode, worker.tail(), **why)
                yield self.requested_end(case) or ended
                return
            answered = True
            try:
                event = decode(line)
                if case_of(event) != case.case_id or getattr(event, "visit", visit) != visit:
                    continue  # of another case or visit, or of none
                if isinstance(event, CaseFinished) and not started:
                    raise WireError("case_finished comes before case_started")
            except Exception as error:  # of whatever kind: the line may be anything, and costs one row
                worker.kill()
                self._supervisor.discard()
                yield self.requested_end(case) or failures.invalid_line(case, line, error)
                return
            # by the clock as it was: it may have been set back since
            at_s = min(asked_at_s, time.time() - ROUNDED_S - (time.monotonic() - clock_s))
            if isinstance(event, CaseFailed) and 0 < event.at_s < at_s:
                continue  # of an earlier visit, whose process died after it had answered
            started = started or isinstance(event, CaseStarted)
            watchdog.heard(event)
            yield (event := self._annotated(event, case, worker))
            if isinstance(event, OUTCOMES):
                return

    def _watchdog(self, case: Case, protocol: Protocol, worker: WorkerProcess, kind: str) -> Watchdog:
        """Of one request to that worker."""
        limit = f"Not finished after {protocol.timeout_s:.0f} s, the limit of protocol {protocol.name}."
        pace = self._paces.setdefault(f"{kind} {case.case_id}", Pace())
        hear, silence_s = self._supervisor.hear, protocol.silence_s
        return Watchdog(worker, protocol.timeout_s, limit, silence_s=silence_s, pace=pace, hear=hear)

    def _asked_to_end(self) -> bool:
        """The user wants the running case to end."""
        return self.cancelled.is_set() or self.skipping

    def _annotated(self, event: Event, case: Case, worker: WorkerProcess) -> Event:
        """The event, a crash named by who caused it: the user's cancel or skip, else with the last lines of stderr."""
        if isinstance(event, CaseStarted):
            with self._lock:
                self.running = True
                # A number that is no group of the worker's is another's, as of a worker that counts its own processes.
                self._child = event.pid if leads_group_of(worker.pid, event.pid) else None
        if isinstance(event, BatchTried):
            with self._lock:
                self._child = None  # the next try follows: a skip ends the search
        if isinstance(event, CaseFinished):
            with self._lock:
                # A skip from here on would hit a process that has already answered.
                self._child, self.running = None, False
        if not isinstance(event, CaseFailed):
            return event
        requested = self.requested_end(case) if event.failure.kind == "crashed" else None
        return requested or failures.with_stderr(event, worker.tail())

    def _timed_out(self, case: Case, worker: WorkerProcess, sentence: str) -> CaseFailed:
        """The failure of a case that was silent or took too long; the next case gets a new worker."""
        worker.kill()
        self._supervisor.discard()
        return failures.timed_out(case, sentence, worker.tail())

    def _end_case(self) -> None:
        """Kill the process group of the running case; without one, or on Windows, the worker."""
        worker = self._supervisor.worker_pid
        if self._child is not None and worker is not None:
            if leads_group_of(worker, self._child):  # else it has ended meanwhile
                kill_group(self._child)
        elif not self.pausing:
            self._supervisor.kill()

"""The live source: drives one worker through a plan, case by case.

``session`` owns the run (queue of cases, run file, fold) and iterates this source in one thread. The source asks
``schedule`` for the next visit and ``worker_supervisor`` for a running worker, sends one request, and yields the
worker's events up to the outcome. Every way a case can go wrong becomes a ``CaseFailed``, in the worker or here by
``failures``, and the next case follows.
"""

from __future__ import annotations

import dataclasses
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from cvbench_tui.base.system_files import oom_kills
from cvbench_tui.core.environment import NO_ANSWER, Environment
from cvbench_tui.core.event import (
    CaseFailed,
    CaseFinished,
    CaseStarted,
    EnvironmentProbed,
    Event,
    LayersListed,
    case_of,
)
from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine import failures
from cvbench_tui.engine.device_lock import DeviceLocks
from cvbench_tui.engine.model_layers import ask_for_layers
from cvbench_tui.engine.others import Watch
from cvbench_tui.engine.peaks import DevicePeaks, MemoryStore, PeakStore
from cvbench_tui.engine.processes import kill_group, leads_group_of
from cvbench_tui.engine.schedule import NextVisit, Schedule, pause_s
from cvbench_tui.engine.watchdog import NoAnswer, Pace, Watchdog
from cvbench_tui.engine.worker_process import WorkerEnded, WorkerProcess
from cvbench_tui.engine.worker_supervisor import WorkerSupervisor
from cvbench_tui.errors import WorkerError
from cvbench_tui.wire import WireError, decode

WORKER_COMMAND = (sys.executable, "-m", "cvbench_tui.worker")
START_S = 180.0  # time for a worker to import torch, seconds; a cold disk took 40
ROUNDED_S = 0.001  # to which the times of events are rounded
PROBE_S = 150.0  # the worker gives NVIDIA's driver up after at most 100, and then Intel's after 30


class LiveSource:
    """Measures with a worker process. ``command`` is another worker of the same protocol, e.g. a test's.

    Cheap to make: nothing is started, and neither pydantic nor psutil is imported, before the first ``probe``.
    """

    def __init__(
        self,
        command: Sequence[str] | None = None,
        *,
        start_s: float = START_S,
        peaks: PeakStore | None = None,
        cpu_only: bool = False,
        refuse: Callable[[Case], str] | None = None,
    ) -> None:
        """``cpu_only``: no other device is looked for; NVIDIA's driver, which may be slow or broken, is not asked.
        ``refuse`` says why a case must not be measured, in one sentence, and nothing for one that may; such a case
        fails before the worker hears of it."""
        self._refuse = refuse
        self._supervisor = WorkerSupervisor(command or WORKER_COMMAND, start_s)
        self._peaks = DevicePeaks(self._supervisor, MemoryStore() if peaks is None else peaks)
        self._cpu_only = cpu_only
        self._supervisor.no_driver = cpu_only
        self._child: int | None = None  # process group of the running case, from its ``CaseStarted``
        self._running = False  # a case has started, and has not finished
        self._paces: dict[str, Pace] = {}  # by case, of this run
        self._environment: Environment | None = None
        self._lock = threading.Lock()
        self._asking = threading.Lock()  # held by what reads the worker's answers: a run, or a question
        self._cancelled = threading.Event()
        self._skipping = False  # ``skip`` ended the running case
        self._keeping = False  # the worker has a process that is kept
        self._pausing = False  # between two visits of a short plan, where no process computes
        self._used: WorkerProcess | None = None  # the worker that has measured something
        self.wait_for_devices = False  # whether ``events`` waits until no other run has the plan's devices

    def probe(self) -> Environment:
        """The machine and its devices, probed once, with the host's present facts. Raises WorkerError."""
        from cvbench_tui.engine.host.metadata import with_host_facts  # psutil

        if self._environment is None:
            self._environment = self._ask_environment()
            if any(device.reason.startswith(NO_ANSWER) for device in self._environment.devices):
                self._supervisor.no_driver = True
                self._supervisor.discard()
        return with_host_facts(self._environment)

    def layers(self, model: Workload, wanted: Sequence[str] = ()) -> LayersListed:
        """The distinct layers of that model, or those wanted; or the problem in their place. Blocks; waits for the end
        of a run. A user's own model is run for it, in a process of the worker. Raises WorkerError."""
        with self._asking:
            return ask_for_layers(self._supervisor, model, wanted)

    def watch(self, plan: Plan) -> Watch:
        """Looks at other programs on this machine."""
        assert self._environment is not None
        return Watch(self._environment, plan, locks=_locks_of(self._environment, plan))

    def events(
        self,
        plan: Plan,
        measured: Mapping[str, Measurement] | None = None,
        more: Callable[[], Iterable[Case]] = tuple,
    ) -> Iterator[Event]:
        """Events of the measurement of ``plan``. Raises WorkerError when no worker can be started."""
        from cvbench_tui.engine.host.metadata import nvml

        self._cancelled.clear()
        self._paces.clear()
        environment = self.probe()
        # The cards are held, so that no case pays for the driver's start.
        with self._asking, nvml(environment, plan.devices), _locks_of(environment, plan) as locks:
            try:
                if locks.try_take() is not None and self.wait_for_devices:
                    locks.wait(self._cancelled)
                yield from self._events(plan, environment, Schedule(plan, measured=measured, more=more), locks)
            finally:
                self._peaks.keep()
                if self._one_case or self._keeping:
                    self._keeping = False
                    self._supervisor.discard()  # it holds the last case's memory

    def _events(self, plan: Plan, environment: Environment, schedule: Schedule, locks: DeviceLocks) -> Iterator[Event]:
        """Events of ``plan`` from the first to the last."""
        if self._supervisor.ready is not None:
            yield self._supervisor.ready
        yield EnvironmentProbed(environment)
        yield from self._peaks.stored(plan, environment)
        for visit in schedule:
            if self._refuse is not None and (sentence := self._refuse(visit.case)):
                refused = failures.refused(visit.case, sentence)
                schedule.record(refused)
                yield refused
                continue
            self._pausing = True
            over = self._cancelled.wait(self._pause_s(visit, plan.protocol))
            self._pausing = False
            if over or self._cancelled.is_set():
                return
            if not locks.held:  # another run had a device, and may have ended
                locks.try_take()
            for event in self._measure(visit, plan.protocol):
                schedule.record(event)
                self._peaks.record(event, visit.case, environment)
                yield event
            if not self._cancelled.is_set():
                yield from self._peaks.measured(visit.case, environment)

    @property
    def _one_case(self) -> bool:
        """True where the worker measures by itself, since forking is unsafe."""
        return self._supervisor.ready is not None and self._supervisor.ready.one_case

    def _pause_s(self, visit: NextVisit, protocol: Protocol) -> float:
        """Seconds until that visit may begin; never more than one pause, should the system's clock be set back."""
        left_s = 0.0 if visit.not_before_s is None else visit.not_before_s - time.time()
        return max(0.0, min(left_s, pause_s(protocol)))

    def cancel(self) -> None:
        """End the running case, or a worker that is still starting; ``events`` then ends. From any thread."""
        self._cancelled.set()
        with self._lock:
            self._end_case()

    def skip(self) -> None:
        """End the running case and go on with the next one; between two cases do nothing. From any thread."""
        with self._lock:
            if self._running:
                self._skipping = True
                self._end_case()

    def listen(self, hear: Callable[[str], None]) -> None:
        """Call ``hear`` with every line of stderr of this worker and of later ones, cut at 2,000 characters.

        It is called in the thread that drains the pipe, so it must not block.
        """
        self._supervisor.hear = hear

    def close(self) -> None:
        """End everything that was started; no worker is started afterwards."""
        self._supervisor.closed = True
        self.cancel()
        self._supervisor.kill()
        self._supervisor.discard()

    def _end_case(self) -> None:
        """Kill the process group of the running case; without one, or on Windows, the worker."""
        worker = self._supervisor.worker_pid
        if self._child is not None and worker is not None:
            if leads_group_of(worker, self._child):  # else it has ended meanwhile
                kill_group(self._child)
        elif not self._pausing:
            self._supervisor.kill()

    def _ask_environment(self) -> Environment:
        """The worker's answer to a probe. Raises WorkerError when it is none."""
        event = self._supervisor.ask({"kind": "probe", "cpu_only": self._cpu_only}, PROBE_S)
        if isinstance(event, EnvironmentProbed):
            return event.environment
        if isinstance(event, CaseFailed):
            self._supervisor.discard()
            raise WorkerError(f"The devices could not be listed: {event.failure.sentence}", event.failure.detail)
        raise WorkerError(f"The worker answered a probe with {event.kind}.")

    def _measure(self, visit: NextVisit, protocol: Protocol) -> Iterator[Event]:
        """Events of one visit, up to its outcome. The first one to a case is a fresh process, as are the others where
        starting one is cheap, or the protocol asks for it; elsewhere they share one that is kept."""
        case = visit.case
        kept = visit.number > 0 and not protocol.fresh and (self._one_case or case.device != "cpu")
        worker = self._supervisor.ensure_running()
        if self._one_case and not kept and worker is self._used:
            self._supervisor.discard()  # a fresh process is a fresh worker
            worker = self._supervisor.ensure_running()
        self._used = worker
        request = {
            "kind": "measure",
            "case_id": case.case_id,
            "case": dataclasses.asdict(case),
            "protocol": dataclasses.asdict(protocol),
            "visit": visit.number,
            "keep": kept or self._one_case,
        }
        self._keeping = self._keeping or kept
        finished = failed = False
        try:
            for event in self._until_outcome(case, protocol, worker, request):
                failed = isinstance(event, CaseFailed)
                finished = failed or isinstance(event, CaseFinished)
                yield event
        finally:
            with self._lock:
                self._child, self._running, self._skipping = None, False, False
            if not finished:
                # A case whose iteration was abandoned is still being answered: the answer must not meet the next one.
                self._supervisor.discard(at_once=True)
            elif failed and self._one_case:
                self._supervisor.discard()  # what failed may have spoilt the process

    def _until_outcome(
        self, case: Case, protocol: Protocol, worker: WorkerProcess, request: dict[str, Any]
    ) -> Iterator[Event]:
        """Ask for it; the worker's events up to the outcome, or the failure that stands for a missing one."""
        watchdog = self._watchdog(case, protocol, worker)
        asked_at_s, clock_s, killed = time.time() - ROUNDED_S, time.monotonic(), oom_kills()
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
                watchdog = self._watchdog(case, protocol, worker)
                worker.send(request)
                continue
            if isinstance(line, WorkerEnded):
                self._supervisor.discard()
                why = {"too_long": worker.too_long, "out_of_memory": oom_kills() > killed}
                ended = failures.worker_ended(case, worker.returncode, worker.tail(), **why)
                yield self._requested_end(case) or ended
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
                yield self._requested_end(case) or failures.invalid_line(case, line, error)
                return
            # by the clock as it was: it may have been set back since
            at_s = min(asked_at_s, time.time() - ROUNDED_S - (time.monotonic() - clock_s))
            if isinstance(event, CaseFailed) and 0 < event.at_s < at_s:
                continue  # of an earlier visit, whose process died after it had answered
            started = started or isinstance(event, CaseStarted)
            watchdog.heard(event)
            yield (event := self._annotated(event, case, worker))
            if isinstance(event, (CaseFinished, CaseFailed)):
                return

    def _watchdog(self, case: Case, protocol: Protocol, worker: WorkerProcess) -> Watchdog:
        """Of one visit by that worker."""
        limit = f"Not finished after {protocol.timeout_s:.0f} s, the limit of protocol {protocol.name}."
        pace = self._paces.setdefault(case.case_id, Pace())
        hear, silence_s = self._supervisor.hear, protocol.silence_s
        return Watchdog(worker, protocol.timeout_s, limit, silence_s=silence_s, pace=pace, hear=hear)

    def _asked_to_end(self) -> bool:
        """The user wants the running case to end."""
        return self._cancelled.is_set() or self._skipping

    def _annotated(self, event: Event, case: Case, worker: WorkerProcess) -> Event:
        """The event, a crash named by who caused it: the user's cancel or skip, else with the last lines of stderr."""
        if isinstance(event, CaseStarted):
            with self._lock:
                self._running = True
                # A number that is no group of the worker's is another's, as of a worker that counts its own processes.
                self._child = event.pid if leads_group_of(worker.pid, event.pid) else None
        if isinstance(event, CaseFinished):
            with self._lock:
                # A skip from here on would hit a process that has already answered.
                self._child, self._running = None, False
        if not isinstance(event, CaseFailed):
            return event
        requested = self._requested_end(case) if event.failure.kind == "crashed" else None
        return requested or failures.with_stderr(event, worker.tail())

    def _requested_end(self, case: Case) -> CaseFailed | None:
        """The failure of a case that the user cancelled or skipped; None when the user did neither."""
        if self._cancelled.is_set():
            return failures.cancelled(case)
        return failures.skipped(case) if self._skipping else None

    def _timed_out(self, case: Case, worker: WorkerProcess, sentence: str) -> CaseFailed:
        """The failure of a case that was silent or took too long; the next case gets a new worker."""
        worker.kill()
        self._supervisor.discard()
        return failures.timed_out(case, sentence, worker.tail())


def _locks_of(environment: Environment, plan: Plan) -> DeviceLocks:
    """The locks of the plan's devices."""
    return DeviceLocks(device for device in environment.devices if device.id in plan.devices)

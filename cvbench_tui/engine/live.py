"""The live source: drives one worker through a plan, case by case.

``session`` owns the run (queue of cases, run file, fold) and iterates this source in one thread. The source asks
``schedule`` for the next visit and ``worker_supervisor`` for a running worker, sends one request, and yields the
worker's events up to the outcome (``case_events``). Before the first visit to a case whose batch is to be the largest,
it tries batches (``batch_search``). A case that goes wrong is a ``CaseFailed``, and the next one follows.
"""

from __future__ import annotations

import dataclasses
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from weakref import WeakSet

from cvbench_tui.core.environment import NO_ANSWER, Environment
from cvbench_tui.core.event import (
    MOST_TRIES,
    BatchFound,
    BatchTried,
    BatchTry,
    CaseFailed,
    CaseFinished,
    CaseStarted,
    EnvironmentProbed,
    Event,
    LayersListed,
    Progress,
    case_of,
)
from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.plan import Case, NamedEnvironment, Plan
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine import failures
from cvbench_tui.engine.batch_search import BatchSearch
from cvbench_tui.engine.device_lock import DeviceLocks
from cvbench_tui.engine.host.others import Watch
from cvbench_tui.engine.model_layers import ask_for_layers
from cvbench_tui.engine.peaks import DevicePeaks, MemoryStore, PeakStore
from cvbench_tui.engine.schedule import NextVisit, Schedule, pause_s
from cvbench_tui.engine.workers.case_events import CaseEvents
from cvbench_tui.engine.workers.environments import WorkersByEnvironment, name_of, probe, refused
from cvbench_tui.engine.workers.round_by_round import may_go_round, round_by_round
from cvbench_tui.engine.workers.worker_process import WorkerProcess
from cvbench_tui.engine.workers.worker_supervisor import WorkerSupervisor, start_all
from cvbench_tui.errors import WorkerError

WORKER_COMMAND = (sys.executable, "-m", "cvbench_tui.worker")
START_S = 180.0  # time for a worker to import torch, seconds; a cold disk took 40


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
        environments: Sequence[NamedEnvironment] = (),
    ) -> None:
        """``cpu_only``: no other device is looked for; NVIDIA's driver, which may be slow or broken, is not asked.
        ``refuse`` says why a case must not be measured, in one sentence, and nothing for one that may; such a case
        fails before the worker hears of it. ``environments``: that rows may name, and that are so
        started; the user has named them."""
        self._refuse = refuse
        self._supervisor = WorkerSupervisor(command or WORKER_COMMAND, start_s)
        self._workers = WorkersByEnvironment(self._supervisor, start_s, environments)
        self._environments: dict[str, Environment] = {}  # probed, of the named ones
        self._peaks = DevicePeaks(self._supervisor, MemoryStore() if peaks is None else peaks)
        self._cpu_only = cpu_only
        self._supervisor.no_driver = cpu_only
        self._case = CaseEvents(self._supervisor)
        self._cancelled = self._case.cancelled
        self._asking = threading.Lock()  # held by what reads the worker's answers: a run, or a question
        self._environment: Environment | None = None
        self._keeping = False  # the worker has a process that is kept
        self._used: WeakSet[WorkerProcess] = WeakSet()  # the workers that have measured something
        self._using = self._supervisor  # that of the present visit
        self._starting: Sequence[WorkerSupervisor] = ()
        self._sides: list[CaseEvents] = []  # of visits that are made round by round
        self.wait_for_devices = False  # whether ``events`` waits until no other run has the plan's devices

    def probe(self) -> Environment:
        """The machine and its devices, probed once, with the host's present facts. Raises WorkerError."""
        from cvbench_tui.engine.host.metadata import with_host_facts  # psutil

        if self._environment is None:
            self._environment = probe(self._supervisor, cpu_only=self._cpu_only)
            if any(device.reason.startswith(NO_ANSWER) for device in self._environment.devices):
                self._supervisor.no_driver = True
                self._supervisor.discard()
        return with_host_facts(self._environment)

    def probe_named(self) -> Mapping[str, Environment]:
        """The machine as the workers of the named environments see it, each probed once; they go on running, idle.
        Raises SelectionError for one that cannot be used."""
        from cvbench_tui.engine.host.metadata import with_host_facts

        for environment in self._workers.named:
            if environment.name not in self._environments:
                supervisor = self._workers.of(environment.name)
                try:
                    answer = probe(supervisor, cpu_only=self._cpu_only)
                except WorkerError as problem:
                    raise refused(environment, problem) from problem
                self._environments[environment.name] = answer
        return {name: with_host_facts(each) for name, each in self._environments.items()}

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

        self._case.begin()
        environment, named = self.probe(), self.probe_named()
        # The cards are held, so that no case pays for the driver's start.
        with self._asking, nvml(environment, plan.devices), _locks_of(environment, plan) as locks:
            try:
                if locks.try_take() is not None and self.wait_for_devices:
                    locks.wait(self._cancelled)
                yield from self._events(plan, environment, Schedule(plan, measured=measured, more=more), locks, named)
            finally:
                self._peaks.keep()
                self._workers.discard_further()
                if self._keeping or any(each.one_case for each in self._workers.all):
                    self._keeping = False
                    self._workers.discard()  # they hold the last cases' memory

    def _events(
        self,
        plan: Plan,
        environment: Environment,
        schedule: Schedule,
        locks: DeviceLocks,
        named: Mapping[str, Environment],
    ) -> Iterator[Event]:
        """Events of ``plan`` from the first to the last."""
        if self._supervisor.ready is not None:
            yield self._supervisor.ready
        yield EnvironmentProbed(environment)
        yield from (EnvironmentProbed(each, name) for name, each in named.items())
        yield from self._peaks.stored(plan, environment)
        for due in schedule:
            visits = yield from self._allowed(due, schedule)
            if not visits:
                continue
            if not self._cancelled.is_set():
                self._renew(visits)
            self._case.pausing = True
            over = self._cancelled.wait(self._pause_s(visits[0], plan.protocol))
            self._case.pausing = False
            if over or self._cancelled.is_set():
                return
            if not locks.held:  # another run had a device, and may have ended
                locks.try_take()
            yield from self._recorded(visits, plan.protocol, environment, schedule)

    def _recorded(
        self, visits: Sequence[NextVisit], protocol: Protocol, environment: Environment, schedule: Schedule
    ) -> Iterator[Event]:
        """Events of the visits, which the schedule hears of, and peaks of their devices."""
        for event in self._visits(visits, protocol, environment):
            schedule.record(event)
            for case in [each.case for each in visits if each.case.case_id == case_of(event)]:
                if not name_of(case):
                    self._peaks.record(event, case, environment)
            yield event
        if not self._cancelled.is_set():
            for case in [each.case for each in visits]:
                yield from self._peaks.measured(case, environment)

    def _allowed(self, visits: Sequence[NextVisit], schedule: Schedule) -> Generator[Event, None, list[NextVisit]]:
        """Those visits but for the ones to cases that must not be measured, which fail."""
        allowed: list[NextVisit] = []
        for visit in visits:
            if self._refuse is not None and (sentence := self._refuse(visit.case)):
                refused = failures.refused(visit.case, sentence)
                schedule.record(refused)
                yield refused
            else:
                allowed.append(visit)
        return allowed

    def _pause_s(self, visit: NextVisit, protocol: Protocol) -> float:
        """Seconds until that visit may begin; never more than one pause, should the system's clock be set back."""
        left_s = 0.0 if visit.not_before_s is None else visit.not_before_s - time.time()
        return max(0.0, min(left_s, pause_s(protocol)))

    def cancel(self) -> None:
        """End the running case, or a worker that is still starting; ``events`` then ends. From any thread."""
        for each in self._sides:
            each.cancel()
        for starting in self._starting:
            starting.kill()
        if not self._sides:
            self._case.cancel()

    def skip(self) -> None:
        """End the running case and go on with the next one; between two cases do nothing. From any thread."""
        self._case.skip()
        for each in [side for side in self._sides if side.running][:1]:
            each.skip()

    def listen(self, hear: Callable[[str], None]) -> None:
        """Call ``hear`` with every line of stderr of this worker and of later ones, cut at 2,000 characters.

        It is called in the thread that drains the pipe, so it must not block.
        """
        self._workers.listen(hear)

    def close(self) -> None:
        """End everything that was started; no worker is started afterwards."""
        self._supervisor.closed = True
        self.cancel()
        self._workers.close()

    def _renew(self, visits: Sequence[NextVisit]) -> None:
        """New workers for rows on processors that the present ones have measured. A worker's children have the same
        places for code and data in memory: by these two workers differed by 1.75% (standard deviation) in the time of a
        layer, two children of one by 0.9%, no more than the figures erred. Not where a process is kept, which would end
        with its worker. Raises WorkerError where none starts."""
        known = [each.case.case_id for each in visits if each.case.device == "cpu"]
        spent = [each for each in self._workers.all if each.has_measured(known)]
        if spent and not self._keeping:
            for each in spent:
                each.discard()
            self._start(spent)

    def _start(self, workers: Sequence[WorkerSupervisor]) -> None:
        """Start them side by side; ``cancel`` ends them. Raises WorkerError where one does not start."""
        self._starting = workers
        try:
            start_all(workers)
        finally:
            self._starting = ()

    def _visits(self, visits: Sequence[NextVisit], protocol: Protocol, environment: Environment) -> Iterator[Event]:
        """Events of visits that are made in turn: round by round where that can be."""
        if workers := self._side_by_side(visits, protocol, environment):
            self._sides = [CaseEvents(each, self._cancelled) for each in workers]
            try:
                yield from round_by_round(visits, protocol, list(zip(self._sides, workers, strict=True)))
            finally:
                self._sides = []
            return
        for each in visits:
            if self._cancelled.is_set():
                return
            yield from self._visit(each, protocol)

    def _side_by_side(
        self, visits: Sequence[NextVisit], protocol: Protocol, environment: Environment
    ) -> Sequence[WorkerSupervisor]:
        """A started worker for each of the visits; none where they are not made round by round."""
        memory_bytes = next((each.memory_bytes for each in environment.devices if each.id == "cpu"), None)
        if self._keeping or not may_go_round(visits, protocol, memory_bytes):
            return ()
        workers = self._workers.side_by_side([name_of(each.case) for each in visits])
        for some in (workers[:1], workers):  # the first says whether this machine can
            self._start(some)
            if any(each.one_case or not each.can("turns") for each in some):
                return ()
        return workers

    def _visit(self, visit: NextVisit, protocol: Protocol) -> Iterator[Event]:
        """Events of one visit, before the first one those of the search for its batch, where it has to be found."""
        self._using = self._workers.of(name_of(visit.case))
        self._case.use(self._using)
        if visit.number == 0 and visit.case.finds_batch:
            found = None
            for event in self._search(visit.case, protocol):
                found = event.batch if isinstance(event, BatchFound) else None
                yield event
            if found is None:
                return
            visit = dataclasses.replace(visit, case=dataclasses.replace(visit.case, batch=found))
        yield from self._measure(visit, protocol)

    def _measure(self, visit: NextVisit, protocol: Protocol) -> Iterator[Event]:
        """Events of one visit, up to its outcome. The first one to a case is a fresh process, as are the others where
        starting one is cheap, the protocol asks for it, rows are measured in turn, or a user's code is run, which may
        change what the next rows find; elsewhere they share one that is kept."""
        fresh = visit.number == 0 or visit.in_turn or protocol.fresh or visit.case.workload.code is not None
        kept = not fresh and (self._using.one_case or visit.case.device != "cpu")
        self._keeping = self._keeping or kept
        finished = False
        try:
            for event in self._ask("measure", visit.case, protocol, visit=visit.number, kept=kept):
                finished = isinstance(event, (CaseFailed, CaseFinished))
                yield event
        finally:
            self._case.over()
            if not finished:
                # A case whose iteration was abandoned is still being answered: the answer must not meet the next one.
                self._using.discard(at_once=True)

    def _search(self, case: Case, protocol: Protocol) -> Iterator[Event]:
        """Tries of batches, each in a fresh process, up to ``BatchFound`` or a failure."""
        if not self._using.can("try_batch"):
            yield failures.refused(case, "This worker cannot find the largest batch; name one.")
            return
        search, failure, finished = BatchSearch(protocol), None, False
        try:
            while failure is None and (batch := search.next) is not None:
                if (visit_s := search.too_slow(batch)) is not None:
                    failure = failures.too_slow(case, batch, visit_s, protocol)
                    break
                for event in self._ask("try_batch", dataclasses.replace(case, batch=batch), protocol):
                    if isinstance(event, CaseStarted):
                        if not search.tries:
                            yield event
                        number = len(search.tries) + 1
                        yield Progress(case.case_id, "finding the batch", None, number, MOST_TRIES, at_s=event.at_s)
                    elif isinstance(event, BatchTried):
                        search.record(event.tried)
                    elif isinstance(event, CaseFailed):
                        failure = _after_failed_try(search, batch, event)
                failure = self._case.requested_end(case) or failure
            finished = True
            yield failure or _found(case, search)
        finally:
            self._case.over()
            if not finished:
                self._using.discard(at_once=True)

    def _ask(self, kind: str, case: Case, protocol: Protocol, *, visit: int = 0, kept: bool = False) -> Iterator[Event]:
        """Ask the worker for that; its events up to the outcome. ``kept``: in a process that goes on living."""
        supervisor = self._using
        worker = supervisor.ensure_running()
        if supervisor.one_case and not kept and worker in self._used:
            self._used.discard(worker)
            supervisor.discard()  # a fresh process is a fresh worker
            worker = supervisor.ensure_running()
        self._used.add(worker)
        request = {
            "kind": kind,
            "case_id": case.case_id,
            "case": dataclasses.asdict(case),
            "protocol": dataclasses.asdict(protocol),
            "visit": visit,
            "keep": kept or (supervisor.one_case and kind == "measure"),
        }
        failed = False
        for event in self._case.until_outcome(case, protocol, worker, request):
            failed = isinstance(event, CaseFailed)
            yield event
        if failed and supervisor.one_case:
            supervisor.discard()  # what failed may have spoilt the process


def _after_failed_try(search: BatchSearch, batch: int, event: CaseFailed) -> CaseFailed | None:
    """Nothing where that batch is too large, as the kernel's kill for want of memory says. Where a smaller one has
    fitted, a crash or an error says that too: libraries do not always check what they are given."""
    failure = event.failure
    too_large = failure.kind == "out_of_memory" or (search.found and failure.kind in ("crashed", "error"))
    if too_large:
        search.record(BatchTry(batch, False, sentence=failure.sentence))
    return None if too_large else event


def _found(case: Case, search: BatchSearch) -> Event:
    """The outcome of a search that is over."""
    at_s = round(time.time(), 3)
    if search.found is None:
        return failures.no_batch(case, search.tries)
    return BatchFound(case.case_id, search.found, tuple(search.tries), at_s)


def _locks_of(environment: Environment, plan: Plan) -> DeviceLocks:
    """The locks of the plan's devices."""
    return DeviceLocks(device for device in environment.devices if device.id in plan.devices)

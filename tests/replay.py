"""A recorded run played back as if it were measured: the source of the tests, the pictures and the benchmarks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

from cvbench_tui.core import event as ev
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.measurement import Failure, Measurement
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine import failures
from cvbench_tui.engine.host.others import Watch
from cvbench_tui.errors import WorkerError
from tests.fake_machine import FakeMachine


class ReplaySource:
    """Answers any plan from recorded events; a case that was not recorded fails as ``unsupported``."""

    def __init__(self, recorded: Sequence[ev.Event], *, pause_s: float = 0.0) -> None:
        """``pause_s``: seconds between two events."""
        self._recorded = recorded
        self._pause_s = pause_s
        self._cancelled = False
        self._in_case = False  # from a case's first event until its outcome
        self._interrupt = threading.Event()  # ends a pause: the run is cancelled, or the case skipped
        self._lock = threading.RLock()

    def probe(self) -> Environment:
        """The recorded environment. Raises WorkerError without one."""
        for event in self._recorded:
            if isinstance(event, ev.EnvironmentProbed):
                return event.environment
        raise WorkerError("The recording holds no environment.")

    def watch(self, plan: Plan) -> Watch:
        """Over a machine that nobody else uses: nothing is measured on this one."""
        return Watch(self.probe(), plan, FakeMachine())

    def events(
        self,
        plan: Plan,
        measured: Mapping[str, Measurement] | None = None,
        more: Callable[[], Iterable[Case]] = tuple,
    ) -> Iterator[ev.Event]:
        """The recorded events of the plan's cases: visit by visit, each round in the plan's order."""
        with self._lock:
            self._cancelled = False
            self._interrupt.clear()
        yield from (e for e in self._recorded if isinstance(e, (ev.WorkerReady, ev.EnvironmentProbed, ev.PeakMeasured)))
        left = {case: self._visits(case.case_id) for case in plan.cases}
        while left:
            for case in tuple(left):
                visit = left[case].pop(0)
                outcome = yield from self._played(case, visit)
                if self._cancelled:
                    return
                if not left[case] or isinstance(outcome, ev.CaseFailed):
                    del left[case]
            left |= {case: self._visits(case.case_id) for case in more()}

    def layers(self, model: Workload, wanted: Sequence[str] = ()) -> ev.LayersListed:
        """A recording has none."""
        return ev.LayersListed((), problem="A recording has no layers.")

    def cancel(self) -> None:
        """Stop after the current event."""
        with self._lock:
            self._cancelled = True
            self._interrupt.set()

    def skip(self) -> None:
        """End the running case after the current event; between two cases do nothing."""
        with self._lock:
            if self._in_case:
                self._interrupt.set()

    def listen(self, hear: Callable[[str], None]) -> None:
        """Nothing: a recording has no stderr."""

    def close(self) -> None:
        """Nothing to end."""

    def _played(self, case: Case, events: Sequence[ev.Event]) -> Generator[ev.Event, None, ev.Event]:
        """One visit up to its outcome, or up to a cancel or skip; that outcome."""
        event = events[-1]
        for event in events:
            finished = isinstance(event, (ev.CaseFinished, ev.CaseFailed))
            self._enter(not finished)
            yield event
            interrupted = self._interrupt.wait(self._pause_s) and not finished
            if interrupted:
                self._enter(False)
                event = failures.cancelled(case) if self._cancelled else failures.skipped(case)
                yield event
            if interrupted or self._cancelled:
                break
        return event

    def _enter(self, in_case: bool) -> None:
        """In a case, or between two: a skip that came too late is then forgotten."""
        with self._lock:
            self._in_case = in_case
            if not in_case and not self._cancelled:
                self._interrupt.clear()

    def _visits(self, case_id: str) -> list[list[ev.Event]]:
        """The recorded events of one case since it was last added, by visit; or its failure."""
        found: list[list[ev.Event]] = [[]]
        for event in self._recorded:
            if ev.case_of(event) == case_id:
                found[-1].append(event)
                if isinstance(event, (ev.CaseFinished, ev.CaseFailed)):
                    found.append([])
            elif isinstance(event, ev.RowsAdded) and any(case.case_id == case_id for case in event.cases):
                found = [[]]
        visits = [visit for visit in found if visit]
        return visits or [[ev.CaseFailed(Failure(case_id, "unsupported", "This case is not in the recording."))]]

"""A recorded run played back as if it were measured: the tests' and the pictures' source."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.event import (
    CaseFailed,
    CaseFinished,
    EnvironmentProbed,
    Event,
    PeakMeasured,
    RowsAdded,
    WorkerReady,
    case_of,
)
from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.engine import failures as trouble
from cvbench_tui.errors import WorkerError


class ReplaySource:
    """Answers any plan from recorded events; a case that was not recorded fails as ``unsupported``."""

    _HEAD = (WorkerReady, EnvironmentProbed, PeakMeasured)

    def __init__(self, recorded: Sequence[Event], *, pause_s: float = 0.0) -> None:
        self._recorded = recorded
        self._pause_s = pause_s
        self._cancelled = False
        self._in_case = False
        """From a case's first event until its outcome."""
        self._stop = threading.Event()
        """Ends a pause: cancelled, or the case is skipped."""
        self._lock = threading.RLock()

    def probe(self) -> Environment:
        """The recorded environment."""
        for event in self._recorded:
            if isinstance(event, EnvironmentProbed):
                return event.environment
        raise WorkerError("The recording holds no environment.")

    def events(self, plan: Plan) -> Iterator[Event]:
        """The recorded events of the plan's cases, in the plan's order, ``pause_s`` apart."""
        with self._lock:
            self._cancelled = False
            self._stop.clear()
        yield from (event for event in self._recorded if isinstance(event, self._HEAD))
        for case in plan.cases:
            yield from self._played(case)
            if self._cancelled:
                return

    def cancel(self) -> None:
        """Stop after the current event."""
        with self._lock:
            self._cancelled = True
            self._stop.set()

    def skip(self) -> None:
        """Leave the current case after the current event; between two cases nothing."""
        with self._lock:
            if self._in_case:
                self._stop.set()

    def listen(self, hear: Callable[[str], None]) -> None:
        """Nothing: a recording has no stderr."""

    def close(self) -> None:
        """Nothing to end."""

    def _played(self, case: Case) -> Iterator[Event]:
        """One case until its outcome, or until it is left."""
        for event in self._case(case.case_id):
            settled = isinstance(event, (CaseFinished, CaseFailed))
            self._enter(not settled)
            yield event
            left = self._stop.wait(self._pause_s) and not settled
            if left:
                yield self._left(case)
            if left or self._cancelled:
                return

    def _enter(self, in_case: bool) -> None:
        """In a case, or between two: a skip that came too late is forgotten then."""
        with self._lock:
            self._in_case = in_case
            if not in_case and not self._cancelled:
                self._stop.clear()

    def _left(self, case: Case) -> CaseFailed:
        """The outcome of the case that was being played, and ready for the next one."""
        self._enter(False)
        if self._cancelled:
            return CaseFailed(Failure(case.case_id, "cancelled", trouble.CANCELLED))
        return CaseFailed(Failure(case.case_id, "skipped", trouble.SKIPPED))

    def _case(self, case_id: str) -> list[Event]:
        """The recorded events of one case since it was added last, or its failure."""
        found: list[Event] = []
        for event in self._recorded:
            if case_of(event) == case_id:
                found.append(event)
            elif isinstance(event, RowsAdded) and any(case.case_id == case_id for case in event.cases):
                found.clear()
        return found or [CaseFailed(Failure(case_id, "unsupported", "This case is not in the recording."))]

"""A recorded run played back as if it were measured: the tests' and the pictures' source."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.event import (
    CaseFailed,
    CaseFinished,
    CeilingMeasured,
    EnvironmentProbed,
    Event,
    WorkerReady,
    case_of,
)
from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.plan import Plan
from cvbench_tui.errors import WorkerError


class ReplaySource:
    """Answers any plan from recorded events; a case that was not recorded fails as ``unsupported``."""

    _HEAD = (WorkerReady, EnvironmentProbed, CeilingMeasured)

    def __init__(self, recorded: Sequence[Event], *, pause_s: float = 0.0) -> None:
        self._recorded = recorded
        self._pause_s = pause_s
        self._cancelled = threading.Event()

    def probe(self) -> Environment:
        """The recorded environment."""
        for event in self._recorded:
            if isinstance(event, EnvironmentProbed):
                return event.environment
        raise WorkerError("The recording holds no environment.")

    def events(self, plan: Plan) -> Iterator[Event]:
        """The recorded events of the plan's cases, in the plan's order, ``pause_s`` apart."""
        self._cancelled.clear()
        yield from (event for event in self._recorded if isinstance(event, self._HEAD))
        for case in plan.cases:
            for event in self._case(case.case_id):
                yield event
                if self._cancelled.wait(self._pause_s):
                    if isinstance(event, (CaseFinished, CaseFailed)):
                        return
                    yield CaseFailed(Failure(case.case_id, "cancelled", "Cancelled before it was finished."))
                    return

    def cancel(self) -> None:
        """Stop after the current event."""
        self._cancelled.set()

    def close(self) -> None:
        """Nothing to end."""

    def _case(self, case_id: str) -> list[Event]:
        """The recorded events of one case, or its failure."""
        found = [event for event in self._recorded if case_of(event) == case_id]
        return found or [CaseFailed(Failure(case_id, "unsupported", "This case is not in the recording."))]

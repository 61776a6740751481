"""Order in which a plan's cases are measured, and how often. Pure: starts nothing, reads no clock.

Every case is measured once in each fresh process that the protocol asks for. With ``shuffled`` each pass over the plan
has its own random order, so that a machine that slows down during a run favours no case. A case that is not precise
after ``processes`` repeats gets more, up to ``max_processes``.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from cvbench_tui.core.event import CaseFailed, CaseFinished, Event
from cvbench_tui.core.measurement import Measurement, merge
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.stats.stop_rule import precise_over_processes


class Schedule:
    """Iterate it for (process, case), and ``record`` the events of each case before asking for the next one."""

    def __init__(self, plan: Plan, rng: random.Random | None = None) -> None:
        self._plan = plan
        self._rng = rng or random.Random()
        self._measured: dict[str, Measurement] = {}
        self._failed: set[str] = set()

    def __iter__(self) -> Iterator[tuple[int, Case]]:
        """Process, from 0, and case. A case that failed is not repeated."""
        protocol = self._plan.protocol
        for process in range(max(protocol.processes, protocol.max_processes)):
            cases = list(self._plan.cases)
            if protocol.shuffled:
                self._rng.shuffle(cases)
            for case in cases:
                if case.case_id not in self._failed and (process < protocol.processes or not self._precise(case)):
                    yield process, case

    def record(self, event: Event) -> None:
        """Keep an outcome of the case that was given last; other events are ignored."""
        if isinstance(event, CaseFinished):
            new = event.measurement
            before = self._measured.get(new.case_id)
            self._measured[new.case_id] = merge(before, new) if before else new
        elif isinstance(event, CaseFailed):
            self._failed.add(event.failure.case_id)

    def _precise(self, case: Case) -> bool:
        measurement = self._measured.get(case.case_id)
        return measurement is None or precise_over_processes(measurement, self._plan.protocol)

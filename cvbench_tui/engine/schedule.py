"""In which order the cases of a plan are visited, and how often. Pure: starts nothing, reads no clock.

Every case is visited once for each fresh process the protocol asks for. With ``shuffled`` each pass over the plan
has an order of its own, so that a machine that slows down in the course of a run favours no case. Cases that are
not precise after ``processes`` visits get more, up to ``max_processes``.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from cvbench_tui.core.event import CaseFailed, CaseFinished, Event
from cvbench_tui.core.measurement import Measurement, merge
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats.estimate import estimate
from cvbench_tui.core.stats.stop_rule import counted_rounds_by_process


class Schedule:
    """Iterate it for (process, case); tell it what came of each case before the next one is asked for."""

    def __init__(self, plan: Plan, draw: random.Random | None = None) -> None:
        self._plan = plan
        self._draw = draw or random.Random()
        self._measured: dict[str, Measurement] = {}
        self._failed: set[str] = set()

    def __iter__(self) -> Iterator[tuple[int, Case]]:
        """Process, from 0, and case. A case that failed once is not visited again."""
        protocol = self._plan.protocol
        for process in range(max(protocol.processes, protocol.max_processes)):
            for case in self._order():
                if case.case_id not in self._failed and (process < protocol.processes or not self._enough(case)):
                    yield process, case

    def tell(self, event: Event) -> None:
        """An outcome of the case that was given last; other events are ignored."""
        if isinstance(event, CaseFinished):
            found = event.measurement
            before = self._measured.get(found.case_id)
            self._measured[found.case_id] = merge(before, found) if before else found
        elif isinstance(event, CaseFailed):
            self._failed.add(event.failure.case_id)

    def _order(self) -> list[Case]:
        cases = list(self._plan.cases)
        if self._plan.protocol.shuffled:
            self._draw.shuffle(cases)
        return cases

    def _enough(self, case: Case) -> bool:
        measurement = self._measured.get(case.case_id)
        return measurement is None or precise_over_processes(measurement, self._plan.protocol)


def precise_over_processes(measurement: Measurement, protocol: Protocol) -> bool:
    """True when every phase's interval over the processes so far is within the protocol's precision."""
    found = [estimate(counted_rounds_by_process(measurement, phase.phase, protocol)) for phase in measurement.phases]
    widths = [None if value is None else value.relative for value in found]
    return all(width is not None and width <= protocol.precision for width in widths)

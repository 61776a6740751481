"""The ratio of one phase of two rows, from pairs of visits where they were measured in turn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from cvbench_tui.core.evidence import Visit
from cvbench_tui.core.measurement import Phase
from cvbench_tui.core.run import Run
from cvbench_tui.core.stats.estimate import MIN_VISITS
from cvbench_tui.core.stats.pairs import log_ratios
from cvbench_tui.core.stats.ratio import Ratio, Repeats, paired, unpaired
from cvbench_tui.results.compare.match import RUN
from cvbench_tui.results.compare.row_times import RowTimes
from cvbench_tui.results.stats.phase_stats import PhaseResult
from cvbench_tui.results.stats.phase_time import PhaseTime

Data = tuple[RowTimes, RowTimes]


def in_turn(runs: tuple[Run, Run], data: Data, along: str) -> bool:
    """Whether both rows were measured in turn: by a run that alternates that axis, or with as many visits that follow
    one another one by one, as the schedule visits rows of one workload."""
    one, other = data[0].measurement, data[1].measurement
    if along == RUN or runs[0].id != runs[1].id or one is None or other is None:
        return False
    return runs[0].plan.alternate == along or interleaved(one.visit_records, other.visit_records)


def ratio_of(runs: tuple[Run, Run], data: Data, phase: Phase, *, pairs: bool) -> Ratio:
    """B against A, per input, both with a number of that phase. ``pairs``: they were measured in turn."""
    one, other = data[0].measurement, data[1].measurement
    if pairs and one is not None and other is not None:
        batches = math.log(data[1].case.batch / data[0].case.batch)
        logs = [each + batches for each in log_ratios(one, other, phase, runs[0].plan.protocol)]
        if len(logs) >= MIN_VISITS:
            return paired(logs)
    return unpaired(_repeats(data[0], phase), _repeats(data[1], phase))


def _repeats(data: RowTimes, phase: Phase) -> Repeats:
    """Those of the row in that phase; none without a number."""
    time = data.time(phase)
    return Repeats((), "rounds") if time is None else repeats_of(time, data.case.batch)


def repeats_of(result: PhaseResult | PhaseTime, batch: int) -> Repeats:
    """The repeats of a phase's number, per input."""
    logs = [each - math.log(batch) for each in result.repeats]
    return Repeats(logs, "processes" if result.visits >= MIN_VISITS else "rounds", result.visits)


def interleaved(a: Sequence[Visit], b: Sequence[Visit]) -> bool:
    """Whether both sides have as many visits, and visit k of each is before visit k + 1 of the other."""
    if len(a) != len(b) or len(a) < MIN_VISITS:
        return False
    begun = [sorted((one.begun_at_s, other.begun_at_s)) for one, other in zip(a, b, strict=True)]
    return all(before[1] < after[0] for before, after in pairwise(begun))

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
from cvbench_tui.results.stats.row_data import RowData


def ratio_of(runs: tuple[Run, Run], data: tuple[RowData, RowData], phase: Phase, along: str) -> Ratio:
    """B against A, both with a number of that phase."""
    pairs = pair_logs(runs, data, phase, along)
    return paired(pairs) if len(pairs) >= MIN_VISITS else unpaired(*(_repeats(each, phase) for each in data))


def _repeats(data: RowData, phase: Phase) -> Repeats:
    """The repeats of that phase's number, per input."""
    result, inputs = data.phases[phase], math.log(data.case.batch)
    logs = [each - inputs for each in result.repeats]
    return Repeats(logs, "processes" if result.visits >= MIN_VISITS else "rounds", result.visits)


def pair_logs(runs: tuple[Run, Run], data: tuple[RowData, RowData], phase: Phase, along: str) -> list[float]:
    """Logarithms of A's over B's time per input, visit by visit, in the order of time; empty unless both were measured
    in turn: in a run that alternates that axis, or with visits that follow one another one by one."""
    one, other = data[0].measurement, data[1].measurement
    if along == RUN or runs[0].id != runs[1].id or one is None or other is None:
        return []
    in_turn = runs[0].plan.alternate == along or interleaved(one.visit_records, other.visit_records)
    if not in_turn:
        return []
    batches = math.log(data[1].case.batch / data[0].case.batch)
    return [each + batches for each in log_ratios(one, other, phase, runs[0].plan.protocol)]


def interleaved(a: Sequence[Visit], b: Sequence[Visit]) -> bool:
    """Whether both sides have as many visits, and visit k of each is before visit k + 1 of the other."""
    if len(a) != len(b) or len(a) < MIN_VISITS:
        return False
    begun = [sorted((one.begun_at_s, other.begun_at_s)) for one, other in zip(a, b, strict=True)]
    return all(before[1] < after[0] for before, after in pairwise(begun))

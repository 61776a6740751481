"""The ratio of one phase of two rows, from pairs of visits where they were measured in turn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median

from cvbench_tui.core.evidence import Visit
from cvbench_tui.core.measurement import Measurement, Phase
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.run import Run
from cvbench_tui.core.stats.estimate import MIN_VISITS, centre
from cvbench_tui.core.stats.ratio import Ratio, Repeats, paired, unpaired
from cvbench_tui.core.stats.stop_rule import counted_rounds_by_visit
from cvbench_tui.results.compare.match import RUN
from cvbench_tui.results.stats.phase_stats import is_published
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
    sides = [_by_visit(each, run.plan.protocol, phase) for each, run in zip((one, other), runs, strict=True)]
    batches = math.log(data[1].case.batch / data[0].case.batch)
    return [mine - theirs + batches for mine, theirs in zip(*sides, strict=False) if mine is not None is not theirs]


def interleaved(a: Sequence[Visit], b: Sequence[Visit]) -> bool:
    """Whether both sides have as many visits, and visit k of each is before visit k + 1 of the other."""
    if len(a) != len(b) or len(a) < MIN_VISITS:
        return False
    begun = [sorted((one.begun_at_s, other.begun_at_s)) for one, other in zip(a, b, strict=True)]
    return all(before[1] < after[0] for before, after in pairwise(begun))


def _by_visit(measurement: Measurement, protocol: Protocol, phase: Phase) -> list[float | None]:
    """Logarithm of the seconds of each visit; None where none of its rounds counts."""
    middle = fmean if is_published(protocol) else median
    found: list[float | None] = []
    for rounds in counted_rounds_by_visit(measurement, phase, protocol):
        values = [middle(samples) for samples in rounds if samples]
        found.append(centre([math.log(value) for value in values]) if values and min(values) > 0 else None)
    return found

"""Makes a comparison of two sides."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import chain, islice

from cvbench_tui.core.measurement import PHASES, Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.row_names import differing, label
from cvbench_tui.core.run import Run
from cvbench_tui.core.stats.ratio import BASES, LEVEL, Ratio, geometric_mean, p_different, p_slower, within
from cvbench_tui.core.stats.student import holm
from cvbench_tui.core.text import first_names, plural
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.compare.differences import differences
from cvbench_tui.results.compare.match import RUN, Pair, batches, cases_of, matched, values
from cvbench_tui.results.compare.model import BOUND, ComparedRow, Order, RunComparison, Side, SideTime, Verdict
from cvbench_tui.results.compare.row_ratio import in_turn, ratio_of
from cvbench_tui.results.compare.row_times import RowTimes, row_times
from cvbench_tui.results.compare.sentences import about, why_not
from cvbench_tui.results.stats.comparison import compared_phases


def compare(
    a: Side,
    b: Side,
    *,
    along: str = RUN,
    phases: Sequence[Phase] = (),
    bound: float = BOUND,
    order: Order = "plan",
) -> RunComparison:
    """Side B against side A, row by row. ``phases``: those shown; none: total, else inference (of optimizers the step).
    Raises SelectionError where no row of one does the work of a row of the other."""
    mine, theirs = cases_of(a, along), cases_of(b, along)
    pairs = matched(mine, theirs, along)
    if not pairs:
        raise SelectionError(
            f"No row of {a.name} does the work of a row of {b.name}.",
            f"{a.name} has {_some(mine)}; {b.name} has {_some(theirs)}.",
        )
    names = _labels(pairs, along)
    made = [row for pair, name in zip(pairs, names, strict=True) for row in _rows(a, b, pair, name, along, phases)]
    rows = _judged(made, bound)
    return RunComparison(
        a,
        b,
        along,
        bound,
        tuple(_ordered(rows, order)),
        _means(rows),
        differences(a, b, pairs, along),
        _names(mine, [case for case, _ in pairs]),
        _names(theirs, [case for _, case in pairs]),
        sum(row.verdict is not None for row in rows),
    )


def sides_along(run: Run, axis: str) -> tuple[Side, ...]:
    """The values of that axis in the run, the baseline first. Raises SelectionError for fewer than two."""
    found = values(run.plan.cases, axis)
    if len(found) < 2:
        has = f"All its rows have {found[0]}." if found else "No row has it."
        raise SelectionError(f"The run has no two values of {axis.replace('_', ' ')} to compare.", has)
    return tuple(Side(value, run, value) for value in found)


def judged_together(comparisons: Sequence[RunComparison]) -> list[RunComparison]:
    """Comparisons that stand in one table, with their verdicts corrected over all rows of all of them."""
    judged = _judged([row for each in comparisons for row in each.rows], comparisons[0].bound)
    corrected, rows = sum(row.verdict is not None for row in judged), iter(judged)
    return [replace(each, rows=tuple(islice(rows, len(each.rows))), corrected=corrected) for each in comparisons]


def slower_by(comparisons: Sequence[RunComparison], margin: float) -> list[tuple[ComparedRow, ...]]:
    """Of each comparison the rows that take longer by more than ``margin``, a share of the baseline's time, for
    certain: one-sided, with Holm's correction over all rows of all of them that have an interval. Rounds of one process
    make nothing certain."""
    tested = [[row for row in each.rows if row.ratio and row.ratio.basis in BASES[:2]] for each in comparisons]
    adjusted = iter(holm([p_slower(row.ratio, margin) for rows in tested for row in rows if row.ratio]))
    return [tuple(row for row in rows if next(adjusted) <= LEVEL) for rows in tested]


def _rows(a: Side, b: Side, pair: Pair, name: str, along: str, phases: Sequence[Phase]) -> list[ComparedRow]:
    """One for each of those phases, or the one that both have."""
    data = row_times(a.run, pair[0]), row_times(b.run, pair[1])
    if not phases:
        usual = compared_phases(along)
        common = (phase for phase in usual if all(each.time(phase) is not None for each in data))
        single = (phase for phase in (*usual, *PHASES) if any(each.time(phase) is not None for each in data))
        phases = (next(chain(common, single, usual)),)  # one after the other: each time is made where it is asked for
    return [_row(a, b, data, name, phase, along) for phase in phases]


def _row(a: Side, b: Side, data: tuple[RowTimes, RowTimes], name: str, phase: Phase, along: str) -> ComparedRow:
    mine, theirs = data[0].case, data[1].case
    pairs = in_turn((a.run, b.run), data, along)
    sentence = why_not(data, phase, (a.name, b.name), in_turn=pairs)
    ratio = ratio_of((a.run, b.run), data, phase, pairs=pairs) if not sentence else None
    return ComparedRow(
        key=f"{mine.case_id}|{theirs.case_id}|{phase}",
        label=name,
        batch=batches(mine, theirs),
        phase=phase,
        a=_time(data[0], phase),
        b=_time(data[1], phase),
        ratio=ratio,
        verdict=None,
        sentence=sentence,
        case_ids=(mine.case_id, theirs.case_id),
        baseline=f"{mine.case_id}|{phase}",
    )


def _time(data: RowTimes, phase: Phase) -> SideTime | None:
    time = data.time(phase)
    return None if time is None else SideTime(data.case, time.seconds, time.relative, lambda: data.quality)


def _judged(rows: Sequence[ComparedRow], bound: float) -> list[ComparedRow]:
    """The rows with their verdicts. All are tested at a time, so that a table of many rows calls no more of them
    different by chance than one of a single row."""
    tested = [row.ratio for row in rows if row.ratio is not None and row.ratio.error is not None]
    adjusted = iter(holm([p_different(ratio) for ratio in tested]))
    return [
        _with_verdict(row, row.ratio, next(adjusted), bound)
        if row.ratio is not None and row.ratio.error is not None
        else row if row.ratio is None else replace(row, sentence=about(row.ratio, None, bound))
        for row in rows
    ]  # fmt: skip


def _with_verdict(row: ComparedRow, ratio: Ratio, p_value: float, bound: float) -> ComparedRow:
    verdict: Verdict = "not told apart"
    if within(ratio, bound):
        verdict = "same"
    elif p_value <= LEVEL:
        verdict = "faster" if ratio.speedup > 1 else "slower"
    return replace(row, verdict=verdict, sentence=about(ratio, verdict, bound))


def _ordered(rows: Sequence[ComparedRow], order: Order) -> list[ComparedRow]:
    """Best or worst first by the ratio; rows without one last."""
    if order == "plan":
        return list(rows)
    sign = -1 if order == "best" else 1
    return sorted(rows, key=lambda row: sign * row.ratio.speedup if row.ratio is not None else math.inf)


def _labels(pairs: Sequence[Pair], along: str) -> list[str]:
    """What each pair is called: the workload, and what tells it from others and is the same on both sides; without the
    batch, which has a column."""
    by_name: dict[str, list[Case]] = {}
    for case, _ in pairs:
        by_name.setdefault(case.workload.name, []).append(case)
    words = {name: set(differing(alike)) - {"batch"} for name, alike in by_name.items()}
    return [_label(pair, words[pair[0].workload.name]) for pair in pairs]


def _label(pair: Pair, words: Collection[str]) -> str:
    shared = [word for word in words if word not in differing(pair)] if words else ()
    return label(pair[0], shared) if shared else pair[0].workload.name


def _means(rows: Sequence[ComparedRow]) -> tuple[tuple[Phase, Ratio, int], ...]:
    """Of each phase the geometric mean of its ratios."""
    by_phase = {phase: [row.ratio for row in rows if row.phase == phase and row.ratio is not None] for phase in PHASES}
    return tuple((phase, geometric_mean(ratios), len(ratios)) for phase, ratios in by_phase.items() if ratios)


def _some(cases: Sequence[Case]) -> str:
    """The first rows by name, and how many there are."""
    if not cases:
        return "no row"
    names = _names(cases)
    return f"{plural(len(names), 'row')}: {first_names(names)}"


def _names(cases: Sequence[Case], but: Collection[Case] = ()) -> tuple[str, ...]:
    """What the cases are called, without those of ``but``."""
    others = {case.case_id for case in but}
    return tuple(label(case, ("device", "batch")) for case in cases if case.case_id not in others)

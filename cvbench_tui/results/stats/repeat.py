"""Which rows are worth measuring again."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Literal

from cvbench_tui.base.escape import one_line
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.facts import differing
from cvbench_tui.core.grading.reasons import GRADES
from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.core.stats.pairs import settled
from cvbench_tui.results.stats.phase_stats import worst_grade
from cvbench_tui.results.stats.row_data import RowData, row_data

MAX_NAMED = 5  # facts that differ, in a sentence
Also = Literal["failed", "busy", "invalid"]  # rows that were measured and may be measured again
DISTURBED = ("contention", "foreign", "stolen")
"""Reasons by which other programs had a part in a row, whatever grade they cost."""


def rows_to_resume(run: Run, also: Collection[Also] = ()) -> tuple[Case, ...]:
    """The rows that a run lacks, in the plan's order: without an outcome, cancelled, or with fewer visits than they
    need; and such as are named in ``also``."""
    return tuple(case for case in run.plan.cases if _lacks(run, case) or any(_IS[what](run, case) for what in also))


def _lacks(run: Run, case: Case) -> bool:
    outcome = run.outcomes.get(case.case_id)
    if isinstance(outcome, Measurement):
        # a run that has come to its end found its rows enough, by the rule of its time
        return run.ended != "finished" and not settled(run.plan, run.outcomes, case.case_id)
    return outcome is None or outcome.kind == "cancelled"


def _is_failed(run: Run, case: Case) -> bool:
    """Without numbers, or given up before it had all its visits."""
    return not isinstance(run.outcomes.get(case.case_id), Measurement) or not row_data(run, case).complete


def _is_busy(run: Run, case: Case) -> bool:
    return _disturbed(row_data(run, case))


def _is_invalid(run: Run, case: Case) -> bool:
    return row_data(run, case).quality.letter == "X"


_IS: dict[Also, Callable[[Run, Case], bool]] = {"failed": _is_failed, "busy": _is_busy, "invalid": _is_invalid}


def another_machine(run: Run, here: Environment, cases: Collection[Case]) -> str:
    """In what this machine differs from the one that the run was begun on, in a sentence; empty where these rows may
    be compared with the run's."""
    if run.environment is None:
        return ""
    facts = differing(run.environment, here, {case.device for case in cases})
    more = (f"and {len(facts) - MAX_NAMED} more",) if len(facts) > MAX_NAMED else ()
    named = one_line("; ".join((*facts[:MAX_NAMED], *more)))
    return f"The run was begun on another machine or software: {named}." if facts else ""


def worth_repeating(run: Run, case: Case, *, running: bool) -> bool:
    """True for a row without numbers, one that is below B or was disturbed, and one that lacks visits. ``running``: the
    run goes on, so that rows which lack an outcome or visits have them still to come."""
    outcome = run.outcomes.get(case.case_id)
    if not isinstance(outcome, Measurement):
        return outcome is not None or not running
    row = row_data(run, case)
    if not row.complete:  # one that was skipped, or whose visit failed, has none to come
        return not running or settled(run.plan, run.outcomes, case.case_id)
    return _below(row, "B") or _disturbed(row)


def _below(row: RowData, grade: str) -> bool:
    worst = worst_grade(row.phases)
    return worst is None or GRADES.index(worst) > GRADES.index(grade)


def _disturbed(row: RowData) -> bool:
    return any(reason.code in DISTURBED for result in row.phases.values() for reason in result.reasons)

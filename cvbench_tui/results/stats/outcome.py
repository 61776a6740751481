"""What came of a run: how many rows have numbers, and which of them are not good enough."""

from __future__ import annotations

from collections import Counter
from itertools import compress

from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.plan import Case
from cvbench_tui.core.row_counts import NOT_FAILED, RowCounts
from cvbench_tui.core.run import Run
from cvbench_tui.core.stats.visits import enough
from cvbench_tui.results.stats.row_data import row_data


def outcome_text(run: Run) -> str:
    """``12 measured (2 invalid), 1 failed, 2 not begun``."""
    return row_counts(run).text


def row_counts(run: Run, *, graded: bool = True) -> RowCounts:
    """How many rows came to what. ``graded``: the invalid ones are counted too, for which each row is graded."""
    kinds = Counter(each.kind if each.kind in NOT_FAILED else "failed" for each in run.failures)
    invalid = sum(row_data(run, case).quality.letter == "X" for case in run.plan.cases) if graded else None
    return RowCounts(len(run.measured), **kinds, not_begun=run.pending, invalid=invalid)


def settled_rows(run: Run) -> int:
    """How many rows get no further visit."""
    over = (not isinstance(each, Measurement) or enough(each, run.plan.protocol) for each in run.outcomes.values())
    return sum(over)


def below_c(run: Run) -> tuple[Case, ...]:
    """The rows whose numbers have grade D or X, and those that failed; not those that the user skipped or cancelled."""
    failed = {each.case_id for each in run.failures if each.kind not in NOT_FAILED}
    bad = (case.case_id in failed or row_data(run, case).quality.letter in ("D", "X") for case in run.plan.cases)
    return tuple(compress(run.plan.cases, bad))

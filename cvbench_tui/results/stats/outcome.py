"""What came of a run: how many rows have numbers, and which of them are not good enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import compress

from cvbench_tui.core.measurement import Measurement, Outcome
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.run import Run, changed
from cvbench_tui.core.stats.pairs import settled as settled_together
from cvbench_tui.core.stats.visits import enough
from cvbench_tui.results.row_counts import NOT_FAILED, RowCounts
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.stats.together import own_part


def outcome_text(run: Run) -> str:
    """``12 measured (2 invalid), 1 failed, 2 not begun``."""
    if run.only_figures:
        return "published figures"
    beside = f", {len(run.borrowed)} of others beside" if run.borrowed else ""
    return row_counts(own_part(run)).text + beside


def row_counts(run: Run, *, graded: bool = True) -> RowCounts:
    """How many rows came to what. ``graded``: the invalid ones are counted too, for which each row is graded."""
    kinds = Counter(each.kind if each.kind in NOT_FAILED else "failed" for each in run.failures)
    invalid = sum(row_data(run, case).quality.letter == "X" for case in run.plan.cases) if graded else None
    return RowCounts(len(run.measured), **kinds, not_begun=run.pending, invalid=invalid)


_SETTLED: list[tuple[Protocol, Mapping[str, Outcome], int]] = []
"""The newest count: every event asks for it, and has changed one outcome."""


def settled_rows(run: Run) -> int:
    """How many rows get no further visit."""
    protocol, now = run.plan.protocol, run.outcomes
    if run.plan.alternate:  # a row ends with the others that are measured in turn with it
        return sum(settled_together(run.plan, now, case_id) for case_id in now)

    def settled(outcome: Outcome | None) -> bool:
        return outcome is not None and (not isinstance(outcome, Measurement) or enough(outcome, protocol))

    known = next((each for each in tuple(_SETTLED) if each[0] is protocol), None)
    _, before, count = known or (protocol, {}, 0)
    for case_id in changed(before, now):
        count += settled(now.get(case_id)) - settled(before.get(case_id))
    _SETTLED[:] = [(protocol, now, count)]
    return count


def below_c(run: Run) -> tuple[Case, ...]:
    """The rows whose numbers have grade D or X, and those that failed; not those that the user skipped or cancelled."""
    failed = {each.case_id for each in run.failures if each.kind not in NOT_FAILED}
    bad = (case.case_id in failed or row_data(run, case).quality.letter in ("D", "X") for case in run.plan.cases)
    return tuple(compress(run.plan.cases, bad))

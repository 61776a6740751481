"""Remaining time of a run: what was expected of its open cases, corrected by what the settled ones took. The
caller brings the expectations (``catalog.duration``, ``results.storage.history``); no clock is read."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from itertools import accumulate
from statistics import fmean

from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.run import Run
from cvbench_tui.core.stats.visits import enough, share

MAX_SETBACK = 0.1  # share of what is left by which the moment of the end may become later from one showing to the next
MIN_SETBACK_S = 1.0
"""It may always become later by this: a tenth of almost nothing would hold a run that is late at 0."""


def done_share(run: Run, expected: Mapping[str, float] | None = None) -> float:
    """Share of the run's work that is done, 0 to 1: settled cases, and the running one's own fraction. Cases weigh as
    ``expected`` has it (seconds by case id), all the same without it."""
    weights = _complete(run.plan, expected or {})
    whole = sum(weights.values())
    done = sum(weights[case.case_id] * _done(run, case) for case in run.plan.cases)
    return min(1.0, done / whole) if whole > 0 else 1.0


def eta_s(run: Run, expected: Mapping[str, float]) -> float:
    """Seconds the run still takes; 0 for one that has ended.

    ``expected``: seconds by case id, all visits to a case together. A case that it lacks counts as the mean of the
    others. What is left of them is multiplied by how much longer the settled cases took than expected.
    """
    if run.ended is not None:
        return 0.0
    seconds = _complete(run.plan, expected)
    left = sum(seconds[case.case_id] * (1.0 - _done(run, case)) for case in run.plan.cases)
    return max(max(0.0, left) * _pace(run, seconds), _waiting_s(run))


class SteadyEta:
    """What is left as it is shown: the end never jumps back by more than a tenth. One for each run."""

    _left_s: float | None = None
    _at_s = 0.0

    def shown(self, now_s: float, eta_s: float) -> float:
        """Seconds to show at ``now_s``, on any clock that runs evenly, when ``eta_s`` are left by what is known now.

        The moment of the end comes nearer freely. It goes away by at most a tenth of what was left at the last
        showing, or by one second where that is less than ten. Never negative.
        """
        left_s = max(0.0, eta_s)
        if self._left_s is not None:
            until_end_s = max(0.0, self._left_s - max(0.0, now_s - self._at_s))
            left_s = min(left_s, until_end_s + max(MIN_SETBACK_S, MAX_SETBACK * self._left_s))
        self._left_s, self._at_s = left_s, now_s
        return left_s


def _complete(plan: Plan, expected: Mapping[str, float]) -> dict[str, float]:
    """The expectation of every case of the plan: rows may have been added since the expectations were made."""
    known = [expected[case.case_id] for case in plan.cases if case.case_id in expected]
    usual_s = fmean(known) if known else 1.0
    return {case.case_id: expected.get(case.case_id, usual_s) for case in plan.cases}


def _done(run: Run, case: Case) -> float:
    """Share of a case that is done. A failed one gets no further visit; the running one counts by its fraction."""
    outcome = run.outcomes.get(case.case_id)
    if outcome is not None and not isinstance(outcome, Measurement):
        return 1.0
    if outcome is not None and enough(outcome, run.plan.protocol):
        return 1.0
    done = share(outcome, run.plan.protocol) if outcome is not None else 0.0
    if run.progress is not None and run.progress.case_id == case.case_id and done < 1.0:
        each = done / outcome.visits if outcome is not None else 1.0 / run.plan.protocol.max_visits
        done += run.progress.fraction * each
    return min(1.0, done)


def _waiting_s(run: Run) -> float:
    """Seconds that the protocol's shortest span still lasts, by the visits that are left in it."""
    protocol = run.plan.protocol
    open_shares = [1.0 - _done(run, case) for case in run.plan.cases if case.case_id in run.outcomes]
    return protocol.span_s * max(open_shares, default=0.0) if protocol.max_visits > 1 else 0.0


def _pace(run: Run, expected: Mapping[str, float]) -> float:
    """How many times longer than expected the measured cases took: the median weighted by their expected seconds, or
    between two where half of them falls just there; 1 without any."""
    protocol = run.plan.protocol
    pairs = [(case.wall_s, expected[case.case_id] * share(case, protocol)) for case in run.measured]
    ratios = sorted((wall_s / expected_s, expected_s) for wall_s, expected_s in pairs if expected_s > 0)
    if not ratios:
        return 1.0
    passed = list(accumulate(expected_s for _, expected_s in ratios))
    half = passed[-1] / 2
    return (ratios[bisect_left(passed, half)][0] + ratios[bisect_right(passed, half)][0]) / 2

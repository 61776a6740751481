"""Remaining time of a run: what was expected of its open cases, corrected by what the settled ones took. The
caller brings the expectations (``catalog.duration``, ``results.storage.history``); no clock is read."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping
from itertools import accumulate
from operator import itemgetter, mul
from statistics import fmean
from threading import Lock

from cvbench_tui.core.measurement import Measurement, Outcome
from cvbench_tui.core.plan import Plan
from cvbench_tui.core.run import Run, changed
from cvbench_tui.core.stats.pairs import settled, share_in_turn
from cvbench_tui.core.stats.visits import share

MAX_SETBACK = 0.1  # share of what is left by which the moment of the end may become later from one showing to the next
MIN_SETBACK_S = 1.0
"""It may always become later by this: a tenth of almost nothing would hold a run that is late at 0."""


def done_share(run: Run, expected: Mapping[str, float] | None = None) -> float:
    """Share of the run's work that is done, 0 to 1: settled cases, and the running one's own fraction. Cases weigh as
    ``expected`` has it (seconds by case id), all the same without it."""
    with _LOCK:
        work = _work(run, expected or {})
        whole = sum(work.seconds)
        done = sum(map(mul, work.seconds, work.done(run)))
    return min(1.0, done / whole) if whole > 0 else 1.0


def eta_s(run: Run, expected: Mapping[str, float]) -> float:
    """Seconds the run still takes; 0 for one that has ended.

    ``expected``: seconds by case id, all visits to a case together. A case that it lacks counts as the mean of the
    others. What is left of them is multiplied by how much longer the settled cases took than expected.
    """
    if run.ended is not None:
        return 0.0
    with _LOCK:
        work = _work(run, expected)
        left = [1.0 - done for done in work.done(run)]
        left_s: float = sum(map(mul, work.seconds, left))
        return max(max(0.0, left_s) * work.pace(), work.waiting_s(run, left))


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


class _Work:
    """What is done of a plan, as it was when it was last asked for. Every event asks; of 20,000 rows one has changed,
    and to look at all of them took 60 ms."""

    def __init__(self, plan: Plan, expected: Mapping[str, float]) -> None:
        self.plan, self.expected = plan, dict(expected)
        self.places = {case.case_id: place for place, case in enumerate(plan.cases)}
        # rows may have been added since the expectations were made
        known = [expected[case_id] for case_id in self.places if case_id in expected]
        usual_s = fmean(known) if known else 1.0
        self.seconds = [expected.get(case_id, usual_s) for case_id in self.places]  # by place, as the next two
        self._done = [0.0] * len(self.places)  # without what is running
        self._begun = [False] * len(self.places)
        self._outcomes: Mapping[str, Outcome] = {}
        self._ratios: list[tuple[float, float]] = []
        """Of the measured cases, in order: how many times longer than expected, and what was expected, seconds."""

    def take(self, outcomes: Mapping[str, Outcome]) -> None:
        """Look at those that have changed since the last time."""
        before, self._outcomes = self._outcomes, outcomes
        first = not self._ratios
        news = changed(before, outcomes)
        if self.plan.alternate:  # the others of a group end with the last one
            news = dict.fromkeys(each for case_id in news for each in (case_id, *self.plan.in_turn(case_id)))
        for case_id in news:
            place = self.places.get(case_id)
            if place is None:  # of a run that somebody changed: no case of its plan
                continue
            old, outcome = before.get(case_id), outcomes.get(case_id)
            self._done[place], self._begun[place] = self._share(case_id, outcome), outcome is not None
            if first:
                self._ratios += self._ratio(outcome, place)
                continue
            for ratio in self._ratio(old, place):
                del self._ratios[bisect_left(self._ratios, ratio)]
            for ratio in self._ratio(outcome, place):
                insort(self._ratios, ratio)
        if first:
            self._ratios.sort()

    def _share(self, case_id: str, outcome: Outcome | None) -> float:
        """Share of its case that is done. A failed one gets no further visit."""
        if outcome is None:
            return 0.0
        if not isinstance(outcome, Measurement) or settled(self.plan, self._outcomes, case_id):
            return 1.0
        return min(1.0, self._so_far(outcome))

    def _so_far(self, outcome: Measurement) -> float:
        measure = share_in_turn if len(self.plan.in_turn(outcome.case_id)) > 1 else share
        return measure(outcome, self.plan.protocol)

    def _ratio(self, outcome: Outcome | None, place: int) -> list[tuple[float, float]]:
        """That of a measured case; none of another, and of one that was to take no time."""
        if not isinstance(outcome, Measurement):
            return []
        expected_s = self.seconds[place] * self._so_far(outcome)
        return [(outcome.wall_s / expected_s, expected_s)] if expected_s > 0 else []

    def done(self, run: Run) -> list[float]:
        """Share of each case that is done; the running one counts by its fraction."""
        progress = run.progress
        place = self.places.get(progress.case_id) if progress is not None else None
        if progress is None or place is None or (done := self._done[place]) >= 1.0:
            return self._done
        outcome = run.outcomes.get(progress.case_id)
        each = done / outcome.visits if isinstance(outcome, Measurement) else 1.0 / run.plan.protocol.max_visits
        shares = self._done.copy()
        shares[place] = min(1.0, done + progress.fraction * each)
        return shares

    def waiting_s(self, run: Run, left: list[float]) -> float:
        """Seconds that the protocol's shortest span still lasts, by the visits that are left in it."""
        protocol = run.plan.protocol
        return protocol.span_s * max(map(mul, left, self._begun), default=0.0) if protocol.max_visits > 1 else 0.0

    def pace(self) -> float:
        """How many times longer than expected the measured cases took: the median weighted by their expected seconds,
        or between two where half of them falls just there; 1 without any."""
        if not self._ratios:
            return 1.0
        passed = list(accumulate(map(itemgetter(1), self._ratios)))
        half = passed[-1] / 2
        return (self._ratios[bisect_left(passed, half)][0] + self._ratios[bisect_right(passed, half)][0]) / 2


_LOCK = Lock()
_NEWEST: list[_Work] = []
"""The last two: what is done is asked for with expectations and without."""


def _work(run: Run, expected: Mapping[str, float]) -> _Work:
    """What is done of that run."""
    work = next((each for each in _NEWEST if each.plan is run.plan and each.expected == expected), None)
    if work is None:
        work = _Work(run.plan, expected)
        _NEWEST[:] = [work, *_NEWEST[:1]]
    work.take(run.outcomes)
    return work

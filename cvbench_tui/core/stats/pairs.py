"""Rows measured in turn: their ratio pair by pair, when it says enough, and which rows go on together.

Visit k of one row and visit k of the other, one right after the other, are a pair: what slows the machine down for
minutes hits both alike and leaves their ratio as it is. So the rows of a group get the same number of visits, and go on
until their ratios are precise, not their times.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from statistics import fmean, median, median_low
from typing import Optional

from cvbench_tui.core.evidence import Visit
from cvbench_tui.core.measurement import WHOLE_PHASE, Failure, Measurement, Outcome, Phase, Stop
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats.estimate import centre
from cvbench_tui.core.stats.ratio import paired
from cvbench_tui.core.stats.stop_rule import flags_by_visit
from cvbench_tui.core.stats.visits import MIN_VISITS, enough, given_up, most_visits, timed_s

USUAL_GAP_S = 60.0  # from the end of a pair's first visit to the begin of its second; a process starts within 5
MAX_GAP = 10.0  # times the usual gap of these rows, beyond which the run was interrupted within the pair
BUDGETS = 2
"""Time budgets that rows measured in turn have: the ratio of two times errs by the square root of two more than either,
and takes twice the repeats."""


def log_ratios(one: Measurement, other: Measurement, phase: Phase, protocol: Protocol) -> list[float]:
    """Logarithms of the first row's time of an iteration over the other's, pair by pair in the order of time. Of visits
    that were made round by round it is the centre of the ratios of their rounds, which lie within a second of each
    other: its standard deviation from pair to pair is 0.74 of that of the ratio of the visits' centres (0.58 to 0.89 in
    six runs of 20 pairs). Where one has more rounds than the other, by more than were repeated, round k of one is not
    beside round k of the other. Left out is a pair in which no round of a side counts, and one that the end of a run,
    hours perhaps, lies within."""
    mine, theirs = _by_visit(one, phase, protocol), _by_visit(other, phase, protocol)
    gaps = [_gap_s(*both) for both in zip(one.visit_records, other.visit_records)]
    limit_s = max(USUAL_GAP_S, MAX_GAP * median_low(gaps)) if gaps else 0.0
    gaps += [0.0] * (min(len(mine), len(theirs)) - len(gaps))
    found = [
        _of_rounds(a, b) if gap_s < 0 and abs(len(a) - len(b)) <= protocol.max_repeats else _of_centres(a, b)
        for a, b, gap_s in zip(mine, theirs, gaps)
        if gap_s <= limit_s
    ]
    return [each for each in found if each is not None]


def _gap_s(one: Visit, other: Visit) -> float:
    """From the end of the first to the begin of the second; below 0 where they went round by round."""
    first, second = sorted((one, other), key=lambda visit: visit.begun_at_s)
    return second.begun_at_s - first.begun_at_s - first.wall_s


_Rounds = Sequence[Optional[float]]


def _by_visit(measurement: Measurement, phase: Phase, protocol: Protocol) -> list[_Rounds]:
    """Logarithm of the seconds of each round of each visit; None where it does not count."""
    samples = measurement.phase(phase)
    if samples is None:
        return []
    middle = fmean if protocol.method == "published" else median
    visits = zip(measurement.by_visit(samples), flags_by_visit(measurement, phase, protocol))
    return [
        [math.log(middle(each)) if counts and each and min(each) > 0 else None for each, counts in zip(rounds, flags)]
        for rounds, flags in visits
    ]


def _of_rounds(one: _Rounds, other: _Rounds) -> float | None:
    ratios = [a - b for a, b in zip(one, other) if a is not None and b is not None]
    return centre(ratios) if ratios else None


def _of_centres(one: _Rounds, other: _Rounds) -> float | None:
    mine, theirs = ([each for each in rounds if each is not None] for rounds in (one, other))
    return centre(mine) - centre(theirs) if mine and theirs else None


def group_over(measurements: Sequence[Measurement], protocol: Protocol) -> bool:
    """True when rows measured in turn, of which each has had a visit, get no further one: all have the same number, and
    their ratios are precise, one's time is spent, or it is the most."""
    visits = min(each.visits for each in measurements)
    if visits < max(each.visits for each in measurements):
        return False
    if visits >= protocol.max_visits:
        return True
    spanned = min(each.span_s or 0.0 for each in measurements) >= protocol.span_s
    if visits >= min(MIN_VISITS, protocol.visits) and max(map(timed_s, measurements)) >= BUDGETS * protocol.budget_s:
        return spanned
    if visits % max(1, protocol.visits) or not spanned:
        return False
    return all(_precise(*both, protocol) for both in combinations(measurements, 2))


def share_in_turn(measurement: Measurement, protocol: Protocol) -> float:
    """Share of the most visits, 0 to 1, that a row measured in turn has had."""
    visits = measurement.visits
    budget = replace(protocol, budget_s=BUDGETS * protocol.budget_s)
    return visits / max(visits + 1, most_visits(timed_s(measurement) / visits, budget))


def _precise(one: Measurement, other: Measurement, protocol: Protocol) -> bool:
    """Whether the interval of their ratio is within the protocol's precision in every whole phase that both have, in
    each phase where they have no whole one."""
    phases = [each.phase for each in one.phases if other.phase(each.phase) is not None]
    whole = [phase for phase in phases if phase in WHOLE_PHASE.values()]
    found = [log_ratios(one, other, phase, protocol) for phase in whole or phases]
    widths = [paired(logs).half_width if logs else None for logs in found]
    return all(width is not None and width <= math.log1p(protocol.precision) for width in widths)


def settled(plan: Plan, outcomes: Mapping[str, Outcome], case_id: str) -> bool:
    """True when that row gets no further visit: it has failed, was given up, or has had enough, by itself or, measured
    in turn, together with the others of its group."""
    outcome = outcomes.get(case_id)
    if not isinstance(outcome, Measurement) or given_up(outcome):
        return outcome is not None
    others = partners(plan, outcomes, case_id)
    if not others:
        return enough(outcome, plan.protocol)
    known = [each for each in others if each is not None]
    return len(known) == len(others) and group_over([outcome, *known], plan.protocol)


def partners(plan: Plan, outcomes: Mapping[str, Outcome], case_id: str) -> list[Measurement | None]:
    """What those rows have that are measured in turn with that one and go on with it, None before the first visit. Left
    out are those that have failed or were given up; none for a row that was given up itself."""
    outcome = outcomes.get(case_id)
    if outcome is not None and not _goes_on(outcome):
        return []
    others = (outcomes.get(each) for each in plan.in_turn(case_id) if each != case_id)
    return [each if isinstance(each, Measurement) else None for each in others if each is None or _goes_on(each)]


def group_ended_by(measurements: Sequence[Measurement], protocol: Protocol) -> Stop:
    """Why rows measured in turn got no further visit, as ``visits.ended_by`` has it of one by itself; ``precision``:
    of their ratios."""
    if not group_over(measurements, protocol):
        return "visit"
    if all(_precise(*both, protocol) for both in combinations(measurements, 2)):
        return "precision"
    return "rounds" if min(each.visits for each in measurements) >= protocol.max_visits else "budget"


def to_measure(
    plan: Plan, outcomes: Mapping[str, Outcome], wanted: Sequence[Case]
) -> tuple[tuple[Case, ...], tuple[Case, ...]]:
    """Of these rows of the plan, those that are measured anew, and those that go on with the visits they lack. Rows
    measured in turn with them come along: all are measured anew where one of them is that had visits, and go on with
    one that has none yet, or visit k of one would be no pair with visit k of the other."""
    anew: set[str] = set()
    going_on: set[str] = set()
    for case in wanted:
        group = plan.in_turn(case.case_id) or (case.case_id,)
        begun = {each for each in group if _goes_on(outcomes.get(each))}
        if _never_begun(outcomes.get(case.case_id)):
            anew.add(case.case_id)
            going_on |= begun
        elif settled(plan, outcomes, case.case_id):
            anew |= {case.case_id} | begun
        else:
            going_on |= begun
            anew |= {each for each in group if _never_begun(outcomes.get(each))}
    named = {case.case_id: case for case in wanted}
    cases = [named.get(case.case_id, case) for case in plan.cases] if plan.alternate else wanted
    return tuple(case for case in cases if case.case_id in anew), tuple(
        case for case in cases if case.case_id in going_on - anew
    )


def _never_begun(outcome: Outcome | None) -> bool:
    return outcome is None or (isinstance(outcome, Failure) and outcome.kind == "cancelled")


def _goes_on(outcome: Outcome | None) -> bool:
    return isinstance(outcome, Measurement) and not given_up(outcome)

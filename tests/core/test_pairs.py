"""Rows measured in turn: their pairs, when a group is over, and which rows are measured together again."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from cvbench_tui.core.event import CaseFailed, CaseFinished, RowsAdded, RunStarted
from cvbench_tui.core.evidence import Evidence, PassRecord, Visit
from cvbench_tui.core.measurement import Failure, Measurement, Notice, PhaseSamples, merge
from cvbench_tui.core.plan import Case, Plan, expand
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.run import Folding
from cvbench_tui.core.stats.pairs import (
    group_ended_by,
    group_over,
    log_ratios,
    partners,
    settled,
    share_in_turn,
    to_measure,
)
from cvbench_tui.core.workload import Workload

DEFAULT = PROTOCOLS["default"]
A, B = expand([(Workload("layer", "one", "conv2d", (3, 8, 8)), 1)], ["cpu"], variants=((), (("precision", "bf16"),)))
PLAN = Plan("two", (A, B), DEFAULT, "precision")


def of(case: Case, times, *, after_s: float = 0.0, apart_s: float = 10.0) -> Measurement:
    """Visits of those times, seconds."""
    made = None
    for number, seconds in enumerate(times):
        samples = PhaseSamples("total", ((seconds,) * 3,), 1, "perf_counter", "visit")
        visit = Visit(1000.0 + after_s + number * apart_s, 1.0, number)
        each = Measurement(case.case_id, (samples,), None, None, None, 0.1, 1.0, 2, visit_records=(visit,))
        made = each if made is None else merge(made, each)
    assert made is not None
    return made


def outcomes(a, b):
    return {A.case_id: a, B.case_id: b}


DRIFT = [0.01 * (1 + 0.05 * number) for number in range(10)]


def test_the_pairs_ratio_is_exact_where_both_drift_alike():
    logs = log_ratios(of(A, DRIFT), of(B, [1.03 * each for each in DRIFT]), "total", DEFAULT)
    assert logs == pytest.approx([-0.029558802] * 10)


def together(case: Case, counts: tuple[int, ...], *, factor: float = 1.0, wall_s: float = 5.0, late_s: float = 1.0):
    """A visit of so many rounds each, every ten seconds, in which the machine becomes 10% slower from round to round;
    ``late_s`` behind the first begins the second row's."""
    made = None
    for number, count in enumerate(counts):
        rounds = tuple((0.01 * factor * 1.1**each,) * 3 for each in range(count))
        samples = PhaseSamples("total", rounds, 1, "perf_counter", "visit")
        visit = Visit(1000.0 + 10.0 * number + (late_s if case == B else 0.0), wall_s, number)
        each = Measurement(case.case_id, (samples,), None, None, None, 0.1, 1.0, 2, visit_records=(visit,))
        each = replace(each, visit_rounds=(("total", (count,)),))
        made = each if made is None else merge(made, each)
    return made


def test_the_ratio_of_visits_that_went_round_by_round_is_that_of_their_rounds():
    """One that has more rounds was measured longer on a machine that becomes slower: its centre is another."""
    a, b = together(A, (8, 12)), together(B, (8, 9), factor=1.03)
    assert log_ratios(a, b, "total", DEFAULT) == pytest.approx([-math.log(1.03)] * 2)
    after = together(B, (8, 9), factor=1.03, late_s=6.0)
    assert log_ratios(a, after, "total", DEFAULT) == pytest.approx(
        [-math.log(1.03), -math.log(1.03) + 1.5 * math.log(1.1)]
    )


def test_rounds_that_were_not_beside_each_other_make_no_ratio():
    more = DEFAULT.max_repeats + 1
    [found] = log_ratios(together(A, (8 + more,)), together(B, (8,)), "total", DEFAULT)
    assert found == pytest.approx(more / 2 * math.log(1.1))


def test_a_round_that_counts_on_one_side_only_is_in_no_ratio():
    a, b = together(A, (9,)), together(B, (9,), factor=1.03)
    stolen = [Evidence(0.2, 0.2, stolen_s=0.1 if each == 4 else 0.0) for each in range(9)]
    a = replace(a, passes=(PassRecord("training", tuple(stolen)),))
    odd = tuple((1.0, 1.0, 1.0) if each == 4 else rounds for each, rounds in enumerate(a.phases[0].rounds))
    a = replace(a, phases=(PhaseSamples("total", odd, 1, "perf_counter", "visit"),))
    assert log_ratios(a, b, "total", DEFAULT) == pytest.approx([-math.log(1.03)])


def test_a_row_in_turn_is_half_done_after_half_of_its_most_visits_whatever_one_budget_says():
    half = replace(of(A, DRIFT), passes=(PassRecord("training", (Evidence(10.0, 10.0),)),))  # a whole budget of one row
    assert not settled(PLAN, outcomes(half, of(B, [1.03 * (1 + each % 2) for each in range(10)])), A.case_id)
    assert share_in_turn(half, DEFAULT) == pytest.approx(0.5)


def test_a_pair_that_the_end_of_a_run_lies_within_is_left_out():
    whole, late = of(A, DRIFT[:4]), of(B, DRIFT[:3], after_s=2.0)
    late = merge(late, of(B, DRIFT[3:4], after_s=50_000.0))
    assert len(log_ratios(whole, late, "total", DEFAULT)) == 3


def test_a_group_is_over_with_equal_numbers_only():
    assert group_over([of(A, DRIFT), of(B, DRIFT)], DEFAULT)
    assert not group_over([of(A, DRIFT), of(B, DRIFT[:9])], DEFAULT)
    assert not group_over([of(A, DRIFT[:9]), of(B, DRIFT[:9])], DEFAULT)


def test_a_row_is_settled_with_its_group():
    assert settled(PLAN, outcomes(of(A, DRIFT), of(B, DRIFT)), A.case_id)
    assert not settled(PLAN, outcomes(of(A, [0.01] * 10), of(B, DRIFT[:9])), A.case_id)
    failed = outcomes(of(A, [0.01] * 10), Failure(B.case_id, "error", "No."))
    assert settled(PLAN, failed, A.case_id)
    assert settled(PLAN, failed, B.case_id)


def test_two_budgets_of_one_row_end_its_group():
    a, b = of(A, DRIFT[:9]), of(B, DRIFT[:9])
    for timed_s, over in ((19.0, False), (21.0, True)):  # of 20; the other has spent none
        spent = replace(b, passes=(PassRecord("training", (Evidence(timed_s, timed_s),)),))
        assert group_over([a, spent], DEFAULT) is over


def test_only_phases_of_a_whole_iteration_have_to_be_precise():
    wandering = of(B, [each * (1.05 if number % 2 else 0.95) for number, each in enumerate(DRIFT)])
    both = [of(A, DRIFT), of(B, DRIFT)]
    parts = [replace(each.phases[0], phase="forward") for each in (both[0], wandering)]
    with_parts = [replace(each, phases=(*each.phases, part)) for each, part in zip(both, parts, strict=True)]
    assert group_over(with_parts, DEFAULT)
    without = [replace(each, phases=(part,)) for each, part in zip(both, parts, strict=True)]
    assert not group_over(without, DEFAULT), "where there is no whole one, its parts have to be"


def test_why_a_group_ended_is_told_by_its_ratios():
    wandering = [each * (1.05 if number % 2 else 0.95) for number, each in enumerate(DRIFT)]
    assert group_ended_by([of(A, DRIFT), of(B, DRIFT)], DEFAULT) == "precision", "each by itself is not"
    assert group_ended_by([of(A, DRIFT), of(B, wandering)], DEFAULT) == "visit"
    assert group_ended_by([of(A, DRIFT), of(B, DRIFT[:9])], DEFAULT) == "visit"
    assert group_ended_by([of(A, DRIFT * 2), of(B, wandering * 2)], DEFAULT) == "rounds"
    hasty = replace(DEFAULT, budget_s=0.0)
    assert group_ended_by([of(A, DRIFT), of(B, wandering)], hasty) == "budget"


def test_partners_are_those_that_go_on():
    a, b = of(A, DRIFT), of(B, DRIFT)
    assert partners(PLAN, outcomes(a, b), A.case_id) == [b]
    assert partners(PLAN, {A.case_id: a}, A.case_id) == [None]
    assert partners(PLAN, outcomes(a, Failure(B.case_id, "error", "No.")), A.case_id) == []
    given_up = replace(a, notices=(Notice("visit_failed", "Visit 11 failed."),))
    assert partners(PLAN, outcomes(given_up, b), A.case_id) == []
    assert partners(PLAN, outcomes(given_up, b), B.case_id) == []
    assert partners(replace(PLAN, alternate=""), outcomes(a, b), A.case_id) == []


def test_rows_of_a_group_go_on_together_and_are_repeated_together():
    lacking = outcomes(of(A, DRIFT[:4]), of(B, DRIFT[:3]))
    assert to_measure(PLAN, lacking, [B]) == ((), (A, B))
    whole = outcomes(of(A, DRIFT), of(B, DRIFT))
    assert to_measure(PLAN, whole, [B]) == ((A, B), ())
    failed = outcomes(of(A, [0.01] * 10), Failure(B.case_id, "error", "No."))
    assert to_measure(PLAN, failed, [B]) == ((A, B), ())
    assert to_measure(PLAN, failed, [A]) == ((A,), ())
    cancelled = outcomes(of(A, DRIFT[:1]), Failure(B.case_id, "cancelled", "Cancelled."))
    assert to_measure(PLAN, cancelled, [B]) == ((B,), (A,))
    alone = replace(PLAN, alternate="")
    assert to_measure(alone, whole, [B]) == ((), (B,)), "by itself it is not precise yet"


@pytest.mark.parametrize("better", ["before", "now"])
def test_of_rows_repeated_in_turn_all_keep_the_better_result_or_none(better):
    """One row is better than before and the other worse: mixed, their visits would be no pairs."""
    good, bad = [0.01, 0.01001] * 5, [0.01, 0.011] * 5
    first, second = ((good, good), (good, bad)) if better == "before" else ((good, bad), (good, good))
    folding = Folding()
    folding.add(RunStarted("id", PLAN, 1.0, "0"))
    for case, times in zip((A, B), first, strict=True):
        folding.add(CaseFinished(of(case, times)))
    folding.add(RowsAdded((A, B), 2.0))
    for case, times in zip((A, B), second, strict=True):
        folding.add(CaseFinished(of(case, times, after_s=500.0)))
    folding.settle()
    begun = {folding.run.outcomes[case.case_id].begun_at_s for case in (A, B)}
    assert begun == {1000.0 if better == "before" else 1500.0}


def test_a_failure_of_one_in_a_repeat_brings_both_back():
    folding = Folding()
    folding.add(RunStarted("id", PLAN, 1.0, "0"))
    for case in (A, B):
        folding.add(CaseFinished(of(case, [0.01] * 10)))
    folding.add(RowsAdded((A, B), 2.0))
    folding.add(CaseFinished(of(A, [0.01] * 10, after_s=500.0)))
    folding.add(CaseFailed(Failure(B.case_id, "error", "No.")))
    folding.settle()
    assert {folding.run.outcomes[case.case_id].begun_at_s for case in (A, B)} == {1000.0}


def test_a_gap_of_more_than_ten_usual_ones_is_the_end_of_a_run():
    usual = of(A, DRIFT, apart_s=1000.0)
    for last_s, pairs in ((250.0, 10), (450.0, 9)):  # usually 29 s: at most 290
        other = of(B, DRIFT[:9], after_s=30.0, apart_s=1000.0)
        other = merge(other, of(B, DRIFT[9:], after_s=9000.0 + last_s))
        assert len(log_ratios(usual, other, "total", DEFAULT)) == pairs


def test_a_published_protocol_is_of_means():
    samples = PhaseSamples("total", ((1.0, 1.0, 4.0),), 1, "perf_counter", "visit")
    both = [replace(of(case, [0.01]), phases=(samples,)) for case in (A, B)]
    both[1] = replace(both[1], phases=(replace(samples, rounds=((1.0, 1.0, 1.0),)),))
    original = next(each for each in PROTOCOLS.values() if each.method == "published")
    assert log_ratios(*both, "total", original) == pytest.approx([0.693147], abs=1e-5)
    assert log_ratios(*both, "total", DEFAULT) == [0.0]

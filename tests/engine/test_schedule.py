"""The order of a run: how often each case is visited, by chance or not, and when it has had enough."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from cvbench_tui.core.event import CaseFailed, CaseFinished
from cvbench_tui.core.measurement import Failure, Measurement, PhaseSamples
from cvbench_tui.core.plan import Case, Plan, expand
from cvbench_tui.core.protocol import PROTOCOLS, Protocol
from cvbench_tui.core.stats.stop_rule import precise_over_visits
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine.schedule import Schedule

CASES = expand([(Workload("layer", f"layer {n}", "conv2d", (3, 8, 8)), 1) for n in range(6)], ["cpu"])
RIGOROUS = PROTOCOLS["rigorous"]
AGREEING = (1.0, 1.0002, 0.9998, 1.0001, 0.9999)
APART = (1.0, 1.05, 0.96, 1.04, 0.97)


def measured(case: Case, factor: float) -> Measurement:
    rounds = tuple((0.01 * factor * wobble,) * 3 for wobble in (1.0, 1.0001, 0.9999, 1.0, 1.0))
    samples = PhaseSamples("total", rounds, 1, "perf_counter", "precision")
    return Measurement(case.case_id, (samples,), None, None, None, 0.1, 1.0, 2)


def visited(protocol: Protocol, factors=AGREEING, seed: int = 1, failing: str = "") -> list[tuple[int, str]]:
    visits = Schedule(Plan("six", CASES, protocol), random.Random(seed))
    seen = []
    for process, case in visits:
        seen.append((process, case.case_id))
        if case.case_id == failing:
            visits.record(CaseFailed(Failure(case.case_id, "error", "No.")))
        else:
            visits.record(CaseFinished(measured(case, factors[process]), process))
    return seen


def test_the_default_visits_every_case_once_in_the_plans_order():
    assert visited(PROTOCOLS["default"]) == [(0, case.case_id) for case in CASES]


def test_rigorous_passes_over_the_plan_three_times_each_in_an_order_of_its_own():
    seen = visited(RIGOROUS)
    passes = [[case_id for process, case_id in seen if process == number] for number in range(3)]
    assert [sorted(one) for one in passes] == [sorted(case.case_id for case in CASES)] * 3
    assert len({tuple(one) for one in passes}) == 3
    assert [process for process, _ in seen] == sorted(process for process, _ in seen)


def test_the_order_is_drawn_anew_for_every_run():
    assert visited(RIGOROUS, seed=1) != visited(RIGOROUS, seed=2)


def test_processes_that_do_not_agree_are_repeated_up_to_the_most():
    assert max(process for process, _ in visited(RIGOROUS, APART)) == RIGOROUS.max_visits - 1


def test_a_case_that_failed_is_not_visited_again():
    failing = CASES[2].case_id
    assert [case_id for _, case_id in visited(RIGOROUS, failing=failing)].count(failing) == 1


@pytest.mark.parametrize(("factors", "precise"), [(AGREEING, True), (APART, False)])
def test_precision_over_processes_is_of_their_medians(factors, precise):
    visits = Schedule(Plan("one", CASES[:1], replace(RIGOROUS, visits=3, max_visits=3)))
    for process, case in visits:
        visits.record(CaseFinished(measured(case, factors[process]), process))
    assert precise_over_visits(visits._measured[CASES[0].case_id], RIGOROUS) is precise

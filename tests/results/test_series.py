from __future__ import annotations

from dataclasses import replace

import pytest

from cvbench_tui.core.measurement import Measurement, PhaseSamples
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.results.stats.series import Series, series
from tests.every import every
from tests.results.samples import graded_run, measurement, model, plan, run_of

CASE = Case(model("Resnet18"), "cpu", 8)


def one(rounds: tuple[tuple[float, ...], ...], width: int) -> tuple[Series, ...]:
    taken = measurement(CASE, 0.1)
    phases = (PhaseSamples("forward", rounds, 1, "perf_counter", "precision"),)
    return series(run_of(plan(CASE), replace(taken, phases=phases)), CASE.case_id, width)


def row(run: Run, name: str, device: str) -> str:
    return next(case.case_id for case in run.plan.cases if (case.workload.name, case.device) == (name, device))


def test_with_room_enough_every_sample_is_a_point_in_its_place() -> None:
    (found,) = one(((0.001, 0.002), (0.003,), (0.002, 0.001)), 80)
    assert found.points == tuple((value,) * 3 for value in (0.001, 0.002, 0.003, 0.002, 0.001))
    assert found.borders == (2, 3)
    assert (found.low, found.high) == ("1.000 ms", "3.000 ms")
    assert (found.low_s, found.high_s) == (0.001, 0.003)
    assert (found.phase, found.disturbed) == ("forward", (False,) * 5)


def test_without_room_a_point_has_the_least_the_median_and_the_largest_of_its_slice() -> None:
    (found,) = one((tuple(float(value) for value in range(6)), tuple(float(value) for value in range(6, 11))), 2)
    assert found.points == ((0.0, 2.0, 4.0), (5.0, 7.5, 10.0))
    assert found.borders == (1,), "the slice that the second round begins in"


@every("width", [1, 2, 3, 7, 20, 76, 1000])
def test_no_sample_is_lost_at_any_width(width: int) -> None:
    run = graded_run()
    for case in run.plan.cases:
        outcome = run.outcomes[case.case_id]
        found = series(run, case.case_id, width)
        assert len(found) == (len(outcome.numbers) if isinstance(outcome, Measurement) else 0)
        for each in found:
            taken = [sample for samples in outcome.phase(each.phase).rounds for sample in samples]
            assert len(each.points) == min(width, len(taken))
            assert len(each.disturbed) == len(each.points)
            assert min(least for least, _, _ in each.points) == each.low_s == min(taken)
            assert max(most for _, _, most in each.points) == each.high_s == max(taken)
            assert all(least <= middle <= most for least, middle, most in each.points)
            assert list(each.borders) == sorted(set(each.borders))
            assert all(0 < place < len(each.points) for place in each.borders)
            assert each.low.split()[-1] == each.high.split()[-1], "one unit"


def test_a_round_that_was_disturbed_is_there_and_marked() -> None:
    run = graded_run()
    forward, *_, inference = series(run, row(run, "Resnet18", "cpu"), 1000)
    assert len(forward.points) == 100
    marked = [place for place, aside in enumerate(forward.disturbed) if aside]
    assert marked == list(range(marked[0], marked[0] + 10))
    assert marked[-1] + 1 in forward.borders
    assert not any(inference.disturbed)


def test_equal_samples_have_no_height() -> None:
    (found,) = one(((0.5, 0.5),), 10)
    assert found.low_s == found.high_s == 0.5
    assert found.borders == ()
    assert found.low == found.high == "500.0 ms"


def test_what_has_no_samples_has_no_series() -> None:
    assert one(((), ()), 10) == ()
    run = graded_run()
    assert series(run, row(run, "VGG16", "cpu"), 10) == ()
    with pytest.raises(KeyError):
        series(run, "nothing", 10)
    with pytest.raises(ValueError, match="at least one point"):
        series(run, run.plan.cases[0].case_id, 0)


def test_labels_that_are_close_are_told_apart() -> None:
    (found,) = one(((0.1, 0.1000001),), 10)
    assert found.low != found.high

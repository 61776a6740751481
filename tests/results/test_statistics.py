from __future__ import annotations

from statistics import fmean, median, stdev

import pytest

from cvbench_tui.core.measurement import Measurement, PhaseSamples, merge
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.results.statistics import (
    headline_s,
    histogram,
    phase_result,
    phase_results,
    throughput_per_s,
)
from tests.results.samples import measurement, model

CASE = Case(model("Resnet18"), "cpu", 8)
T_FOR_FIVE = 2.776
"""97.5% quantile of Student's t for 4 degrees of freedom, from a printed table."""


def of_rounds(*rounds: tuple[float, ...]) -> Measurement:
    return Measurement(
        CASE.case_id, (PhaseSamples("forward", rounds, 1, "perf_counter", "precision"),), None, None, None, 0.0, 1.0, 1
    )


def test_the_interval_is_that_of_the_round_medians() -> None:
    rounds = ((1.0, 1.0, 7.0), (1.1,), (0.9,), (1.2, 1.0), (1.0, 1.0))
    result = phase_result(of_rounds(*rounds), "forward")
    assert result is not None
    medians = [median(samples) for samples in rounds]
    width = T_FOR_FIVE * stdev(medians) / 5**0.5
    assert result.median_s == 1.0
    assert result.low_s == pytest.approx(1.0 - width)
    assert result.high_s == pytest.approx(1.0 + width)
    assert result.relative == pytest.approx(width)
    assert (result.n, result.rounds) == (9, 5)


def test_mean_and_minimum_are_of_all_samples() -> None:
    rounds = ((1.0, 1.0, 7.0), (1.5,), (0.5,))
    result = phase_result(of_rounds(*rounds), "forward")
    assert result is not None
    assert result.mean_s == pytest.approx(fmean([1.0, 1.0, 7.0, 1.5, 0.5]))
    assert result.min_s == 0.5


def test_one_round_has_no_interval_rather_than_a_narrow_one() -> None:
    result = phase_result(of_rounds((1.0, 1.1)), "forward")
    assert result is not None
    assert (result.low_s, result.high_s, result.relative, result.mean_relative) == (None, None, None, None)


def test_an_interval_never_reaches_below_zero() -> None:
    result = phase_result(of_rounds((1.0,), (9.0,)), "forward")
    assert result is not None
    assert result.low_s == 0.0


@pytest.mark.parametrize("rounds", [(), ((),)])
def test_without_a_sample_there_is_no_result(rounds: tuple[tuple[float, ...], ...]) -> None:
    assert phase_result(of_rounds(*rounds), "forward") is None
    assert phase_result(of_rounds((1.0,)), "inference") is None


def test_three_processes_are_the_repeats_and_not_their_rounds() -> None:
    """Rounds of one process agree to the last digit; only the processes differ."""
    one, two, three = (of_rounds((value,), (value,), (value,)) for value in (1.0, 1.2, 1.4))
    result = phase_result(merge(merge(one, two), three), "forward")
    assert result is not None
    assert result.median_s == 1.2
    assert result.high_s == pytest.approx(1.2 + 4.303 * stdev([1.0, 1.2, 1.4]) / 3**0.5)


def test_all_measured_phases_at_once() -> None:
    taken = measurement(CASE, 1.0, factors={"forward": 1.0, "inference": 0.75})
    assert phase_results(taken) == {
        "forward": phase_result(taken, "forward"),
        "inference": phase_result(taken, "inference"),
    }


def test_the_published_method_is_headed_by_its_mean() -> None:
    result = phase_result(of_rounds((1.0, 1.0, 4.0)), "forward")
    assert result is not None
    assert headline_s(PROTOCOLS["original"], result) == 2.0
    assert headline_s(PROTOCOLS["default"], result) == 1.0


def test_throughput_is_the_batch_over_the_mean() -> None:
    result = phase_result(of_rounds((1.0, 1.0, 4.0)), "forward")
    assert result is not None
    assert throughput_per_s(CASE, result) == 4.0
    zero = phase_result(of_rounds((0.0,)), "forward")
    assert zero is not None
    assert throughput_per_s(CASE, zero) is None


def test_a_histogram_counts_every_sample_once() -> None:
    found = histogram([0.0, 1.0, 1.0, 2.0, 3.9, 4.0], 4)
    assert found is not None
    assert found.counts == (1, 2, 1, 2)
    assert found.edges == (0.0, 1.0, 2.0, 3.0, 4.0)


def test_equal_samples_are_one_bin() -> None:
    found = histogram([2.0, 2.0], 5)
    assert found is not None
    assert (found.counts, found.edges) == ((2,), (2.0, 2.0))


def test_a_histogram_of_nothing_is_none_and_of_no_bins_a_mistake() -> None:
    assert histogram([], 5) is None
    with pytest.raises(ValueError, match="at least one bin"):
        histogram([1.0], 0)

"""The selftest's own statistics, on numbers made for it."""

from __future__ import annotations

import math
import random

import pytest

from cvbench_tui.selftest.figures import Point, at_least, compare, fit, median_interval


def test_six_values_give_the_whole_range_and_five_give_nothing():
    assert median_interval([1, 2, 3, 4, 5]) is None
    assert median_interval([6, 1, 5, 2, 4, 3]) == (1, 6)


def test_more_values_leave_the_extremes_out():
    # n = 9: the second smallest and the second largest hold the median with 96.1%, the third with 82%.
    assert median_interval(range(9)) == (1, 7)
    assert median_interval([*range(8), 1000]) == (1, 7)


def test_the_interval_covers_the_median_as_often_as_it_says():
    numbers = random.Random(7)
    intervals = [median_interval([numbers.lognormvariate(0, 1) for _ in range(12)]) for _ in range(2000)]
    covered = sum(low <= 1 <= high for low, high in intervals)
    assert 0.95 <= covered / 2000 <= 0.985  # 96.1% by the binomial


def test_a_comparison_pairs_runs_in_the_order_taken():
    found = compare([1.02] * 8, [1.0, 1.04] * 4)
    assert found.ratio == pytest.approx(math.sqrt(1.02 / 1.04 * 1.02))
    assert found.low == pytest.approx(1.02 / 1.04)
    assert found.high == pytest.approx(1.02)
    assert found.pairs == 8


def test_scatter_is_that_of_the_pairs_and_not_of_the_machine():
    """Both sides at twice the time agree as well as before."""
    assert compare([1.0, 2.0, 1.0, 2.0], [1.0, 2.0, 1.0, 2.0]).scatter == 0.0
    assert compare([1.0, 1.0, 5.0, 1.0, 1.0, 1.0], [1.0] * 6).scatter == 0.0  # one bad run is not typical
    numbers = random.Random(2)
    assert compare([math.exp(numbers.gauss(0, 0.05)) for _ in range(999)], [1.0] * 999).scatter == pytest.approx(
        0.05, rel=0.1
    )
    assert compare([1.0], [1.0]).scatter == math.inf


@pytest.mark.parametrize(("ours", "theirs"), [([], []), ([1.0], [1.0, 2.0])])
def test_sides_must_have_equally_many(ours, theirs):
    with pytest.raises(ValueError, match="as many runs"):
        compare(ours, theirs)


def test_a_line_through_exact_points_is_found():
    points = [Point(seconds, 3e-6 + 1.001 * seconds, 0.0) for seconds in (1e-4, 1e-3, 1e-2, 1e-1, 1.0)]
    found = fit(points)
    assert found.slope == pytest.approx(1.001, abs=1e-9)
    assert found.intercept_s == pytest.approx(3e-6, abs=1e-12)
    assert (found.slope_half_width, found.intercept_half_width_s) == (0, 0)


def test_an_error_of_a_long_point_does_not_drown_the_intercept():
    points = [Point(seconds, seconds, 1e-9) for seconds in (1e-4, 1e-3, 1e-2, 1e-1)]
    found = fit([*points, Point(1.0, 1.002, 0.002)])
    assert abs(found.intercept_s) < 1e-6
    assert found.slope_half_width > 1e-5


def test_a_line_needs_two_durations():
    with pytest.raises(ValueError, match="two different"):
        fit([Point(1.0, 1.0, 0.0), Point(1.0, 1.1, 0.0)])


def test_binomial_tails():
    assert at_least(0, 10, 0.05) == pytest.approx(1.0)
    assert at_least(1, 10, 0.05) == pytest.approx(1 - 0.95**10)
    assert at_least(0, 0, 0.05) == 1.0

import math
import random
import time
from itertools import product
from statistics import median

import pytest

from cvbench_tui.core.stats.estimate import (
    MIN_WALSH,
    T_975,
    WALSH_SHARE,
    _signed_rank,
    centre,
    estimate,
    half_widths,
    precise,
    walsh_averages,
)


def visits(*levels: float) -> list[list[tuple[float, ...]]]:
    return [[(level,) * 3] for level in levels]


def test_two_and_three_values_have_students_t():
    # mean 2, standard deviation 1, t(2) = 4.303
    assert half_widths([1.0, 2.0, 3.0]) == pytest.approx((4.303 / 3**0.5,) * 2)
    assert half_widths([1.0, 2.0]) == pytest.approx((12.706 * 0.5,) * 2)
    assert half_widths([1.0]) is None


def test_from_four_values_on_it_is_students_t_over_the_quarters_of_the_time():
    falling = [8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]
    # quarters 7.5, 5.5, 3.5, 1.5: standard deviation 2.582, t(3) = 3.182
    assert half_widths(falling) == pytest.approx((3.182 * 20**0.5 / 3**0.5 / 2,) * 2)


def test_where_the_quarters_agree_by_chance_it_is_a_share_of_the_walsh_interval():
    alike = [1.0, 3.0] * 4  # every quarter has the centre 2
    averages = sorted(walsh_averages(alike))
    rank = _signed_rank(8)
    wanted = WALSH_SHARE * (median(averages) - averages[rank - 1]), WALSH_SHARE * (averages[-rank] - median(averages))
    assert half_widths(alike) == pytest.approx(wanted)
    assert min(wanted) > 0


def test_the_rank_is_that_of_the_exact_distribution():
    """The published tables: W(0.025) of 6, 10, 20 pairs is 0, 8, 52, and the interval ends one place inside."""
    assert [_signed_rank(count) for count in (5, MIN_WALSH, 10, 20)] == [0, 1, 9, 53]
    sums = [sum(rank for rank, positive in enumerate(signs, 1) if positive) for signs in product((0, 1), repeat=8)]
    rank = _signed_rank(8)
    assert sum(total <= rank - 1 for total in sums) / len(sums) <= 0.025 < sum(total <= rank for total in sums) / 256


def test_the_centre_is_the_median_of_the_means_of_all_pairs():
    # of 1, 2, 6: 1, 1.5, 2, 3.5, 4, 6
    assert centre([6, 1, 2]) == 2.75
    assert centre([5.0]) == 5.0
    assert centre([1.0, 1.0, 1.0, 1.0, 100.0]) == 1.0  # does not follow one odd round in five


def test_the_estimate_is_the_centre_on_logarithms_and_its_ends_are_as_many_times_away():
    found = estimate([[(1.0, 2.0, 9.0), (4.0, 4.0), (8.0, 8.0, 8.0)]])
    assert found.median_s == pytest.approx(4.0)  # of 2, 4 and 8
    assert found.high_s / found.median_s == pytest.approx(found.median_s / found.low_s)


def test_an_interval_is_never_wider_than_the_estimate_and_never_reaches_zero():
    found = estimate([[(1.0,), (1000.0,)]])
    assert found.relative == pytest.approx(1.0)
    assert found.low_s > 0


@pytest.mark.parametrize("odd", [0.0, -1.0, math.inf, math.nan])
def test_samples_that_are_no_durations_have_no_interval(odd):
    found = estimate(visits(1.0, odd, 1.0))
    assert (found.low_s, found.relative) == (None, None)


def test_one_round_has_no_interval_and_no_samples_no_estimate():
    assert estimate([[(1.0, 2.0)]]).half_width_s is None
    assert estimate([[]]) is None
    assert estimate([]) is None


def test_three_visits_are_the_repeats_not_their_rounds():
    calm = [(1.0,)] * 10
    apart = [[(1.0,)] * 10, [(1.1,)] * 10, [(0.9,)] * 10]
    assert estimate([calm, calm]).half_width_s == 0
    logs = half_widths([math.log(1.0), math.log(1.1), math.log(0.9)])
    found = estimate(apart)
    assert math.log(found.high_s / found.median_s) == pytest.approx(logs[1])


def test_precise_needs_a_narrow_interval_and_agreeing_halves():
    assert precise([1.0, 1.001, 0.999, 1.0, 1.001], 0.01)
    assert not precise([1.0, 1.2, 0.8, 1.1, 0.9], 0.01)
    assert not precise([1.0], 0.01)
    assert not precise([1.0, 0.0], 0.01)
    drift = [1 + 0.02 * step / 11 for step in range(12)]
    assert not precise(drift, 0.0075)


@pytest.mark.parametrize("count", [3, 5, 6, 10, 20])
def test_the_interval_covers_the_truth_about_as_often_as_it_says(count):
    draw = random.Random(count)
    hits = 0
    for _ in range(2000):
        found = estimate(visits(*(math.exp(draw.gauss(0, 0.02)) for _ in range(count))))
        hits += found.low_s <= 1.0 <= found.high_s
    assert 0.94 <= hits / 2000 <= 0.98


def test_t_is_the_tables():
    assert T_975 == (12.706, 4.303, 3.182, 2.776)


def test_many_values_have_nearly_the_exact_interval_in_little_time():
    """Exact counts of Wilcoxon's signed ranks, computed once by the method for few values."""
    for count, exact in ((101, 1998), (150, 4619), (200, 8445)):
        assert abs(_signed_rank(count) - exact) <= 1
    began_s = time.process_time()
    assert 0 < _signed_rank(1_000) < 1_000 * 1_001 / 4
    assert time.process_time() - began_s < 0.1

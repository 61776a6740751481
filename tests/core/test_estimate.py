import random

import pytest

from cvbench_tui.core.stats.estimate import PEEKING, centre, estimate, half_width, precise, t_975


def test_students_t_is_the_tables():
    assert [t_975(n) for n in (1, 4, 11, 30)] == [12.706, 2.776, 2.201, 2.042]
    assert t_975(60) == pytest.approx(2.000, rel=1e-3)
    assert t_975(10_000) == pytest.approx(1.960, rel=1e-3)
    with pytest.raises(ValueError, match="degree"):
        t_975(0)


def test_the_interval_of_five_values_by_hand():
    # mean 3, standard deviation sqrt(2.5), t(4) = 2.776, times what looking costs
    assert half_width([1, 2, 3, 4, 5]) == pytest.approx(PEEKING * 2.776 * 2.5**0.5 / 5**0.5)
    assert half_width([1.0]) is None


def test_the_centre_is_the_median_of_the_means_of_all_pairs():
    # of 1, 2, 6: 1, 1.5, 2, 3.5, 4, 6
    assert centre([6, 1, 2]) == 2.75
    assert centre([5.0]) == 5.0
    assert centre([1.0, 1.0, 1.0, 1.0, 100.0]) == 1.0  # does not follow one odd round in five


def test_the_estimate_is_the_centre_of_round_medians():
    found = estimate([[(1.0, 2.0, 9.0), (3.0, 3.0), (4.0, 4.0, 4.0)]])
    assert found is not None
    assert found.median_s == centre([2.0, 3.0, 4.0]) == 3.0
    assert found.relative == pytest.approx(found.half_width_s / 3.0)


def test_one_round_has_no_interval_and_no_samples_no_estimate():
    assert estimate([[(1.0, 2.0)]]).half_width_s is None
    assert estimate([[]]) is None
    assert estimate([]) is None


def test_three_processes_are_the_repeats_not_their_rounds():
    calm = [(1.0,)] * 10
    apart = [[(1.0,)] * 10, [(1.1,)] * 10, [(0.9,)] * 10]
    assert estimate([calm, calm]).half_width_s == 0
    assert estimate(apart).half_width_s == pytest.approx(half_width([1.0, 1.1, 0.9]))


def test_precise_needs_a_narrow_interval_and_agreeing_halves():
    assert precise([1.0, 1.001, 0.999, 1.0, 1.001], 0.01)
    assert not precise([1.0, 1.2, 0.8, 1.1, 0.9], 0.01)
    assert not precise([1.0], 0.01)
    # A slow drift of 2% in all: the spread alone would pass at 1.2%, the halves differ by more.
    drift = [1 + 0.02 * step / 11 for step in range(12)]
    assert half_width(drift) < 0.0075 * centre(drift)
    assert not precise(drift, 0.0075)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    draw = random.Random(9)
    hits = 0
    for _ in range(3000):
        rounds = [[draw.gauss(1.0, 0.02) for _ in range(9)] for _ in range(6)]
        found = estimate([rounds])
        hits += abs(found.median_s - 1.0) <= found.half_width_s
    # Six rounds that nobody looked at before: the factor makes 96.2% of Student's 95%.
    assert 0.952 <= hits / 3000 <= 0.972


def test_processes_cover_as_well_with_luck_of_their_own():
    draw = random.Random(8)
    hits = 0
    for _ in range(1000):
        processes = [[[draw.gauss(luck, 0.01) for _ in range(5)] for _ in range(5)] for luck in _lucks(draw)]
        found = estimate(processes)
        hits += abs(found.median_s - 1.0) <= found.half_width_s
    assert 0.93 <= hits / 1000 <= 0.97


def _lucks(draw: random.Random) -> list[float]:
    return [draw.gauss(1.0, 0.02) for _ in range(3)]

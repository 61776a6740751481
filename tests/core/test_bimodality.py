from random import Random

import pytest

from cvbench_tui.core.stats.bimodality import find_bimodality, undecided


def gauss(seed: int, count: int, middle: float = 1.0, deviation: float = 0.01) -> list[float]:
    draw = Random(seed)
    return [draw.gauss(middle, deviation) for _ in range(count)]


def test_two_speeds_are_found_with_their_shares():
    found = find_bimodality(gauss(1, 70) + gauss(2, 30, 1.2))
    assert found is not None
    assert found.low_s == pytest.approx(1.0, rel=0.01)
    assert found.high_s == pytest.approx(1.2, rel=0.01)
    assert found.gap == pytest.approx(0.2, rel=0.05)
    assert found.share_high == 0.3


def test_a_fast_minority_is_a_mode_too():
    found = find_bimodality(gauss(1, 15, 0.8) + gauss(2, 85))
    assert found is not None
    assert found.share_high == 0.85


def test_one_distribution_is_not_two():
    draw = Random(4)
    for shape in (
        lambda: draw.gauss(1, 0.01),
        lambda: draw.uniform(1, 2),
        lambda: draw.lognormvariate(0, 0.3),
        lambda: 1 + draw.expovariate(10),
        lambda: 1 + draw.gauss(0, 0.01) + (draw.uniform(0.5, 2) if draw.random() < 0.05 else 0),
    ):
        assert sum(find_bimodality([shape() for _ in range(120)]) is not None for _ in range(100)) <= 2


def test_outliers_near_modes_and_few_samples_are_no_modes():
    assert find_bimodality(gauss(1, 95) + gauss(2, 5, 1.5)) is None
    assert find_bimodality(gauss(1, 50, 1.0, 0.0005) + gauss(2, 50, 1.015, 0.0005)) is None
    assert find_bimodality([1.0] * 5 + [2.0] * 5) is None
    assert find_bimodality([]) is None
    assert find_bimodality([1.0] * 100) is None
    assert find_bimodality([0.0, -1.0, *[1.0] * 40]) is None


def test_equal_samples_of_two_values_are_two_modes():
    found = find_bimodality([1.0] * 60 + [1.5] * 40)
    assert found is not None
    assert (found.low_s, found.high_s) == pytest.approx((1.0, 1.5))


def test_a_small_group_is_undecided_and_a_large_one_or_none_is_not():
    assert undecided(gauss(1, 115) + gauss(2, 7, 1.5))
    assert not undecided(gauss(1, 60) + gauss(2, 60, 1.5))
    assert not undecided(gauss(1, 120))

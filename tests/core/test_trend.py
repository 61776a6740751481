from random import Random

import pytest

from cvbench_tui.core.stats.trend import slope, trend


def test_the_slope_is_the_change_from_first_to_last():
    assert slope([1.0, 1.01, 1.02, 1.03, 1.04]) == pytest.approx(0.04 / 1.02)
    assert slope([1.0, 1.01, 1.02, 9.0, 1.04]) == pytest.approx(0.04 / 1.02, rel=0.5)  # one odd value
    assert slope([1.0]) == 0.0
    assert slope([]) == 0.0


def test_a_trend_is_told_from_noise():
    draw = Random(5)
    calls = sum(trend([draw.gauss(1, 0.01) for _ in range(8)]) != 0.0 for _ in range(1000))
    assert calls <= 60
    found = [trend([draw.gauss(1 + 0.01 * step, 0.005) for step in range(10)]) for _ in range(100)]
    assert sum(0.06 < each < 0.12 for each in found) >= 95


def test_a_step_is_a_trend_and_four_values_are_none():
    assert trend([1.0, 1.001, 0.999, 1.0, 1.1, 1.101, 1.099, 1.1]) == pytest.approx(0.1, rel=0.3)
    assert trend([4.0, 3.0, 2.0, 1.0]) == 0.0
    assert trend([5.0, 4.0, 3.0, 2.0, 1.0]) < -1

"""Student's t against printed tables, and Holm's correction against the example that everybody prints."""

from __future__ import annotations

import math

import pytest

from cvbench_tui.core.stats.estimate import T_975
from cvbench_tui.core.stats.student import holm, quantile, two_sided_p, upper_p
from tests.every import every

TABLE = {  # degrees of freedom: quantiles of 0.95, 0.975, 0.99, 0.995, 0.9995 (Abramowitz and Stegun, table 26.10)
    1: (6.314, 12.706, 31.821, 63.657, 636.619),
    2: (2.920, 4.303, 6.965, 9.925, 31.598),
    3: (2.353, 3.182, 4.541, 5.841, 12.924),
    5: (2.015, 2.571, 3.365, 4.032, 6.869),
    8: (1.860, 2.306, 2.896, 3.355, 5.041),
    20: (1.725, 2.086, 2.528, 2.845, 3.850),
    120: (1.658, 1.980, 2.358, 2.617, 3.373),
}
SHARES = (0.95, 0.975, 0.99, 0.995, 0.9995)


@every("freedom", list(TABLE))
def test_quantiles_are_those_of_the_table(freedom):
    for share, printed in zip(SHARES, TABLE[freedom], strict=True):
        assert quantile(share, float(freedom)) == pytest.approx(printed, rel=5e-4)  # of 4 printed digits


@every("freedom", [0.5, 1.0, 2.5, 7.3, 40.0, 1000.0])
def test_a_quantile_has_its_own_tail(freedom):
    for share in SHARES:
        found = quantile(share, freedom)
        assert upper_p(found, freedom) == pytest.approx(1 - share, rel=1e-6)
        assert two_sided_p(-found, freedom) == pytest.approx(2 * (1 - share), rel=1e-6)
        assert upper_p(-found, freedom) == pytest.approx(share, rel=1e-6)


def test_closed_forms_of_one_and_two_degrees_of_freedom():
    for t in (0.0, 0.1, 1.0, 3.0, 50.0, 1e6):
        assert upper_p(t, 1.0) == pytest.approx(0.5 - math.atan(t) / math.pi, rel=1e-6)
        assert upper_p(t, 2.0) == pytest.approx(0.5 - t / (2 * math.sqrt(2 + t * t)), rel=1e-4, abs=1e-15)


def test_the_ends():
    assert two_sided_p(0.0, 3.0) == 1.0
    assert two_sided_p(math.inf, 3.0) == 0.0
    assert upper_p(-math.inf, 3.0) == 1.0
    assert two_sided_p(1e200, 30.0) == 0.0
    assert quantile(0.975, 1e6) == pytest.approx(1.959964, rel=1e-5)
    assert [round(quantile(0.975, float(freedom)), 3) for freedom in range(1, 5)] == list(T_975)


def test_holm_multiplies_the_least_by_all_and_each_next_by_one_fewer():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.2]) == [0.2]
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_holm_keeps_the_order_and_is_never_below_the_value():
    values = [0.001 * place**2 for place in range(20)]
    adjusted = holm(values)
    assert adjusted == sorted(adjusted)
    assert all(made >= value for made, value in zip(adjusted, values, strict=True))

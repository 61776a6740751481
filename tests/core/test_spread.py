from random import Random

import pytest

from cvbench_tui.core.stats.spread import autocorrelation, between_share, quantile


def test_quantiles_lie_between_neighbours():
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([1.0, 2.0], 0.25) == 1.25
    assert quantile(range(101), 0.95) == pytest.approx(95)
    assert quantile(range(1001), 0.99) == pytest.approx(990)
    with pytest.raises(ValueError, match="quantile"):
        quantile([1.0], 1.5)


def test_a_rare_quantile_needs_samples_beyond_it():
    assert quantile(range(39), 0.95) is None
    assert quantile(range(39), 0.05) is None
    assert quantile(range(40), 0.05) is not None
    assert quantile(range(499), 0.99) is None
    assert quantile([], 0.5) is None


def test_the_share_between_rounds_is_zero_for_repeats_and_one_for_levels():
    draw = Random(6)
    alike = [[draw.gauss(1, 0.01) for _ in range(50)] for _ in range(8)]
    apart = [[draw.gauss(level, 0.001) for _ in range(50)] for level in (1.0, 1.1, 0.9, 1.05)]
    assert between_share(alike) < 0.05
    assert between_share(apart) > 0.99
    assert between_share([[1.0, 1.0]] * 3) is None
    assert between_share([[1.0, 1.1]]) is None


def test_autocorrelation_of_an_ar1_series_is_its_rho():
    draw = Random(7)
    series, state = [], 0.0
    for _ in range(4000):
        state = 0.6 * state + draw.gauss(0, 0.01)
        series.append(1 + state)
    assert autocorrelation([series[start : start + 500] for start in range(0, 4000, 500)]) == pytest.approx(
        0.6, abs=0.05
    )
    assert autocorrelation([[draw.gauss(1, 0.01) for _ in range(2000)]]) == pytest.approx(0, abs=0.1)
    assert autocorrelation([[1.0, 2.0]]) is None
    assert autocorrelation([[1.0] * 50]) is None

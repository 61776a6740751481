from __future__ import annotations

import pytest

from cvbench_tui.results.stats.series import histogram


def test_a_histogram_counts_every_sample_once() -> None:
    assert histogram([0.0, 1.0, 1.0, 2.0, 3.9, 4.0], 4) == ((1, 2, 1, 2), (0.0, 1.0, 2.0, 3.0, 4.0))


def test_equal_samples_are_one_bin() -> None:
    assert histogram([2.0, 2.0], 5) == ((2,), (2.0, 2.0))


@pytest.mark.parametrize(("samples", "bins"), [([], 5), ([1.0], 0)])
def test_a_histogram_of_nothing_or_of_no_bins_is_a_mistake(samples: list[float], bins: int) -> None:
    with pytest.raises(ValueError, match="at least one bin"):
        histogram(samples, bins)

from __future__ import annotations

import pytest

from cvbench_tui.results.stats.histogram import count


def test_a_histogram_counts_every_sample_once() -> None:
    found = count([0.0, 1.0, 1.0, 2.0, 3.9, 4.0], 4)
    assert found is not None
    assert found.counts == (1, 2, 1, 2)
    assert found.edges == (0.0, 1.0, 2.0, 3.0, 4.0)


def test_equal_samples_are_one_bin() -> None:
    found = count([2.0, 2.0], 5)
    assert found is not None
    assert (found.counts, found.edges) == ((2,), (2.0, 2.0))


def test_a_histogram_of_nothing_is_none_and_of_no_bins_a_mistake() -> None:
    assert count([], 5) is None
    with pytest.raises(ValueError, match="at least one bin"):
        count([1.0], 0)

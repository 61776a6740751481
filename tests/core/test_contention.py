from dataclasses import replace

import pytest

from cvbench_tui.core.stats.contention import contention_of
from tests.core.graded import CALM


def test_the_wait_lies_between_the_mean_of_the_threads_and_their_sum():
    found = contention_of([replace(CALM, waited_s=0.5 * CALM.wall_s, cpu_s=15.5 * CALM.wall_s)] * 3)
    assert (found.in_sum, found.threads) == pytest.approx((0.5, 16))
    assert (found.in_sum / found.threads, found.share) == pytest.approx((0.5 / 16, 0.5 / 4))


def test_without_cpu_seconds_it_is_one_threads():
    found = contention_of([replace(CALM, waited_s=0.013, cpu_s=None)])
    assert found.share == found.in_sum == pytest.approx(0.1)


def test_what_is_not_told_is_not_known():
    assert contention_of([]) is None
    assert contention_of([replace(CALM, waited_s=None)]) is None

"""The search for the largest batch that fits: few tries, near the true one, and none that cannot be right."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from cvbench_tui.core.event import MOST_TRIES, BatchTry
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.engine.batch_search import MOST, BatchSearch

QUICK = PROTOCOLS["quick"]
MB = 1_000_000
Memory = Callable[[int], float]  # bytes by batch


def searched(memory: Memory, room: float, *, known: bool = True) -> BatchSearch:
    """A search on a device with so much room. Without ``known`` no try tells what it took."""
    search = BatchSearch(QUICK)
    while (batch := search.next) is not None:
        took = memory(batch)
        fits = took <= room
        figures = (int(took), int(room)) if fits and known else (None, None)
        search.record(BatchTry(batch, fits, *figures, 0.0001 * batch if fits else None))
        assert len(search.tries) <= MOST_TRIES
    return search


def largest(memory: Memory, room: float) -> int:
    low, high = 0, MOST + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if memory(middle) <= room else (low, middle)
    return low


@pytest.mark.parametrize("each", [0.05 * MB, 1 * MB, 34 * MB, 400 * MB], ids="{:.0f}".format)
@pytest.mark.parametrize("fixed", [0, 100 * MB, 900 * MB], ids="{:.0f}".format)
@pytest.mark.parametrize("room", [4_000 * MB, 80_000 * MB], ids="{:.0f}".format)
def test_memory_in_proportion_to_the_batch_is_found_in_few_tries(each, fixed, room):
    search, true = searched(lambda batch: fixed + each * batch, room), largest(lambda batch: fixed + each * batch, room)
    assert 0.96 * true - 1 <= search.found <= true
    assert len(search.tries) <= 7
    assert [one.batch for one in search.tries] == list(dict.fromkeys(one.batch for one in search.tries))


def test_most_uneven_memory_is_found_within_5_percent():
    """Allocators round up, libraries choose other algorithms: steps, curvature and noise of half a percent."""
    far, draw = [], random.Random(1)
    for _ in range(1500):
        fixed, each = draw.choice((0, 1, 66, 100, 500)) * MB, 10 ** draw.uniform(5.0, 8.5)
        step, at = draw.choice((0, 0, 64)) * MB, draw.choice((3, 10, 50))
        bend, room, seed = draw.choice((1.0, 1.0, 1.03, 0.97)), 10 ** draw.uniform(9.3, 11), draw.random()

        def even(batch, fixed=fixed, each=each, step=step, at=at, bend=bend):
            return fixed + each * batch**bend + step * (batch >= at)

        def memory(batch, even=even, seed=seed):
            return even(batch) * (1 + random.Random(seed + batch).uniform(-0.005, 0.005))

        search, true = searched(memory, room), largest(even, room)
        if true:
            assert search.found is not None
            far.append(search.found < 0.95 * true - 1)
    assert sum(far) <= 0.01 * len(far)


def test_what_does_not_fit_at_two_is_tried_at_one():
    assert [each.batch for each in searched(lambda batch: batch * 600 * MB, 1000 * MB).tries] == [2, 1]
    alone = searched(lambda batch: 2000 * MB, 1000 * MB)
    assert ([each.batch for each in alone.tries], alone.found) == ([2, 1], None)


def test_a_fixed_part_that_leaves_room_for_little_more_is_no_end():
    search = searched(lambda batch: 900 * MB + batch * MB, 1000 * MB)
    assert search.found >= 95


def test_the_largest_that_is_tried_is_the_largest_that_may_be_named():
    assert searched(lambda batch: 100.0 * batch, 4_000 * MB).found == MOST


def test_without_figures_it_is_halved():
    search = searched(lambda batch: batch * 50 * MB, 1000 * MB, known=False)
    assert 19 <= search.found <= 20


def test_no_more_tries_than_eight_whatever_they_say():
    search, draw = BatchSearch(QUICK), random.Random(3)
    while (batch := search.next) is not None:
        fits = draw.random() < 0.5
        search.record(BatchTry(batch, fits, *((batch * MB, 1000 * MB) if fits else (None, None))))
    assert len(search.tries) <= MOST_TRIES


def test_a_batch_at_which_a_visit_would_not_end_in_its_time_is_too_slow():
    search = BatchSearch(replace(QUICK, timeout_s=1800.0, silence_s=300.0))
    assert search.too_slow(1 << 16) is None  # nothing is known yet
    search.record(BatchTry(2, True, 100 * MB, 20_000 * MB, 1.0))
    assert search.too_slow(100) is None
    assert search.too_slow(560) == pytest.approx(7 * 280.0)  # seven iterations at the least
    silent = BatchSearch(replace(QUICK, timeout_s=7200.0, silence_s=200.0), list(search.tries))
    assert silent.too_slow(450) is not None  # a single iteration is longer than a worker may be silent

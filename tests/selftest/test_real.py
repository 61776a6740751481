"""The traps through the real worker: request, build, warm-up, rounds, grade, verdict."""

from __future__ import annotations

import pytest

from cvbench_tui.engine.live import LiveSource
from cvbench_tui.selftest.bench import Bench, Scope
from cvbench_tui.selftest.checks import CHECKS, lines_of
from cvbench_tui.selftest.reference import Reference

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def bench():
    source, reference = LiveSource(), Reference()
    yield Bench(source, reference, source.probe(), "cpu", 1, Scope(pairs=1, loop_s=0.05, durations_s=(1e-3, 2e-2)))
    source.close()
    reference.close()


@pytest.mark.parametrize(
    "title",
    [
        "empty call",
        "busy machine",
        # On a machine that is busy with other tests the hidden thread may get too little of a core to be seen.
        pytest.param("async trap", marks=pytest.mark.slow),
    ],
)
def test_a_trap_is_seen(bench, title):
    lines = list(lines_of(title, dict(CHECKS)[title], bench))
    assert {line.verdict for line in lines} == {"pass"}, lines


def test_bent_timers_make_no_number_too_short(bench):
    (line,) = lines_of("timer trap", dict(CHECKS)["timer trap"], bench)
    assert dict(line.numbers)["ratio"] >= 0.999


def test_a_programmed_duration_is_never_measured_as_shorter(bench):
    for seconds in (1e-3, 2e-2):
        taken = bench.measure(bench.layer("selftest_spin", seconds=seconds))
        assert taken.result("inference").min_s >= 0.999 * seconds
        assert taken.result("total").min_s >= 2 * 0.999 * seconds


def test_both_sides_are_asked_for_the_durations(bench):
    found = [line.figure.split()[0] for line in lines_of("durations", dict(CHECKS)["programmed durations"], bench)]
    assert found == ["slope", "intercept"]

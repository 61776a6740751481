"""The traps through the real worker: request, build, warm-up, rounds, grade, verdict."""

from __future__ import annotations

import pytest

from cvbench_tui.engine.live import LiveSource
from cvbench_tui.selftest.checks import CHECKS, lines_of
from cvbench_tui.selftest.context import CheckContext, Scope
from cvbench_tui.selftest.reference import Reference

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def context():
    source, reference = LiveSource(), Reference()
    yield CheckContext(source, reference, source.probe(), "cpu", 1, Scope(pairs=1, durations_s=(1e-3, 2e-2)))
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
def test_a_trap_is_seen(context, title):
    lines = list(lines_of(title, dict(CHECKS)[title], context))
    assert {line.verdict for line in lines} == {"pass"}, lines


def test_bent_timers_make_no_number_too_short(context):
    (line,) = lines_of("timer trap", dict(CHECKS)["timer trap"], context)
    assert dict(line.numbers)["ratio"] >= 0.999


def test_a_programmed_duration_is_never_measured_as_shorter(context):
    for seconds in (1e-3, 2e-2):
        taken = context.measure(context.layer("selftest_spin", seconds=seconds))
        assert taken.result("inference").min_s >= 0.999 * seconds
        assert taken.result("total").min_s >= 2 * 0.999 * seconds


def test_both_sides_are_asked_for_the_durations(context):
    found = [line.figure.split()[0] for line in lines_of("durations", dict(CHECKS)["durations"], context)]
    assert found == ["slope", "intercept"]

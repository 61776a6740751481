"""When a case has had enough visits, how far it is, and why its visits ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cvbench_tui.core.evidence import Visit
from cvbench_tui.core.measurement import Measurement, Notice, ResultCheck, merge
from cvbench_tui.core.protocol import PROTOCOLS, Protocol
from cvbench_tui.core.stats.visits import complete, ended_by, enough, share
from tests.core.graded import CALM, case, record, rounds

DEFAULT = replace(PROTOCOLS["default"], visits=4, max_visits=8, span_s=30.0, budget_s=100.0)
SAME, APART = (1, 1, 1, 1, 1, 1, 1, 1), (1, 1.2, 0.9, 1.1, 0.8, 1.1, 0.9, 1.2)


def visited(levels: tuple[float, ...], *, each_s: float = 10.0, timed_s: float = 0.1) -> Measurement:
    made = None
    for number, level in enumerate(levels):
        evidence = replace(CALM, timed_s=timed_s)
        visit = Visit(1000.0 + number * each_s, each_s, number)
        new = replace(case(rounds(level), record(evidence)), visit_records=(visit,))
        made = new if made is None else merge(made, new)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("measurement", "protocol", "why"),
    [
        (visited(SAME[:3]), DEFAULT, "visit"),
        (visited(SAME[:4]), DEFAULT, "precision"),
        (visited(APART[:4]), DEFAULT, "visit"),
        (visited(SAME[:5]), DEFAULT, "visit"),  # between two looks
        (visited(APART), DEFAULT, "rounds"),
        (visited(SAME), DEFAULT, "precision"),
        (visited(SAME[:4], each_s=5.0), DEFAULT, "visit"),  # 20 s of 30
        (visited(APART[:4], timed_s=30.0), DEFAULT, "budget"),
        (visited(APART[:4], timed_s=30.0, each_s=5.0), DEFAULT, "visit"),
        (visited(APART[:5], timed_s=30.0), replace(DEFAULT, visits=6, max_visits=12), "budget"),
        (visited(APART[:1]), replace(Protocol("one go"), visits=1, max_visits=1), "precision"),
    ],
)
def test_a_case_has_had_enough_when_it_is_precise_has_had_its_time_or_the_most(measurement, protocol, why):
    assert enough(measurement, protocol) is (why != "visit")
    assert ended_by(measurement, protocol) == why
    assert (share(measurement, protocol) == 1.0) is (why != "visit")


@pytest.mark.parametrize("code", ["visit_failed", "visit_skipped"])
def test_a_case_that_was_given_up_gets_no_more_visits_and_is_not_complete(code):
    given_up = replace(visited(SAME[:2]), notices=(Notice(code, "Why."),))
    assert enough(given_up, DEFAULT)
    assert share(given_up, DEFAULT) == 2 / 8
    assert not complete(given_up, DEFAULT)
    assert ended_by(given_up, DEFAULT) == "visit"


def test_the_share_is_of_the_most_visits_that_the_time_budget_lets_a_case_have():
    assert share(visited(APART[:3]), DEFAULT) == 3 / 8
    assert share(visited(APART[:3], timed_s=20.0), DEFAULT) == 3 / 5
    assert share(visited(APART[:4], timed_s=30.0, each_s=5.0), DEFAULT) == 4 / 5  # 20 s of 30


def test_a_span_and_the_processes_are_those_of_all_visits():
    measurement = visited(SAME[:3])
    assert (measurement.visits, measurement.processes, measurement.span_s) == (3, 3, 30.0)
    kept = [replace(visit, process=7) for visit in measurement.visit_records]
    assert replace(measurement, visit_records=tuple(kept)).processes == 1
    assert replace(measurement, visit_records=()).processes == 3  # of earlier versions
    assert replace(measurement, visit_records=()).span_s is None


def test_the_first_visits_check_of_the_result_stays():
    wrong = replace(visited(SAME[:1]), check=ResultCheck(0.5, 0.1))
    assert merge(wrong, visited(SAME[:1])).check == wrong.check

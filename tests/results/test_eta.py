from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvbench_tui.core.event import CaseFinished, Event, Progress
from cvbench_tui.core.measurement import Failure, Measurement, Notice
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run, fold
from cvbench_tui.results.stats import eta, outcome
from cvbench_tui.results.stats.eta import SteadyEta, done_share, eta_s
from cvbench_tui.wire import decode
from tests.results.samples import measurement, model, plan, run_of
from tests.results.test_row_counts import CASES, STARTED, events

GOOD = Path(__file__).parent.parent / "data" / "good.jsonl"
SECONDS = st.floats(0, 1e5, allow_nan=False)


def runs() -> list[Run]:
    """The run after each event: 6 cases of 9 s each, one of them failed."""
    run, all_of_them = None, []
    for line in GOOD.read_text().splitlines():
        run = fold(run, decode(line))
        all_of_them.append(run)
    return all_of_them


def equal(run: Run, whole_s: float = 60.0) -> dict[str, float]:
    return {case.case_id: whole_s / len(run.plan.cases) for case in run.plan.cases}


ROWS = [Case(model(name), "cpu", 8) for name in ("VGG16", "Resnet18", "Resnet34", "Resnet50")]
EXPECTED = dict(zip((case.case_id for case in ROWS), (100.0, 10.0, 20.0, 70.0), strict=True))


def after(*walls_s: float | None, protocol: str = "default") -> Run:
    """A run of four rows whose first took these wall seconds; None is a failure."""
    outcomes = [
        Failure(case.case_id, "error", "No.") if wall_s is None else replace(measurement(case, 0.1), wall_s=wall_s)
        for case, wall_s in zip(ROWS, walls_s, strict=False)
    ]
    return replace(run_of(plan(*ROWS, protocol=protocol), *outcomes), ended=None, ended_at_s=None)


def test_before_anything_is_measured_the_expectation_stands():
    start = runs()[0]
    assert eta_s(start, equal(start, 120.0)) == pytest.approx(120.0)
    assert done_share(start) == 0.0


def test_equal_cases_take_what_those_measured_took():
    after_one = next(run for run in runs() if len(run.measured) == 1)
    assert eta_s(after_one, equal(after_one, 1e9)) == pytest.approx(5 * 9.0)
    assert done_share(after_one) == pytest.approx(1 / 6)


def test_the_running_case_counts_by_its_fraction():
    half = next(run for run in runs() if run.progress is not None and run.progress.fraction == 0.4)
    assert eta_s(half, equal(half)) == pytest.approx((6 - 0.4) * 10.0)


def test_a_run_that_has_ended_takes_nothing_more():
    assert eta_s(runs()[-1], equal(runs()[-1])) == 0.0
    assert done_share(runs()[-1]) == 1.0
    assert eta_s(replace(after(100.0), ended="cancelled"), EXPECTED) == 0.0


def test_every_visit_to_a_case_is_work():
    start = replace(runs()[0], plan=plan(*ROWS))
    start = replace(start, plan=replace(start.plan, protocol=replace(start.plan.protocol, max_visits=20)))
    one, two = (Measurement(case.case_id, (), None, None, None, 0.1, 2.0, 2) for case in ROWS[:2])
    after_one = fold(start, CaseFinished(one))
    assert done_share(after_one) == pytest.approx(1 / 80)
    assert eta_s(after_one, equal(after_one, 1e9)) == pytest.approx(79 * 2.0)
    running = fold(fold(after_one, CaseFinished(two)), Progress(ROWS[1].case_id, "measuring", fraction=0.5))
    assert done_share(running) == pytest.approx(2.5 / 80)


def test_a_short_plan_lasts_as_long_as_the_shortest_span():
    start = replace(runs()[0], plan=plan(ROWS[0]))
    one = Measurement(ROWS[0].case_id, (), None, None, None, 0.1, 0.01, 2)
    run = fold(start, CaseFinished(one))
    assert eta_s(run, {ROWS[0].case_id: 0.1}) == pytest.approx(run.plan.protocol.span_s * 19 / 20)


def test_progress_of_a_settled_case_never_makes_it_negative():
    run = after(100.0, 10.0, 20.0, 70.0)
    assert eta_s(replace(run, progress=Progress(ROWS[0].case_id, "measuring", fraction=1.0)), EXPECTED) == 0.0
    assert done_share(replace(run, progress=Progress("another", "measuring", fraction=1.0))) == 1.0


def test_what_is_left_is_what_was_expected_of_the_open_rows():
    assert eta_s(after(), EXPECTED) == 200.0
    assert eta_s(after(100.0), EXPECTED) == 100.0
    assert done_share(after(100.0), EXPECTED) == 0.5
    assert done_share(after(100.0)) == 0.25


def test_and_as_much_longer_as_the_settled_rows_took():
    assert eta_s(after(150.0), EXPECTED) == pytest.approx(150.0)
    assert eta_s(after(50.0, 5.0), EXPECTED) == pytest.approx(45.0)


def test_one_row_that_hung_does_not_speak_for_the_others():
    assert eta_s(after(100.0, 1000.0, 20.0), EXPECTED) == pytest.approx(70.0)


def test_a_failed_row_is_settled_and_says_nothing_of_the_pace():
    assert eta_s(after(None), EXPECTED) == 100.0
    assert eta_s(after(None, 20.0), EXPECTED) == pytest.approx(180.0)


def test_a_row_without_expectation_counts_as_the_mean_of_the_others():
    known = {case_id: seconds for case_id, seconds in EXPECTED.items() if seconds != 70.0}
    assert eta_s(after(), known) == pytest.approx(130.0 * 4 / 3)
    assert done_share(after(), {}) == 0.0


def test_a_plan_without_rows_is_done():
    empty = replace(run_of(plan()), ended=None)
    assert (done_share(empty), eta_s(empty, {})) == (1.0, 0.0)


@given(st.lists(st.tuples(st.floats(0, 1e4), SECONDS), min_size=1, max_size=60))
def test_the_shown_end_never_jumps_back_by_more_than_a_tenth_and_falls_freely(showings):
    steady, now_s, before = SteadyEta(), 0.0, None
    for elapsed_s, left_s in showings:
        now_s += elapsed_s
        shown = steady.shown(now_s, left_s)
        assert 0.0 <= shown <= left_s
        if before is None:
            assert shown == left_s
        else:
            end_s, was_left_s = before
            latest_s = max(end_s, now_s) + max(1.0, was_left_s / 10)
            assert now_s + shown <= latest_s + 1e-6
            assert shown == pytest.approx(min(left_s, latest_s - now_s), abs=1e-6)
        before = (now_s + shown, shown)


@given(SECONDS, SECONDS)
def test_a_run_foreseen_wrongly_is_shown_right_in_the_end(foreseen_s, true_s):
    steady = SteadyEta()
    steady.shown(0.0, foreseen_s)
    moments = [quarter / 4 for quarter in range(1, 500)]
    shown = [steady.shown(now_s, true_s + 500 - now_s) for now_s in moments]
    assert shown[-1] == pytest.approx(true_s + 500 - moments[-1])


def test_nothing_negative_and_no_clock_that_goes_back():
    steady = SteadyEta()
    assert steady.shown(10.0, -3.0) == 0.0
    assert steady.shown(5.0, 100.0) == 1.0


def test_a_row_that_was_given_up_is_done_and_says_no_more_of_the_pace_than_it_took():
    start = replace(runs()[0], plan=plan(*ROWS[:2]))
    notice = Notice("visit_skipped", "Skipped after 1 visit.")
    one = Measurement(ROWS[0].case_id, (), None, None, None, 0.1, 5.0, 2, notices=(notice,))
    run = fold(start, CaseFinished(one))
    assert done_share(run) == pytest.approx(1 / 2)
    assert eta_s(run, {case.case_id: 100.0 for case in ROWS[:2]}) == pytest.approx(100.0)  # 5 s of a twentieth of 100


@settings(deadline=None, max_examples=200)
@given(st.lists(events, max_size=14))
def test_what_was_known_after_the_event_before_changes_no_number(found: list[Event]) -> None:
    expected = {case.case_id: 10.0 * (place + 1) for place, case in enumerate(CASES[:2])}

    def numbers(run: Run) -> tuple[float, ...]:
        return done_share(run), done_share(run, expected), eta_s(run, expected), outcome.settled_rows(run)

    states = list(accumulate([*found], fold, initial=fold(None, STARTED)))
    one_by_one = list(map(numbers, states))
    for run, known in zip(states, one_by_one, strict=True):
        eta._NEWEST.clear()
        outcome._SETTLED.clear()
        assert numbers(run) == known

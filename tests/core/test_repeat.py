"""Rows that are measured again: the better outcome counts, at the end, after a cut and after a second repeat."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

from cvbench_tui.core.event import CaseFailed, CaseFinished, CaseStarted, Event, RowsAdded, RunFinished, RunStarted
from cvbench_tui.core.measurement import Failure, Measurement, PhaseSamples
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.run import Run, fold, with_better
from cvbench_tui.engine.session import Session
from cvbench_tui.results.storage.run_file import load
from cvbench_tui.results.storage.run_index import seen
from cvbench_tui.results.storage.run_log import create_log, reopen_log
from cvbench_tui.results.storage.runs import list_runs
from tests.results.samples import DENSE

CASES = tuple(Case(DENSE, "cpu", batch) for batch in (1, 2))
PLAN = Plan("p", CASES, Protocol("plain"))
STARTED = RunStarted("20261124-151012-9f3a", PLAN, 1000.0, "0.1.0")
AGAIN = RowsAdded(CASES[:1], 2000.0)
END = RunFinished("finished", 3000.0)
CRASH = CaseFailed(Failure(CASES[0].case_id, "crashed", "Crashed."))


def measured(spread: float, case: Case = CASES[0]) -> CaseFinished:
    """Five rounds that differ by so much: the smaller, the better."""
    rounds = tuple((0.01 * (1 + spread * step),) * 3 for step in (0, 1, -1, 0.5, -0.5))
    samples = PhaseSamples("inference", rounds, 1, "perf_counter", "precision")
    return CaseFinished(Measurement(case.case_id, (samples,), None, None, None, 0.5, 2.0, 1))


FINE, FAIR, POOR = measured(0.0001), measured(0.01), measured(0.2)


def run_of(*events: Event) -> Run:
    run = reduce(fold, events, None)
    assert run is not None
    return run


def kept(run: Run) -> object:
    return run.outcomes.get(CASES[0].case_id)


def test_a_worse_repeat_leaves_the_old_numbers_and_a_better_one_replaces_them() -> None:
    assert kept(run_of(STARTED, FINE, END, AGAIN, POOR, END)) == FINE.measurement
    assert kept(run_of(STARTED, POOR, END, AGAIN, FINE, END)) == FINE.measurement
    assert kept(run_of(STARTED, FINE, END, AGAIN, CRASH, END)) == FINE.measurement
    assert kept(run_of(STARTED, CRASH, END, AGAIN, POOR, END)) == POOR.measurement
    assert kept(run_of(STARTED, FINE, END, AGAIN, END)) == FINE.measurement, "cancelled before it began"


def test_a_second_repeat_is_compared_with_the_best_so_far() -> None:
    both = (STARTED, FINE, AGAIN, POOR)
    assert kept(run_of(*both, AGAIN, FAIR, END)) == FINE.measurement
    assert kept(run_of(*both, AGAIN, END)) == FINE.measurement
    assert dict(run_of(*both, AGAIN).earlier) == {CASES[0].case_id: FINE.measurement}


def test_only_the_rows_that_are_added_are_settled_before_the_end() -> None:
    other = RowsAdded(CASES[1:], 2000.0)
    run = run_of(STARTED, FINE, measured(0.01, CASES[1]), AGAIN, POOR, other)
    assert kept(run) == POOR.measurement
    assert set(run.earlier) == {case.case_id for case in CASES}
    assert kept(with_better(run)) == FINE.measurement


def test_a_file_that_was_cut_off_in_mid_repeat_shows_the_better_result_and_goes_on(tmp_path: Path) -> None:
    with create_log(tmp_path, STARTED.run_id) as log:
        for event in (STARTED, FINE, AGAIN, CaseStarted(CASES[0].case_id, 1), POOR):
            log.append(event)
    run = load(log.path)
    assert (kept(run), dict(run.earlier), run.ended, run.pending) == (FINE.measurement, {}, None, 1)
    assert [(summary.measured, summary.failed) for summary in list_runs(tmp_path)] == [(1, 0)]

    session = Session(object(), PLAN, resume=run)  # type: ignore[arg-type]
    again = session.opening
    live = reduce(fold, again, run)
    with reopen_log(seen(tmp_path / f"{run.id}.jsonl")) as log:
        for event in (*again, FAIR, measured(0.01, CASES[1]), END):
            log.append(event)
            live = live if event in again else fold(live, event)
    assert kept(live) == FINE.measurement
    assert load(log.path) == live
    assert (live.ended, live.pending) == ("finished", 0)


def test_a_repeat_that_failed_is_counted_as_measured_in_the_list(tmp_path: Path) -> None:
    with create_log(tmp_path, STARTED.run_id) as log:
        for event in (STARTED, FINE, AGAIN, CRASH, END):
            log.append(event)
    (summary,) = list_runs(tmp_path)
    assert (summary.rows, summary.measured, summary.failed) == (2, 1, 0)
    assert len(load(log.path).measured) == 1

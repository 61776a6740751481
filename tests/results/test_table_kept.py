"""What a table takes from the one before it: the same as one made from nothing."""

from __future__ import annotations

import gc
from dataclasses import replace
from weakref import ref

from cvbench_tui.core.event import CaseStarted
from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.run import Run
from cvbench_tui.results.stats import row_data as reading
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.table import build as table
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.view import View
from tests.results.samples import measurement, plan, run_of
from tests.tui import recorded


def last_run() -> Run:
    from cvbench_tui.core.run import fold

    run: Run | None = None
    for event in recorded.good():
        run = fold(run, event)
    assert run is not None
    return run


def test_a_table_made_step_by_step_is_the_one_made_at_once() -> None:
    whole = last_run()
    views = (View(), View(reference=whole.plan.cases[0].case_id))
    known: dict[str, object] = {}
    for key, outcome in whole.outcomes.items():
        known[key] = outcome
        run = replace(whole, outcomes=dict(known))
        for view in views:
            grown = build(run, view)
            table._LAST.clear()
            assert build(replace(run), view) == grown


def test_only_what_an_event_changes_is_made_anew() -> None:
    run = last_run()
    before = build(run, View())
    key = next(key for key, outcome in run.outcomes.items() if isinstance(outcome, Measurement))
    others = {other: outcome for other, outcome in run.outcomes.items() if other != key}
    after = build(replace(run, ended=None, outcomes=others, running=CaseStarted(key, 1)), View())
    changed = [now.key for now, then in zip(after.rows, before.rows, strict=True) if now is not then]
    assert key in changed
    alike = {case.case_id for case in run.plan.cases if case.workload == run.plan.case(key).workload}
    settled = set(run.outcomes) - alike
    assert not settled & set(changed)


def test_a_reading_is_kept_as_long_as_its_measurement_and_made_anew_under_other_terms() -> None:
    case = last_run().plan.cases[0]
    taken = measurement(case, 1.0)
    run = run_of(plan(case), taken)
    first = row_data(run, case)
    assert first.measurement is taken
    assert row_data(run, case).phases is first.phases
    stricter = replace(run.plan.protocol, visits=20, max_visits=40)
    strict = replace(run, plan=replace(run.plan, protocol=stricter))
    kept = row_data(strict, case)
    reading._KEPT._known.pop(id(taken))
    assert row_data(strict, case) == kept != row_data(run, case)
    watched, key = ref(taken), id(taken)
    assert key in reading._KEPT._known
    del taken, run, strict, first, kept
    gc.collect()
    assert watched() is None
    assert key not in reading._KEPT._known

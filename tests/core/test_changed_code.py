"""A row whose code has changed is measured anew: its earlier result is of other work, not the better one of two."""

from __future__ import annotations

from dataclasses import replace

from cvbench_tui.core.event import CaseFinished, RowsAdded, RunFinished
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import fold
from cvbench_tui.core.workload import Workload
from tests.results.samples import measurement, plan, run_of

OLD = Case(Workload("model", "net.py:make", "file:/net.py:make", (3, 8, 8), (("sha256", "0" * 64),)), "cpu", 1)
NEW = replace(OLD, workload=replace(OLD.workload, params=(("sha256", "1" * 64),)))


def test_it_has_no_earlier_result_and_the_params_of_what_was_measured():
    assert OLD.case_id == NEW.case_id, "so that runs of both can be compared"
    run = fold(run_of(plan(OLD), measurement(OLD, 1.0)), RowsAdded((NEW,), 1.8e9))
    assert (run.pending, run.earlier) == (1, {})
    slower = measurement(NEW, 2.0)
    run = fold(fold(run, CaseFinished(slower)), RunFinished("finished", 1.8e9))
    assert run.measured == (slower,)
    assert run.plan.cases == (NEW,)


def test_the_same_code_keeps_the_better_one():
    first = measurement(OLD, 1.0)
    run = fold(run_of(plan(OLD), first), RowsAdded((OLD,), 1.8e9))
    assert run.earlier == {OLD.case_id: first}

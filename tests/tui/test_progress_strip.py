from __future__ import annotations

from dataclasses import replace

from cvbench_tui.core.event import CaseStarted
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.run import Run, fold
from cvbench_tui.results.state import outcome_text
from cvbench_tui.tui.progress_strip import _where
from tests.tui import recorded


def after(count: int) -> Run:
    """The recorded run after that many events."""
    run = None
    for event in recorded.good()[:count]:
        run = fold(run, event)
    assert run is not None
    return run


def test_outcomes_are_counted_by_kind() -> None:
    assert outcome_text(after(len(recorded.good()))) == "5 measured, 1 failed"
    assert outcome_text(after(1)) == "0 measured, 6 not begun"


def test_a_repetition_in_a_fresh_process_says_which_it_is() -> None:
    run = after(4)
    assert run.running is not None
    assert "process" not in _where(run).plain
    plan = replace(run.plan, protocol=PROTOCOLS["rigorous"])
    second = CaseStarted(run.running.case_id, 1, process=1)
    assert "Resnet18  cpu  batch 8  process 2 of 3" in _where(replace(run, plan=plan, running=second)).plain


def test_the_interval_so_far_stands_beside_the_one_that_is_wanted() -> None:
    run = next(run for run in map(after, range(1, 12)) if run.progress is not None and run.progress.half_width_s)
    assert "measuring total, round 2 of 12   120.0 ms \u00b12.0%, to be \u00b13.0%" in _where(run).plain
    published = replace(run, plan=replace(run.plan, protocol=PROTOCOLS["original"]))
    assert "to be" not in _where(published).plain

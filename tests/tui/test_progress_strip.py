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

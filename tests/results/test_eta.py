from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cvbench_tui.core.event import CaseFinished, Progress
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.run import Run, fold
from cvbench_tui.results.eta import done_share, eta_s
from cvbench_tui.wire import decode

GOOD = Path(__file__).parent.parent / "data" / "good.jsonl"


def runs() -> list[Run]:
    """The run after each event: 6 cases of 9 s each, one of them failed."""
    run, all_of_them = None, []
    for line in GOOD.read_text().splitlines():
        run = fold(run, decode(line))
        all_of_them.append(run)
    return all_of_them


def test_before_anything_is_measured_the_guess_stands() -> None:
    assert eta_s(runs()[0], 120.0) == 120.0
    assert done_share(runs()[0]) == 0.0


def test_then_what_is_left_takes_what_was_measured_took() -> None:
    after_one = next(run for run in runs() if len(run.measured) == 1)
    assert eta_s(after_one, 1e9) == 5 * 9.0
    assert done_share(after_one) == 1 / 6


def test_the_running_case_counts_by_its_fraction() -> None:
    half = next(run for run in runs() if run.progress is not None and run.progress.fraction == 0.4)
    assert eta_s(half, 60.0) == (6 - 0.4) * 10.0


def test_a_finished_run_takes_nothing_more() -> None:
    assert eta_s(runs()[-1], 60.0) == 0.0
    assert done_share(runs()[-1]) == 1.0


def test_every_process_of_a_case_is_work() -> None:
    start = runs()[0]
    plan = replace(start.plan, protocol=PROTOCOLS["rigorous"])
    once = next(decode(line) for line in GOOD.read_text().splitlines() if '"case_finished"' in line)
    assert isinstance(once, CaseFinished)
    run = fold(replace(start, plan=plan), once)
    assert eta_s(run, 1e9) == (3 * 6 - 1) * 9.0


def test_progress_never_makes_it_negative() -> None:
    run = runs()[-1]
    assert eta_s(replace(run, progress=Progress("x", "measuring", fraction=1.0)), 60.0) == 0.0

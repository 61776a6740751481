"""Twice the rows take twice the work, in every format: counted in calls, which no busy machine changes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cvbench_tui.base.choices import LAYOUTS
from cvbench_tui.core.event import CaseFailed, CaseFinished, Event, RowsAdded, RunFinished, RunStarted
from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.run import Run, fold
from cvbench_tui.results.export.plain_text import sentences
from cvbench_tui.results.export.registry import EXPORTERS
from cvbench_tui.results.stats.eta import done_share, eta_s
from cvbench_tui.results.storage.run_file import load
from cvbench_tui.results.storage.run_summary import summary_of
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.view import View
from tests.every import every
from tests.results.samples import ENVIRONMENT, measurement, model, run_of
from tests.storage.test_runs import write

FEW, MANY = 60, 120


def cases(rows: int) -> tuple[Case, ...]:
    return tuple(Case(model("Resnet18"), "cpu", number + 1) for number in range(rows))


def large(rows: int) -> Run:
    """A third of each: measured, failed for reasons of their own, pending."""
    all_of = cases(rows)
    failed = [Failure(case.case_id, "error", f"Why, {case.batch} times.") for case in all_of[1::3]]
    measured = [measurement(case, 0.01 * (1 + case.batch % 7)) for case in all_of[::3]]
    return run_of(Plan("large", all_of, PROTOCOLS["quick"]), *measured, *failed, environment=ENVIRONMENT)


def calls(work: Callable[[], object]) -> int:
    """Calls of functions and steps of generators."""
    count = 0

    def note(_frame: object, what: str, _argument: object) -> None:
        nonlocal count
        count += what in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def linear(work: Callable[[int], Callable[[], object]]) -> bool:
    work(FEW)()  # what is imported and cached once
    few, many = calls(work(FEW)), calls(work(MANY))
    return many < 2.3 * few + 1000


@every("name", [*EXPORTERS, *LAYOUTS, "plain", "table", "sorted", "grouped", "eta", "done"])
def test_twice_the_rows_are_twice_the_work(name: str) -> None:
    views = {"sorted": View("forward", True), "grouped": View(group="model"), "table": View()}
    work: dict[str, Callable[[Run], object]] = {
        "plain": sentences, "eta": lambda run: eta_s(run, {}), "done": done_share,
        **{suffix: lambda run, each=each: each.render(run, LAYOUTS[0], View()) for suffix, each in EXPORTERS.items()},
        **{layout: lambda run, each=layout: EXPORTERS[".md"].render(run, each, View()) for layout in LAYOUTS},
        **{view: lambda run, each=each: build(run, each) for view, each in views.items()},
    }  # fmt: skip

    def made(rows: int) -> Callable[[], object]:
        run = large(rows)
        return lambda: work[name](run)

    assert linear(made)


@every("name", ["load", "summary_of"])
def test_a_file_of_twice_the_lines_is_read_with_twice_the_work(tmp_path: Path, name: str) -> None:
    """Rows that are added one by one, each measured at once."""
    read: Callable[[Path], object] = {"load": load, "summary_of": summary_of}[name]

    def made(rows: int) -> Callable[[], object]:
        path = tmp_path / f"{name}{rows}.jsonl"
        if not path.exists():
            lines: list[Event] = [RunStarted(path.stem, Plan("p", cases(1), PROTOCOLS["quick"]), 1000.0, "0")]
            for case in cases(rows):
                lines += [RowsAdded((case,), 1.0), CaseFailed(Failure(case.case_id, "error", "Why."))]
            write(tmp_path, path.stem, [*lines, RunFinished("finished", 2.0)])
        return lambda: read(path)

    assert linear(made)


def test_the_table_after_one_more_event_makes_one_row_anew() -> None:
    run = replace(large(MANY), ended=None)
    before = build(run)
    pending = run.plan.cases[2]
    after = build(fold(run, CaseFinished(measurement(pending, 0.02))))
    same = sum(now is then for now, then in zip(after.rows, before.rows, strict=True))
    assert same == MANY - 1

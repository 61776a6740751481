"""Rows of several runs in one table: ``--beside``, and ``cvbench-tui merge``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cvbench_tui.base.nearest import quoted
from cvbench_tui.cli.outputs import print_run, unfailing_stderr
from cvbench_tui.cli.run import load_run
from cvbench_tui.core.run import Run
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.stats.together import together

if TYPE_CHECKING:
    from cvbench_tui.cli.outputs import Outputs


def loaded(reference: str, beside: Sequence[str], runs_dir: str | None) -> tuple[Run, tuple[Run, ...]]:
    """That run, and those beside it. Raises StoreError for one that is not there, SelectionError for one that is named
    twice and where none of the others has a row of the run's workloads."""
    run, *others = _all([reference, *beside], runs_dir)
    if others and not together(run, others).borrowed:
        hint = f"Every row of all of them: cvbench-tui merge {reference} {' '.join(beside)}"
        raise SelectionError(f"No row of {', '.join(beside)} is of a model or layer of {reference}.", hint)
    return run, tuple(others)


def merge(references: Sequence[str], outputs: Outputs, runs_dir: str | None) -> int:
    """Every row of those runs in one table, in the files, or printed where there is none. Returns the exit code. Raises
    StoreError for a run that is not there, SelectionError for fewer than two and for one that is named twice."""
    if len(references) < 2:
        raise SelectionError("A table of several runs needs two at least.", "cvbench-tui merge last~1 last -o table.md")
    outputs.check()
    # what was measured first: the method of the first run is said of the table
    run, *others = sorted(_all(references, runs_dir), key=lambda each: bool(each.figures))
    merged = together(run, others, every=True)
    if not outputs.files:
        print_run(merged, outputs.layout, plain=outputs.plain, view=outputs.view)
        sys.stdout.flush()
        return 0
    with unfailing_stderr():
        outputs.write(merged)
    return 2 if outputs.failed else 0


def _all(references: Sequence[str], runs_dir: str | None) -> list[Run]:
    runs = [load_run(each, runs_dir) for each in references]
    seen: dict[str, str] = {}
    for reference, run in zip(references, runs, strict=True):
        if run.id in seen:
            raise SelectionError(f"{quoted(seen[run.id])} and {quoted(reference)} are the same run.", "Name it once.")
        seen[run.id] = reference
    return runs

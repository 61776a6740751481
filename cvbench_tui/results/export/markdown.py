"""A run as markdown, in either layout. What stands in them is the layouts' business."""

from __future__ import annotations

from dataclasses import replace

from cvbench_tui.base.choices import Layout
from cvbench_tui.core.run import Run
from cvbench_tui.results.export.markdown_original import render_original
from cvbench_tui.results.export.markdown_wide import filter_line, render_wide
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.view import View


def render(
    run: Run, layout: Layout, view: View | None = None, *, sort: str | None = None, descending: bool = False
) -> str:
    """The markdown of a run as the view has it, ending in a newline; ``sort`` and ``descending`` stand for a view with
    no more than these. The original layout has columns and groups of its own and takes rows and order from the view.

    Raises SelectionError for a column that is not there.
    """
    view = view or View(sort=sort, descending=descending)
    return _original(run, view) if layout == "original" else render_wide(run, view)


def _original(run: Run, view: View) -> str:
    """The rows that the filter leaves, and that it did."""
    table = build(run, view)
    line = filter_line(table, view)
    if line:
        keys = {row.key for row in table.rows}
        cases = tuple(case for case in run.plan.cases if case.case_id in keys)
        run = replace(run, plan=replace(run.plan, cases=cases))
    text = render_original([run], sort=view.sort, descending=view.descending)
    return f"{text}\n{line}\n" if line else text

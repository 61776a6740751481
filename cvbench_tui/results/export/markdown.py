"""A run as markdown, in one of its layouts."""

from __future__ import annotations

from dataclasses import replace

from cvbench_tui.base.choices import Layout
from cvbench_tui.core.run import Run
from cvbench_tui.results.export.markdown_full import render_full
from cvbench_tui.results.export.markdown_original import render_original
from cvbench_tui.results.export.markdown_short import render_short
from cvbench_tui.results.export.markdown_table import rows_line
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.view import View


def render(run: Run, layout: Layout, view: View | None = None) -> str:
    """The run as the view has it, ending in a newline. Raises SelectionError for a column that is not there.

    The original layout has columns and groups of its own and takes rows and order from the view.
    """
    view = view or View()
    if layout != "original":
        return (render_full if layout == "full" else render_short)(run, view)
    table = build(run, view)
    shown = {row.key for row in table.rows}
    cases = tuple(case for case in run.plan.cases if case.case_id in shown)
    rows = rows_line(table, view)
    part = replace(run, plan=replace(run.plan, cases=cases)) if rows else run
    text = render_original(part, View(sort=view.sort, descending=view.descending))
    return f"{text}\n{rows}\n" if rows else text

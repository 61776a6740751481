"""A run as markdown, in one of its layouts."""

from __future__ import annotations

from cvbench_tui.base.choices import Layout
from cvbench_tui.core.run import Run
from cvbench_tui.results.export.markdown_full import render_full
from cvbench_tui.results.export.markdown_original import render_original
from cvbench_tui.results.export.markdown_short import render_short
from cvbench_tui.results.table.view import View

_LAYOUTS = {"short": render_short, "full": render_full, "original": render_original}


def render(run: Run, layout: Layout, view: View | None = None) -> str:
    """The run as the view has it, ending in a newline. Raises SelectionError for a column that is not there."""
    return _LAYOUTS[layout](run, view or View())

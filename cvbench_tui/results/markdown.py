"""A run as markdown, in either layout. What stands in them is the layouts' business."""

from __future__ import annotations

from typing import Literal

from cvbench_tui.core.run import Run
from cvbench_tui.results.original_layout import render_original
from cvbench_tui.results.wide_layout import render_wide

Layout = Literal["wide", "original"]


def render(run: Run, layout: Layout, *, sort: str | None = None, descending: bool = False) -> str:
    """The markdown of a run, ending in a newline. Raises SelectionError for a column that is not there."""
    if layout == "original":
        return render_original([run], sort=sort, descending=descending)
    return render_wide(run, sort=sort, descending=descending)

"""A run as a file: markdown, JSON or CSV by its suffix, written by ``base.atomic``."""

from __future__ import annotations

from pathlib import Path

from cvbench_tui.base.atomic import check_destination, write_atomically
from cvbench_tui.base.choices import Layout
from cvbench_tui.core.run import Run
from cvbench_tui.results.table.view import View

SUFFIXES = (".md", ".json", ".csv")


def write_output(run: Run, path: Path, *, layout: Layout = "wide", view: View | None = None) -> None:
    """Write the run in the format of the suffix: the whole file or nothing. Raises StoreError when it cannot be.

    Markdown is as the view has it. JSON keeps everything in the plan's order, CSV everything in the view's order.
    """
    check_destination(path, SUFFIXES)
    view = view or View()
    suffix = path.suffix.lower()
    # imported here: the app's dialogs want the suffixes before there is a run, and without the statistics
    if suffix == ".json":
        from cvbench_tui.results.export.json import export_json

        text = export_json(run)
    elif suffix == ".csv":
        from cvbench_tui.results.export.csv import export_csv

        text = export_csv(run, sort=view.sort, descending=view.descending)
    else:
        from cvbench_tui.results.export.markdown import render

        text = render(run, layout, view)
    write_atomically(path, text)


def check_writable(path: Path) -> None:
    """Refuse a destination that ``write_output`` could not write, with a StoreError. Leaves nothing behind."""
    check_destination(path, SUFFIXES)

"""A run as a file: markdown, JSON or CSV by its suffix, written by ``base.atomic``."""

from __future__ import annotations

from pathlib import Path

from cvbench_tui.base.atomic import check_destination, write_atomically
from cvbench_tui.base.choices import Layout
from cvbench_tui.core.run import Run
from cvbench_tui.results.table.view import View

SUFFIXES = (".md", ".json", ".csv")


def write_output(run: Run, path: Path, *, layout: Layout = "wide", view: View | None = None) -> None:
    """Write the run in the format of the suffix: the whole file or nothing. Raises StoreError when it cannot be."""
    check_destination(path, SUFFIXES)
    write_atomically(path, output_text(run, path.suffix, layout, view or View()))


def output_text(run: Run, suffix: str, layout: Layout, view: View) -> str:
    """The run in the format of the suffix, one of ``SUFFIXES``.

    Markdown is as the view has it. JSON keeps everything in the plan's order, CSV everything in the view's order.
    """
    assert suffix.lower() in SUFFIXES, suffix
    # imported here: the app's dialogs want the suffixes before there is a run, and without the statistics
    if suffix.lower() == ".json":
        from cvbench_tui.results.export.json import export_json

        return export_json(run)
    if suffix.lower() == ".csv":
        from cvbench_tui.results.export.csv import export_csv

        return export_csv(run, sort=view.sort, descending=view.descending)
    from cvbench_tui.results.export.markdown import render

    return render(run, layout, view)


def check_writable(path: Path) -> None:
    """Refuse a destination that ``write_output`` could not write, with a StoreError. Leaves nothing behind."""
    check_destination(path, SUFFIXES)

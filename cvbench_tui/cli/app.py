"""Opens the app from the command line, and prints what stays in the scrollback after it is closed."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cvbench_tui.cli.ascii_streams import only_ascii
from cvbench_tui.terminal import in_browser

if TYPE_CHECKING:
    from cvbench_tui.catalog.models import ModelEntry
    from cvbench_tui.catalog.selection import Selection
    from cvbench_tui.engine.source import EventSource


def open_app(preset: str | None, *, runs_dir: str | None = None, ascii: bool = False) -> int:  # noqa: A002
    """Open the app with the rows of ``preset``, else with the last selection. Returns its exit code.

    Raises PresetError for a preset that cannot be used.
    """
    from cvbench_tui.catalog.selection import why_not_offered
    from cvbench_tui.engine.live import LiveSource
    from cvbench_tui.results.storage import runs_folder
    from cvbench_tui.results.storage.peak_cache import PeakCache

    selection = None
    if preset:
        from cvbench_tui.catalog.presets import load_preset

        selection = load_preset(preset)
    folder = runs_folder(runs_dir)
    named: list[ModelEntry] = []
    source = LiveSource(peaks=PeakCache(folder), refuse=partial(why_not_offered, named=named))
    return show_app(source, selection=selection, runs_folder=folder, ascii=ascii, named=named)


def show_app(
    source: EventSource,
    *,
    selection: Selection | None,
    runs_folder: Path,
    ascii: bool,  # noqa: A002
    named: list[ModelEntry] | None = None,
) -> int:
    """Run the app on ``source``, then print its table on stdout and its files on stderr. Returns the exit code."""
    from cvbench_tui.tui.launch import run_app

    app = run_app(source, selection=selection, runs_folder=runs_folder, ascii=ascii, named=named)
    if in_browser():  # stdout carries the browser's packets
        return app.return_code or 0
    if app.terminal.ascii:
        only_ascii(True)
    state, view = app.run_manager.state, app.main_screen.results.view
    run, run_file = state.run, state.run_file
    if run is not None and run.outcomes and not app.return_code:
        from cvbench_tui.cli.progress import print_table
        from cvbench_tui.results.table.view import View

        print_table(run, View(sort=view.sort, descending=view.descending))
    for path in app.save_controller.saved:
        print(f"saved {path}", file=sys.stderr)  # noqa: T201
    if run_file is not None and not state.saved:
        print(f"run file {run_file.path}", file=sys.stderr)  # noqa: T201
    return app.return_code or 0

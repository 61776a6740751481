"""From the command line into the app and back: what it opens with, and what it leaves on stdout and stderr.

Imports little: the live source and pydantic come with the first question to the worker, behind the first frame.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cvbench_tui.terminal import in_browser

if TYPE_CHECKING:
    from cvbench_tui.catalog.selection import Selection
    from cvbench_tui.engine.source import EventSource
    from cvbench_tui.tui.launch import Closed


def open_app(preset: str | None, *, runs_dir: str | None = None, ascii: bool = False) -> int:  # noqa: A002
    """The app, with the preset's ticks, or with those of the last time. Returns its exit code.

    Raises PresetError for a preset that cannot be used.
    """
    from cvbench_tui.engine.lazy_source import LazySource
    from cvbench_tui.results.storage.runs_dir import runs_folder

    selection = None
    if preset:
        from cvbench_tui.catalog.presets import load_preset

        selection = load_preset(preset)
    source = LazySource(lambda: _live_source(runs_dir))
    return show_app(source, selection=selection, runs_folder=runs_folder(runs_dir), ascii=ascii)


def show_app(source: EventSource, *, selection: Selection | None, runs_folder: Path, ascii: bool) -> int:  # noqa: A002
    """The app over that source; afterwards the table on stdout and the files on stderr. Returns its exit code."""
    from cvbench_tui.tui.launch import open_app as open_textual_app

    closed = open_textual_app(source, selection=selection, runs_folder=runs_folder, ascii=ascii)
    if not in_browser():  # stdout carries the browser's packets
        _print_rest(closed)
    return closed.exit_code


def _print_rest(closed: Closed) -> None:
    """What stays in the scrollback."""
    if closed.ascii:
        from cvbench_tui.cli.ascii_streams import only_ascii

        only_ascii(True)
    if closed.run is not None and closed.run.outcomes and not closed.exit_code:
        from cvbench_tui.cli.progress import print_table

        print_table(closed.run, sort=closed.view.sort, descending=closed.view.descending)
    for line in closed.files:
        print(line, file=sys.stderr)  # noqa: T201


def _live_source(runs_dir: str | None) -> EventSource:
    """The worker's source."""
    from cvbench_tui.cli.run import live_source

    return live_source(runs_dir)

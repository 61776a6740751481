"""Opens the app as the command line asks for it, and says on the way out what is left: the table and the files."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cvbench_tui.app_start import in_browser
from cvbench_tui.catalog.selection import Selection
from cvbench_tui.engine.source import EventSource
from cvbench_tui.settings import Last, load, settings_path
from cvbench_tui.terminal import look
from cvbench_tui.tui.app import BenchApp
from cvbench_tui.tui.state.settings_store import Remembered
from cvbench_tui.tui.terminal.hangup import watch


def open_app(
    source: EventSource,
    *,
    selection: Selection | None,
    runs_folder: Path,
    protocol: str | None = None,
    ascii: bool = False,  # noqa: A002
    settings_file: Path | None = None,
) -> int:
    """Run the app until the user quits; without a selection, the last plan is ticked. Returns the exit code."""
    path = settings_file or settings_path()
    settings, problems = load(path)
    if not os.environ.get("NO_COLOR"):
        os.environ.pop("NO_COLOR", None)  # an empty one counts as unset, but the framework draws grey for it
    encoding = getattr(sys.__stderr__, "encoding", None)
    app = BenchApp(
        source,
        runs_folder=runs_folder,
        selection=selection or last_selection(settings.last),
        protocol=protocol,
        terminal=look(os.environ, "on" if ascii else settings.ascii, encoding),
        remembered=Remembered(path, settings),
        problems=problems,
    )

    def shut_down() -> None:
        app.conductor.shut_down()
        app.run_flow.gauging.stop()
        app.remembered.flush()

    watch(shut_down)
    try:
        app.run()
    finally:
        shut_down()
    _farewell(app)
    gc.freeze()  # the interpreter's last collection would go through all widgets: 0.5 s of a quit of 0.8 s
    return app.return_code or 0


def last_selection(last: Last) -> Selection | None:
    """What was ticked last, without the names that the catalog does not have any more; None when nothing is left."""
    from cvbench_tui.catalog.layers import LAYERS
    from cvbench_tui.catalog.models import MODELS
    from cvbench_tui.core.protocol import PROTOCOLS

    models = tuple(entry for entry in MODELS if entry.name in last.models)
    layers = tuple(entry for entry in LAYERS if entry.name in last.layers)
    if not models and not layers:
        return None
    protocol = last.protocol if last.protocol in PROTOCOLS else "default"
    return Selection("selection", models, layers, tuple(last.devices) or None, last.batch, last.image, protocol)


def _farewell(app: BenchApp) -> None:
    """The table on stdout and the files on stderr, so that they stay in the scrollback."""
    if in_browser():  # stdout carries the browser's packets
        return
    if app.terminal.ascii:
        from cvbench_tui.cli.ascii_streams import only_ascii

        only_ascii(True)
    run = app.conductor.run
    if run is not None and run.outcomes and not app.return_code:
        from cvbench_tui.cli.progress import print_table

        view = app.bench.results.view
        print_table(run, sort=view.sort, descending=view.descending)
    for line in _files(app.save_flow.saver.saved, app.conductor.run_file):
        print(line, file=sys.stderr)  # noqa: T201


def _files(saved: Sequence[Path], run_file: Path | None) -> list[str]:
    lines = [f"saved {path}" for path in saved]
    return lines + ([f"run file {run_file}"] if run_file is not None else [])

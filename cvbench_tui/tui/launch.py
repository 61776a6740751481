"""Opens the app for the command line."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

from cvbench_tui.catalog.models import ModelEntry
from cvbench_tui.catalog.selection import Selection
from cvbench_tui.engine.source import EventSource
from cvbench_tui.settings import Last, load, settings_path
from cvbench_tui.terminal import in_browser, look
from cvbench_tui.tui.app import BenchApp
from cvbench_tui.tui.state.settings_store import SettingsStore
from cvbench_tui.tui.terminal.hangup import end_with_parent, watch
from cvbench_tui.tui.terminal.signals import end_on_signals


def run_app(
    source: EventSource,
    *,
    selection: Selection | None,
    runs_folder: Path,
    ascii: bool,  # noqa: A002
    named: list[ModelEntry] | None = None,
) -> BenchApp:
    """Run the app until the user quits, and return it; without a selection, the last plan is ticked. ``named``: where
    models of the user's own code are noted that may be run."""
    if in_browser():
        end_with_parent()
    path = settings_path()
    settings, problems = load(path)
    if not os.environ.get("NO_COLOR"):
        os.environ.pop("NO_COLOR", None)  # an empty one counts as unset, but Textual draws grey for it
    encoding = getattr(sys.__stderr__, "encoding", None)
    app = BenchApp(
        source,
        runs_folder=runs_folder,
        selection=selection or last_selection(settings.last),
        terminal=look(os.environ, "on" if ascii else settings.ascii, encoding),
        settings_store=SettingsStore(path, settings),
        problems=problems,
        named=named,
    )

    def shut_down() -> None:
        app.run_manager.shut_down()
        app.gauges.stop()
        app.settings_store.flush()

    watch(shut_down)
    end_on_signals(app)
    try:
        app.run()
    finally:
        shut_down()
    gc.freeze()  # the interpreter's last collection would go through all widgets: 0.5 s of a quit of 0.8 s
    return app


def last_selection(last: Last) -> Selection | None:
    """What was ticked last, without the names that the catalog does not have any more; None when nothing is left."""
    from cvbench_tui.catalog.axes import known_settings
    from cvbench_tui.catalog.layers import LAYERS
    from cvbench_tui.catalog.sources import all_models
    from cvbench_tui.core.protocol import PROTOCOLS

    late = any(":" in name for name in last.models)  # of a list for which the first frame waits only then
    models = tuple(entry for entry in all_models(late=late) if entry.name in last.models)
    layers = tuple(entry for entry in LAYERS if entry.name in last.layers)
    if not models and not layers:
        return None
    chosen = known_settings(last.settings)
    protocol = last.protocol if last.protocol in PROTOCOLS else "default"
    return Selection(
        "selection",
        models,
        layers,
        tuple(last.devices) or None,
        last.batch,
        last.image,
        protocol,
        (),
        chosen,
        last.phases,
    )

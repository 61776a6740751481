"""An app with settings and a terminal of the test's choice, over a settings file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cvbench_tui.settings import load
from cvbench_tui.tui.app import BenchApp
from cvbench_tui.tui.launch import last_selection
from cvbench_tui.tui.state.settings_store import SettingsStore
from tests.replay import ReplaySource
from tests.tui import recorded


def settings_app(folder: Path, source: object = None, **options: Any) -> BenchApp:
    """As the command line opens it: the settings of ``config.toml`` in ``folder``, the last plan when none is given."""
    path = folder / "config.toml"
    settings, problems = load(path)
    (folder / "saves").mkdir(exist_ok=True)
    options.setdefault("selection", last_selection(settings.last))
    return BenchApp(
        source if source is not None else ReplaySource(recorded.good()),  # type: ignore[arg-type]
        runs_folder=folder / "runs",
        save_folder=options.pop("save_folder", folder / "saves"),
        host="testhost",
        clock=lambda: recorded.NOW_S,
        settings_store=SettingsStore(path, settings),
        problems=problems,
        **options,
    )


def write_settings(folder: Path, text: str) -> None:
    """The user's own file."""
    (folder / "config.toml").write_text(text)


def read_settings(app: BenchApp, folder: Path) -> str:
    """The file, once everything that was put is in it."""
    app.settings_store.flush()
    path = folder / "config.toml"
    return path.read_text() if path.exists() else ""

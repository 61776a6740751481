"""What the first frame waits for, seen in a fresh interpreter."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import cvbench_tui.tui
from tests.tui import recorded

PROBE = "import sys, cvbench_tui.tui.app; print(*(name for name in sys.modules))"
HEAVY = {
    "torch", "torchvision", "pydantic", "psutil", "tomlkit", "sqlite3", "_sqlite3", "markdown_it", "numpy",
    "rich.markdown", "cvbench_tui.results.stats.phase_stats",
}  # fmt: skip
SCREENS = "cvbench_tui.tui.screens."
FIRST = {f"{SCREENS}main"}
"""The one screen that is there from the start."""


def test_the_app_is_imported_without_heavy_libraries_and_dialogs() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "textual.app" in loaded
    modules = {module.name for module in pkgutil.walk_packages(cvbench_tui.tui.__path__, "cvbench_tui.tui.")}
    dialogs = {name for name in modules if name.startswith(SCREENS)} - FIRST
    names = ("places", "keys.keymap", "terminal.clipboard", "widgets.path_input")
    late = {f"cvbench_tui.tui.{name}" for name in names}
    assert {"cvbench_tui.tui.screens.save", "cvbench_tui.tui.screens.presets"} <= dialogs
    assert late <= modules
    assert loaded & (HEAVY | dialogs | late) == set()


async def test_an_app_that_is_left_before_its_first_frame_ends_in_order(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press("f10")
    app._begin()  # what waits for the first frame comes when the app has gone
    assert app.return_code == 0

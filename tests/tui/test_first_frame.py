"""What the first frame waits for, seen in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

PROBE = "import sys, cvbench_tui.tui.app; print(*(name for name in sys.modules))"


def test_the_app_is_imported_without_torch_pydantic_and_the_dialogs() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "textual.app" in loaded
    heavy = {"torch", "torchvision", "pydantic", "psutil", "markdown_it", "numpy"}
    dialogs = {f"cvbench_tui.tui.{name}_screen" for name in ("detail", "help", "save", "settings", "confirm")}
    assert loaded & (heavy | dialogs) == set()

"""Where the table is saved to: a name to begin with, the format of a path, and what is wrong with it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

from cvbench_tui.base.atomic import resolved_target
from cvbench_tui.base.nearest import nearest
from cvbench_tui.core.run import Run
from cvbench_tui.errors import StoreError
from cvbench_tui.results.export.registry import EXPORTERS

PICTURE = ".svg"  # suffix of a picture of the screen
FORMATS = {suffix: exporter.label for suffix, exporter in EXPORTERS.items()} | {PICTURE: "SVG: a picture of the screen"}
"""What can be written, by suffix: a run in each of its formats, and a picture of the screen."""

COMPARISON_FORMATS = {
    ".md": "markdown: to paste into a pull request",
    ".csv": "CSV: a line per row",
    ".json": "JSON: every number",
    ".html": "HTML: a page with tables and chart",
    ".svg": "SVG: a chart of the ratios",
}
"""What a comparison can be written as."""


def suggested_path(folder: Path, run: Run, host: str, now_s: float, begin: str = "cvbench") -> Path:
    """A free name with the accelerator, else the machine, and the day: ``cvbench-nvidia-h100-2026-11-24-2.md``."""
    devices = [run.environment.device(case.device) for case in run.plan.cases] if run.environment else []
    name = next((device.name for device in devices if device is not None and not device.is_cpu), host)
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "results"
    stem = f"{begin}-{slug}-{time.strftime('%Y-%m-%d', time.localtime(now_s))}"
    path, number = folder / f"{stem}.md", 2
    while path.exists():
        path, number = folder / f"{stem}-{number}.md", number + 1
    return path


def path_problem(path: Path, *, download: bool = False, formats: Mapping[str, str] = FORMATS) -> str:
    """Why nothing can be written at ``path``, in a sentence; empty when nothing is seen against it.

    By looking alone, nothing is created or opened. ``results.export.registry`` checks again when it writes: permissions
    do not show a read-only mount. Of a ``download`` only the suffix counts.
    """
    if path.suffix.lower() not in formats and (download or not os.path.isdir(path)):
        hint = nearest(path.suffix, formats, 1, 0.4) or "See above."
        return f"{path.suffix or 'No suffix'} is not a supported format. {hint}"
    if download:
        return ""
    try:
        folder = resolved_target(path).parent
    except StoreError as error:
        return f"{error.message} {error.hint}"
    except ValueError as error:  # no file name: a zero byte
        return f"Cannot write {path}: {error}."
    # A new file is written beside the old one first, so the folder must take one either way.
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"The folder {folder} is not writable for you."

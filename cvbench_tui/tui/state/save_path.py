"""Where the table is saved to: a name to begin with, the format of a path, and what is wrong with it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cvbench_tui.base.atomic import resolved_target, write_atomically
from cvbench_tui.base.nearest import nearest
from cvbench_tui.core.run import Run
from cvbench_tui.errors import StoreError
from cvbench_tui.results.export.registry import EXPORTERS, write_output
from cvbench_tui.results.table.view import View

if TYPE_CHECKING:
    from cvbench_tui.base.choices import Layout

PICTURE = ".svg"  # suffix of a picture of the screen
FORMATS = {suffix: exporter.label for suffix, exporter in EXPORTERS.items()} | {PICTURE: "SVG: a picture of the screen"}
SUFFIXES = tuple(FORMATS)  # what can be written: a run in each of its formats, and a picture of the screen


class FileWriter:
    """Writes what is on screen, suggests file names and remembers what was written."""

    def __init__(self, folder: Path, host: str, clock: Callable[[], float]) -> None:
        self.saved: list[Path] = []  # every file written, in order
        self.folder = folder  # the last one something was saved in
        self._host = host
        self._clock = clock

    def suggestion(self, run: Run) -> Path:
        """A good name that is free in the folder."""
        day = time.strftime("%Y-%m-%d", time.localtime(self._clock()))
        return free_path(self.folder, default_name(run, self._host, day))

    def write(self, run: Run, path: Path, layout: Layout, view: View) -> None:
        """Write the run as it is on screen, in its order. Raises StoreError."""
        write_output(run, path, layout=layout, view=view)
        self._remember(path)

    def write_picture(self, path: Path, svg: str) -> None:
        """Write a picture of the screen. Raises StoreError."""
        write_atomically(path, svg)
        self._remember(path)

    def text(self, run: Run, name: str, layout: Layout, view: View) -> str:
        """What ``write`` would write into a file of that name, for a browser to download."""
        return EXPORTERS[Path(name).suffix.lower()].render(run, layout, view)

    def _remember(self, path: Path) -> None:
        self.saved.append(path)
        self.folder = path.parent


def default_name(run: Run, host: str, date: str) -> str:
    """``cvbench-nvidia-h100-2026-11-24.md``: the accelerator the run used, else the machine, and the day."""
    devices = [run.environment.device(case.device) for case in run.plan.cases] if run.environment else []
    name = next((device.name for device in devices if device is not None and not device.is_cpu), host)
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "results"
    return f"cvbench-{slug}-{date}.md"


def free_path(folder: Path, name: str) -> Path:
    """That name in the folder, with ``-2``, ``-3`` before its suffix when there is such a file."""
    path = folder / name
    number = 2
    while path.exists():
        path = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
        number += 1
    return path


def format_text(path: Path, layout: Layout) -> str:
    """What would be written, in words; for another suffix, which ones there are."""
    label = FORMATS.get(path.suffix.lower(), f"the suffix sets the format: {', '.join(FORMATS)}")
    return f"{label}, {layout} layout" if has_layout(path) else label


def has_layout(path: Path) -> bool:
    """True for a format that there are several layouts of."""
    exporter = EXPORTERS.get(path.suffix.lower())
    return exporter is not None and exporter.layouts


def suffix_problem(path: Path) -> str:
    """A sentence about a suffix that nothing is written as; empty when it is one of ``SUFFIXES``."""
    if path.suffix.lower() in SUFFIXES:
        return ""
    hint = nearest(path.suffix, SUFFIXES, 1, 0.4) or "See above."
    return f"{path.suffix or 'No suffix'} is not a supported format. {hint}"


def path_problem(path: Path) -> str:
    """Why nothing can be written at ``path``, in a sentence; empty when nothing is seen against it.

    By looking alone, nothing is created or opened. ``results.export.registry`` checks again when it writes: permissions
    do not show a read-only mount.
    """
    if not os.path.isdir(path) and (problem := suffix_problem(path)):
        return problem
    try:
        folder = resolved_target(path).parent
    except StoreError as error:
        return f"{error.message} {error.hint}"
    except ValueError as error:  # no file name: a zero byte
        return f"Cannot write {path}: {error}."
    # A new file is written beside the old one first, so the folder must take one either way.
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"The folder {folder} is not writable for you."

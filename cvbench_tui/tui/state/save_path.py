"""Where the table is saved to when the user does not say, and what was saved. ``results.export.registry`` writes."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cvbench_tui.core.run import Run
from cvbench_tui.results.table.view import View

if TYPE_CHECKING:
    from cvbench_tui.base.choices import Layout

PICTURE = ".svg"
"""Suffix of a picture of the screen."""


class Saver:
    """Suggests names and remembers what was written."""

    def __init__(self, folder: Path, host: str, clock: Callable[[], float]) -> None:
        self.saved: list[Path] = []
        """Every file written, in order."""
        self.folder = folder
        """The last one something was saved in."""
        self._host = host
        self._clock = clock

    def suggestion(self, run: Run) -> Path:
        """A good name that is free in the folder."""
        day = time.strftime("%Y-%m-%d", time.localtime(self._clock()))
        return free_path(self.folder, default_name(run, self._host, day))

    def write(self, run: Run, path: Path, layout: Layout, view: View) -> None:
        """Write the run as it is on screen, in its order. Raises StoreError."""
        # Imported here: pydantic, behind it, costs 55 ms that the first frame need not wait for.
        from cvbench_tui.results.export.registry import write_output

        write_output(run, path, layout=layout, view=view)
        self.wrote(path)

    def write_picture(self, path: Path, svg: str) -> None:
        """Write a picture of the screen. Raises StoreError."""
        from cvbench_tui.base.atomic import write_atomically

        write_atomically(path, svg)
        self.wrote(path)

    def text(self, run: Run, name: str, layout: Layout, view: View) -> str:
        """What ``write`` would write into a file of that name, for a browser to download. Raises StoreError."""
        from cvbench_tui.results.export.registry import write_output

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            write_output(run, path, layout=layout, view=view)
            return path.read_text(encoding="utf-8")

    def wrote(self, path: Path) -> None:
        """That file was written."""
        self.saved.append(path)
        self.folder = path.parent


def default_name(run: Run, host: str, date: str) -> str:
    """``cvbench-nvidia-h100-2026-11-24.md``: the accelerator the run used, else the machine, and the day."""
    devices = [run.environment.device(case.device) for case in run.plan.cases] if run.environment else []
    name = next((device.name for device in devices if device is not None and not device.is_cpu), host)
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "results"
    return f"cvbench-{slug}-{date}.md"


def free_path(folder: Path, name: str) -> Path:
    """That name in the folder, with ``-2``, ``-3`` before its suffix when it is taken."""
    path = folder / name
    number = 2
    while path.exists():
        path = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
        number += 1
    return path

"""Where the table is saved to when the user does not say, and what was saved. ``results.export`` writes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cvbench_tui.core.run import Run

if TYPE_CHECKING:
    from cvbench_tui.results.markdown import Layout


class Saver:
    """Suggests names and remembers what was written."""

    def __init__(self, folder: Path, host: str, clock: Callable[[], float]) -> None:
        self.saved: list[Path] = []
        """Every file written, in order."""
        self._folder = folder
        self._host = host
        self._clock = clock

    def suggestion(self, run: Run) -> Path:
        """A good name that is free in the folder."""
        day = time.strftime("%Y-%m-%d", time.localtime(self._clock()))
        return free_path(self._folder, default_name(run, self._host, day))

    def write(self, run: Run, path: Path, layout: Layout, sort: tuple[str, bool] | None) -> None:
        """Write the run as it is on screen, in its order. Raises StoreError."""
        # Imported here: pydantic, behind it, costs 55 ms that the first frame need not wait for.
        from cvbench_tui.results.export import write_output

        column, descending = sort or (None, False)
        write_output(run, path, layout=layout, sort=column, descending=descending)
        self.saved.append(path)


def default_name(run: Run, host: str, date: str) -> str:
    """``cvbench-nvidia-h100-2026-11-24.md``: the accelerator the run used, else the machine, and the day."""
    devices = [run.environment.device(case.device) for case in run.plan.cases] if run.environment else []
    name = next((device.name for device in devices if device is not None and not device.is_cpu), host)
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "results"
    return f"cvbench-{slug}-{date}.md"


def free_path(folder: Path, name: str) -> Path:
    """That name in the folder, with ``-2``, ``-3`` before its suffix when it is taken."""
    path = folder / name
    number = 2
    while path.exists():
        path = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
        number += 1
    return path

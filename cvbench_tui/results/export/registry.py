"""The formats a run is saved in, by suffix. Dialog, command line, completion, refusals and help iterate them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from cvbench_tui.base.atomic import check_destination, write_atomically
from cvbench_tui.base.choices import LAYOUTS, Layout

if TYPE_CHECKING:
    from cvbench_tui.core.run import Run
    from cvbench_tui.results.table.view import View


@dataclass(frozen=True)
class Exporter:
    """A format. Its module has ``render(run, layout, view)``, which returns the file's text."""

    label: str
    module: str  # in this folder; imported when it is used, since it brings the statistics
    layouts: bool = False  # True where the user chooses a layout

    def render(self, run: Run, layout: Layout, view: View) -> str:
        """The run as the view has it. Raises SelectionError for a column that is not there."""
        render: Callable[[Run, Layout, View], str] = import_module(f"{__package__}.{self.module}").render
        return render(run, layout, view)


EXPORTERS: dict[str, Exporter] = {
    ".md": Exporter("markdown", "markdown", layouts=True),
    ".json": Exporter("JSON: every sample", "json"),
    ".csv": Exporter("CSV: a line per row", "csv"),
}
SUFFIXES = tuple(EXPORTERS)


def check_writable(path: Path) -> None:
    """Refuse a destination that ``write_output`` could not write, with a StoreError. Leaves nothing behind."""
    check_destination(path, SUFFIXES)


def write_output(run: Run, path: Path, *, layout: Layout = LAYOUTS[0], view: View | None = None) -> None:
    """Write the run in the format of the suffix: the whole file or nothing.

    Raises StoreError when it cannot be, SelectionError for a column that is not there.
    """
    from cvbench_tui.results.table.view import View

    suffix = path.suffix.lower()
    if suffix not in EXPORTERS:
        check_writable(path)  # raises: it names the suffixes
    write_atomically(path, EXPORTERS[suffix].render(run, layout, view or View()))

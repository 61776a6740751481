"""Saving and copying: the dialog, the file or the download, the picture of the screen, the clipboard."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App

from cvbench_tui.base.atomic import check_destination, write_atomically
from cvbench_tui.base.escape import visible
from cvbench_tui.errors import CvbenchError, StoreError
from cvbench_tui.results.export.registry import EXPORTERS, write_output
from cvbench_tui.terminal import Terminal
from cvbench_tui.tui.controllers import Ui
from cvbench_tui.tui.controllers.run_manager import RunManager
from cvbench_tui.tui.state.save_path import COMPARISON_FORMATS, PICTURE, suggested_path
from cvbench_tui.tui.state.settings_store import SettingsStore
from cvbench_tui.tui.widgets.results_pane import ResultsPane

if TYPE_CHECKING:
    from cvbench_tui.base.choices import Layout
    from cvbench_tui.core.run import Run
    from cvbench_tui.results.compare.model import RunComparison


@dataclass
class SaveController:
    """The actions that write the run down or copy it. In a browser a file is a download."""

    ui: Ui
    run_manager: RunManager
    results: ResultsPane  # whose order the file has
    settings_store: SettingsStore
    page: App[Any]  # Textual's part of the app: the picture of the screen, a browser's download, the clipboard
    terminal: Terminal
    folder: Path  # the last one something was saved in
    host: str
    clock: Callable[[], float]  # seconds since the epoch
    saved: list[Path] = field(default_factory=list)  # every file written, in order

    def save(self, at_once: bool = False) -> None:
        """Ask where to, with a good name filled in; or write under that name without asking."""
        from cvbench_tui.tui.screens.save import SaveScreen

        run = self.run_manager.state.run
        if run is None:
            self.ui.say("Nothing to save yet: press r to run what is ticked.", bad=True)
            return
        path, layout = suggested_path(self.folder, run, self.host, self.clock()), self.settings_store.settings.layout
        if not at_once:
            dialog = SaveScreen(path, partial(self._write, run), layout, download=self.page.is_web)
            self.ui.show(dialog, self._written)
            return
        try:
            self._write(run, path, layout)
        except CvbenchError as error:
            self.ui.refuse(error)
        else:
            self._written(path)

    def _write(self, run: Run, path: Path, layout: Layout) -> None:
        """Write the run that the dialog was opened for; a picture waits until it has gone. Raises StoreError."""
        view = self.results.view
        if path.suffix.lower() == PICTURE:
            if not self.page.is_web:
                check_destination(path, (PICTURE,))
        elif self.page.is_web:
            text = EXPORTERS[path.suffix.lower()].render(run, layout, view)
            self.page.deliver_text(io.StringIO(text), save_filename=path.name)
        else:
            write_output(run, path, layout=layout, view=view)
            self.settings_store.put(layout=layout)

    def _written(self, path: Path | None, *, drawn: bool = False) -> None:
        """The dialog has gone: say what was written where, and remember the folder; a picture is ``drawn`` first."""
        if path is None:
            return
        if path.suffix.lower() == PICTURE and not drawn:
            self.results.call_after_refresh(self._draw, path)
        elif self.page.is_web:
            self.ui.say(f"{path.name} goes to your browser's downloads.")
        else:
            self.saved.append(path)
            self.folder = path.parent
            self.settings_store.put(save_folder=str(path.parent))
            self.ui.say(f"Saved {path}")

    def _draw(self, path: Path) -> None:
        svg = self.page.export_screenshot(title="cvbench-tui")
        try:
            if self.page.is_web:
                self.page.deliver_text(io.StringIO(svg), save_filename=path.name)
            else:
                write_atomically(path, svg)
        except StoreError as error:
            self.ui.refuse(error)
        else:
            self._written(path, drawn=True)

    def save_comparison(self, comparison: RunComparison) -> None:
        """Ask where to, over the screen that shows it."""
        from cvbench_tui.tui.screens.save import SaveScreen

        path = suggested_path(self.folder, comparison.b.run, self.host, self.clock(), "cvbench-compare")
        write = partial(self._write_comparison, comparison)
        dialog = SaveScreen(path, write, download=self.page.is_web, formats=COMPARISON_FORMATS)
        self.ui.show(dialog, self._comparison_written)

    def _write_comparison(self, comparison: RunComparison, path: Path, _layout: Layout) -> None:
        """Write it in the format of the suffix. Raises StoreError."""
        from cvbench_tui.results.compare.export.registry import render, write_comparisons

        if self.page.is_web:
            text = render([comparison], path.suffix.lower())
            self.page.deliver_text(io.StringIO(text), save_filename=path.name)
        else:
            write_comparisons([comparison], path)

    def _comparison_written(self, path: Path | None) -> None:
        """As ``_written``; in a toast too, since the comparison covers the strip."""
        self._written(path, drawn=True)
        if path is not None:
            self.ui.notify(visible(f"{'Downloaded' if self.page.is_web else 'Saved'} {path.name}"), markup=False)

    def copy(self, text: str, what: str) -> None:
        """Copy to the clipboard, and report how."""
        from cvbench_tui.tui.terminal.clipboard import copy

        self.ui.notify(copy(self.page, text, self.terminal), title=f"Copy: {what}", markup=False)

"""Saving and copying: the dialog, the file or the download, the picture of the screen, the clipboard."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cvbench_tui.errors import CvbenchError, StoreError
from cvbench_tui.tui.state.save_path import PICTURE, FileWriter

if TYPE_CHECKING:
    from cvbench_tui.base.choices import Layout
    from cvbench_tui.tui.app import BenchApp


class SaveController:
    """The app's saving side. In a browser a file is a download."""

    def __init__(self, app: BenchApp, folder: Path, clock: Callable[[], float]) -> None:
        self._app = app
        self.saver = FileWriter(folder, app.host, clock)

    def save(self, *, at_once: bool) -> None:
        """Ask where to, with a good name filled in; or write under that name without asking."""
        from cvbench_tui.tui.screens.save import SaveScreen

        app = self._app
        if app.run_manager.run is None:
            app.say("Nothing to save yet: press r to run what is ticked.", bad=True)
            return
        suggestion, layout = self.saver.suggestion(app.run_manager.run), app.settings_store.settings.layout
        if not at_once:
            app.show(SaveScreen(suggestion, self._write, layout, download=app.is_web), self._done)
            return
        try:
            self._write(suggestion, layout)
            self._done(suggestion)
        except CvbenchError as error:
            app.refuse(error)

    def _write(self, path: Path, layout: Layout) -> None:
        """Write the run; a picture waits until the dialog has gone. Raises StoreError."""
        from cvbench_tui.base.atomic import check_destination

        app = self._app
        run = app.run_manager.run
        assert run is not None
        if app.is_web:
            if path.suffix.lower() != PICTURE:
                text = self.saver.text(run, path.name, layout, app.main_screen.results.view)
                app.deliver_text(io.StringIO(text), save_filename=path.name)
            return
        if path.suffix.lower() == PICTURE:
            check_destination(path, (PICTURE,))
            return
        self.saver.write(run, path, layout, app.main_screen.results.view)
        app.settings_store.put(layout=layout)

    def _done(self, path: Path | None) -> None:
        """Say so, and remember the folder."""
        if path is None:
            return
        if path.suffix.lower() == PICTURE:
            self._app.call_after_refresh(self._picture, path)
            return
        self._said(path)

    def _picture(self, path: Path) -> None:
        svg = self._app.export_screenshot(title="cvbench-tui")
        if self._app.is_web:
            self._app.deliver_text(io.StringIO(svg), save_filename=path.name)
            self._said(path)
            return
        try:
            self.saver.write_picture(path, svg)
        except StoreError as error:
            self._app.refuse(error)
        else:
            self._said(path)

    def _said(self, path: Path) -> None:
        if self._app.is_web:
            self._app.say(f"{path.name} goes to your browser's downloads.")
            return
        self._app.settings_store.put(save_folder=str(path.parent))
        self._app.say(f"Saved {path}")

    def copy(self, text: str, what: str) -> None:
        """To the clipboard, saying honestly what became of it."""
        from cvbench_tui.tui.terminal.clipboard import copy

        said = copy(self._app, text, self._app.terminal)
        self._app.notify(said, title=f"Copy: {what}", markup=False)

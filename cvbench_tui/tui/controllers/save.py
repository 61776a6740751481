"""Saving and copying: the dialog, the file or the download, the picture of the screen, the clipboard."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cvbench_tui.base.atomic import check_destination
from cvbench_tui.errors import CvbenchError, StoreError
from cvbench_tui.terminal import Terminal
from cvbench_tui.tui.controllers import Ui
from cvbench_tui.tui.controllers.run_manager import RunManager
from cvbench_tui.tui.screens.main import MainScreen
from cvbench_tui.tui.state.save_path import PICTURE, FileWriter
from cvbench_tui.tui.state.settings_store import SettingsStore

if TYPE_CHECKING:
    from cvbench_tui.base.choices import Layout


@dataclass
class SaveController:
    """The actions that write the run down or copy it. In a browser a file is a download."""

    ui: Ui
    screen: MainScreen
    run_manager: RunManager
    settings_store: SettingsStore
    saver: FileWriter
    terminal: Terminal

    def save(self, at_once: bool = False) -> None:
        """Ask where to, with a good name filled in; or write under that name without asking."""
        from cvbench_tui.tui.screens.save import SaveScreen

        run = self.run_manager.run
        if run is None:
            self.ui.say("Nothing to save yet: press r to run what is ticked.", bad=True)
            return
        suggestion, layout = self.saver.suggestion(run), self.settings_store.settings.layout
        if at_once:
            try:
                self._write(suggestion, layout)
                self._confirm(suggestion)
            except CvbenchError as error:
                self.ui.refuse(error)
        else:
            dialog = SaveScreen(suggestion, self._write, layout, download=self.screen.app.is_web)
            self.screen.show(dialog, self._written)

    def _write(self, path: Path, layout: Layout) -> None:
        """Write the run; a picture waits until the dialog has gone. Raises StoreError."""
        run, view = self.run_manager.run, self.screen.results.view
        assert run is not None
        if path.suffix.lower() == PICTURE:
            if not self.screen.app.is_web:
                check_destination(path, (PICTURE,))
        elif self.screen.app.is_web:
            self._download(path, self.saver.text(run, path.name, layout, view))
        else:
            self.saver.write(run, path, layout, view)
            self.settings_store.put(layout=layout)

    def _download(self, path: Path, text: str) -> None:
        self.screen.app.deliver_text(io.StringIO(text), save_filename=path.name)

    def _written(self, path: Path | None) -> None:
        """The dialog has gone: take the picture, or say what was written."""
        if path is not None:
            picture = path.suffix.lower() == PICTURE
            self.screen.call_after_refresh(self._picture if picture else self._confirm, path)

    def _picture(self, path: Path) -> None:
        svg = self.screen.app.export_screenshot(title="cvbench-tui")
        try:
            if self.screen.app.is_web:
                self._download(path, svg)
            else:
                self.saver.write_picture(path, svg)
        except StoreError as error:
            self.ui.refuse(error)
        else:
            self._confirm(path)

    def _confirm(self, path: Path) -> None:
        """Say where it is, and remember the folder."""
        if self.screen.app.is_web:
            self.ui.say(f"{path.name} goes to your browser's downloads.")
            return
        self.settings_store.put(save_folder=str(path.parent))
        self.ui.say(f"Saved {path}")

    def copy(self, text: str, what: str) -> None:
        """Copy to the clipboard, and report how."""
        from cvbench_tui.tui.terminal.clipboard import copy

        self.screen.notify(copy(self.screen.app, text, self.terminal), title=f"Copy: {what}", markup=False)

"""The save dialog: a path and a layout. What is wrong with the path is said here, and the path is kept."""

from __future__ import annotations

import os.path
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from cvbench_tui.errors import StoreError
from cvbench_tui.results.escape import visible
from cvbench_tui.results.markdown import Layout
from cvbench_tui.tui.confirm_screen import ConfirmScreen
from cvbench_tui.tui.layout_choice import LayoutChoice

Write = Callable[[Path, Layout], None]


class SaveScreen(ModalScreen[Path]):
    """Writes with the function it was given and dismisses with the path, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Close"), Binding("enter", "save", "Save")]

    def __init__(self, suggestion: Path, write: Write) -> None:
        """A relative path begins in the suggestion's folder."""
        super().__init__()
        self._suggestion = suggestion
        self._write = write

    def compose(self) -> ComposeResult:
        """Path, layout, and room for a complaint."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Save the table"
            dialog.border_subtitle = "Enter save   Tab layout   Escape close"
            yield Static("File (.md, .json or .csv):", markup=False)
            yield Input(self._suggestion.name, id="path", compact=True)
            yield Static("Markdown layout:", markup=False, classes="heading")
            yield LayoutChoice()
            yield Static("", id="complaint", markup=False)

    @on(Input.Submitted)
    def action_save(self) -> None:
        """Save; ask first when the file is there already."""
        path = self._path()
        if os.path.isfile(path):  # Path.is_file raises where a folder may not be read
            self.app.push_screen(ConfirmScreen(f"{path.name} is there already. Overwrite it?", "Overwrite"), self._save)
        else:
            self._save(True)

    def _save(self, wanted: bool | None) -> None:
        if not wanted:
            return
        try:
            self._write(self._path(), self.query_one(LayoutChoice).layout_name)
        except StoreError as error:
            self.query_one("#complaint", Static).update(visible(f"{error.message} {error.hint}".strip()))
        else:
            self.dismiss(self._path())

    def _path(self) -> Path:
        return self._suggestion.parent / os.path.expanduser(self.query_one("#path", Input).value.strip())

    def action_close(self) -> None:
        """Leave without saving."""
        self.dismiss(None)

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
from textual.widgets import Input, RadioButton, RadioSet, Static

from cvbench_tui.errors import StoreError
from cvbench_tui.tui.confirm_screen import ConfirmScreen
from cvbench_tui.tui.saving import Layout

LAYOUTS: tuple[tuple[Layout, str], ...] = (
    ("wide", "wide: every column, one row per case"),
    ("original", "original: the form of the published tables"),
)
Write = Callable[[Path, Layout], None]


class SaveScreen(ModalScreen[Path]):
    """Writes with the function it was given and dismisses with the path, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Close")]

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
            with RadioSet(id="layout", compact=True):
                for index, (_, words) in enumerate(LAYOUTS):
                    yield RadioButton(words, value=index == 0, compact=True)
            yield Static("", id="complaint", markup=False)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        """Save; ask first when the file is there already."""
        path = self._path()
        if os.path.isfile(path):  # Path.is_file raises where a folder may not be read
            self.app.push_screen(ConfirmScreen(f"{path.name} is there already. Overwrite it?", "Overwrite"), self._save)
        else:
            self._save(True)

    def _save(self, wanted: bool | None) -> None:
        if not wanted:
            return
        layout = LAYOUTS[max(0, self.query_one(RadioSet).pressed_index)][0]
        try:
            self._write(self._path(), layout)
        except StoreError as error:
            self.query_one("#complaint", Static).update(f"{error.message} {error.hint}".strip())
        else:
            self.dismiss(self._path())

    def _path(self) -> Path:
        return self._suggestion.parent / os.path.expanduser(self.query_one("#path", Input).value.strip())

    def action_close(self) -> None:
        """Leave without saving."""
        self.dismiss(None)

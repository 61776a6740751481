"""The save dialog: a path and a layout. What is wrong with the path is said while it is typed, and the path is kept.

For a download it knows a name alone: this machine's disk is not the user's, so nothing of it is read or shown.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widgets import Input, Static

from cvbench_tui.base.escape import visible
from cvbench_tui.errors import CvbenchError
from cvbench_tui.results.export.markdown import Layout
from cvbench_tui.tui.screens.base import Dialog, Modal, buttons
from cvbench_tui.tui.state import destination
from cvbench_tui.tui.terminal.timers import sure_timer
from cvbench_tui.tui.widgets.layout_choice import LayoutChoice
from cvbench_tui.tui.widgets.path_input import PathInput
from cvbench_tui.tui.widgets.radio_list import ChoiceLines

Write = Callable[[Path, Layout], None]
CHECK_S = 0.15
"""Seconds without a key after which the path is looked at."""


class SaveScreen(Modal[Path]):
    """Writes with the function it was given and dismisses with the path, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="save.close", tooltip="Close without saving"),
        Binding("enter", "save", "Save", id="save.save", tooltip="Save under this path"),
    ]
    DEFAULT_CSS = """
    SaveScreen #layout { height: auto; }
    SaveScreen #form { color: $text-muted; margin-bottom: 1; }
    """

    def __init__(self, suggestion: Path, write: Write, layout: Layout = "wide", *, download: bool = False) -> None:
        """A relative path begins in the suggestion's folder.

        ``write`` raises CvbenchError when it cannot. ``download``: the file goes to a browser, so only its name
        counts, and that is all ``write`` gets.
        """
        super().__init__()
        self._suggestion = suggestion
        self._write = write
        self._layout = layout
        self._download = download
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Path, form, layout, room for a complaint, buttons."""
        field = PathInput(self._suggestion.name, self._suggestion.parent, id="path")
        if self._download:
            field.suggester = None
        with Dialog("Save", f"Enter save   Tab {'next' if self._download else 'complete, next'}   Escape close"):
            yield Static("File", markup=False)
            yield field
            yield Static(id="form", markup=False)
            yield LayoutChoice(self._layout)
            yield Static(id="complaint", classes="message", markup=False)
            yield buttons(save="Save", close="Close")

    @on(Input.Changed)
    @on(ChoiceLines.Changed)
    def _edited(self) -> None:
        """The form at once, a look at the disk when the typing pauses."""
        path = self._path()
        layout = self.query_one(LayoutChoice)
        layout.visible = destination.has_layout(path)
        form = destination.form(path, layout.layout_name)
        words = f"Goes to your browser's downloads: {form}" if self._download else f"Writes {form}, in {path.parent}"
        self.query_one("#form", Static).update(visible(words))
        if self._timer is not None:
            self._timer.stop()
        self._timer = sure_timer(self.set_timer(CHECK_S, self._look))

    def _look(self) -> None:
        """Say what is wrong with the path, or that there is such a file already."""
        problem = self._problem()
        if not problem and self._exists():
            self.complain(f"{self._path().name} already exists; Enter asks before overwriting.", "-remark")
        else:
            self.complain(problem)

    def _problem(self) -> str:
        path = self._path()
        if not self._typed() or not path.name:
            return "Name a file."
        return _suffix_problem(path) if self._download else destination.problem(path)

    def _exists(self) -> bool:
        return not self._download and destination.exists(self._path())

    @on(Input.Submitted)
    def action_save(self) -> None:
        """Save; ask first when the file exists."""
        if self._timer is not None:
            self._timer.stop()  # its look would wipe out what the write complains of
        problem = self._problem()
        if problem:
            self.complain(problem)
        elif self._exists():
            self.confirm(f"{self._path().name} already exists. Overwrite it?", "Overwrite", self._save)
        else:
            self._save()

    def _save(self) -> None:
        try:
            self._write(self._path(), self.query_one(LayoutChoice).layout_name)
        except CvbenchError as error:
            self.complain(f"{error.message} {error.hint}".strip())
        else:
            self.dismiss(self._path())

    def _typed(self) -> str:
        return self.query_one("#path", Input).value.strip()

    def _path(self) -> Path:
        """What is typed; of a download its name alone, for ``~`` would be a folder of this machine."""
        if self._download:
            return Path(os.path.basename(self._typed()))
        return self._suggestion.parent / os.path.expanduser(self._typed())


def _suffix_problem(path: Path) -> str:
    """What speaks against a download's name: nothing but a suffix of no form."""
    if path.suffix.lower() in destination.SUFFIXES:
        return ""
    return f"{path.suffix or 'No suffix'} is no form: see above."

"""The save dialog: a path and a layout. Errors of the path are shown while it is typed. A download has a name only: the
disk of this machine is not the user's, so nothing of it is read or shown.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widgets import Input, Static

from cvbench_tui.base.choices import LAYOUT_HELP, LAYOUTS, Layout
from cvbench_tui.base.escape import visible
from cvbench_tui.errors import CvbenchError
from cvbench_tui.tui.screens.base import Dialog, Modal, buttons
from cvbench_tui.tui.state import save_path
from cvbench_tui.tui.terminal.timers import sure_timer
from cvbench_tui.tui.widgets.path_input import PathInput
from cvbench_tui.tui.widgets.radio_list import RadioList

Write = Callable[[Path, Layout], None]
CHECK_S = 0.15  # seconds without a key after which the path is looked at


class SaveScreen(Modal[Path]):
    """Writes with the function it was given and dismisses with the path, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="save.close", tooltip="Close without saving"),
        Binding("enter", "save", "Save", id="save.save", tooltip="Save under this path"),
    ]
    DEFAULT_CSS = """
    SaveScreen #form { color: $text-muted; margin-bottom: 1; }
    """

    def __init__(self, suggestion: Path, write: Write, layout: Layout = LAYOUTS[0], *, download: bool = False) -> None:
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
            yield RadioList(tuple(LAYOUT_HELP.items()), self._layout)
            yield Static(id="complaint", classes="message", markup=False)
            yield buttons(save="Save", close="Close")

    @on(Input.Changed)
    @on(RadioList.Changed)
    def _edited(self) -> None:
        """The form at once, a look at the disk when the typing pauses."""
        path = self._path()
        self.query_one(RadioList).visible = save_path.has_layout(path)
        form = save_path.format_text(path, self._chosen_layout())
        words = f"Goes to your browser's downloads: {form}" if self._download else f"Writes {form}, in {path.parent}"
        self.query_one("#form", Static).update(visible(words))
        self._look_no_more()
        self._timer = sure_timer(self.set_timer(CHECK_S, self._look))

    def _look_no_more(self) -> None:
        if self._timer is not None:
            self._timer.stop()

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
        return save_path.suffix_problem(path) if self._download else save_path.path_problem(path)

    def _exists(self) -> bool:
        return not self._download and os.path.isfile(self._path())  # ``is_file`` raises where a folder may not be read

    @on(Input.Submitted)
    def action_save(self) -> None:
        """Save; ask first when the file exists."""
        self._look_no_more()  # its look would wipe out what the write complains of
        problem = self._problem()
        if problem:
            self.complain(problem)
        elif self._exists():
            self.confirm(f"{self._path().name} already exists. Overwrite it?", "Overwrite", self._save)
        else:
            self._save()

    def _save(self) -> None:
        try:
            self._write(self._path(), self._chosen_layout())
        except CvbenchError as error:
            self.complain(f"{error.message} {error.hint}".strip())
        else:
            self.dismiss(self._path())

    def _chosen_layout(self) -> Layout:
        return cast(Layout, self.query_one(RadioList).chosen)

    def _typed(self) -> str:
        return self.query_one("#path", Input).value.strip()

    def _path(self) -> Path:
        """What is typed; of a download its name alone, for ``~`` would be a folder of this machine."""
        if self._download:
            return Path(os.path.basename(self._typed()))
        return self._suggestion.parent / os.path.expanduser(self._typed())

"""The save dialog: a path and a layout. Errors of the path are shown while it is typed. A download has a name only: the
disk of this machine is not the user's, so nothing of it is read or shown.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Mapping
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
from cvbench_tui.results.export.registry import EXPORTERS
from cvbench_tui.tui.screens.base import Dialog, Modal, buttons
from cvbench_tui.tui.state.save_path import FORMATS, path_problem
from cvbench_tui.tui.terminal.timers import sure_timer
from cvbench_tui.tui.widgets.choices import RadioList
from cvbench_tui.tui.widgets.path_input import PathInput, PathSuggester

Write = Callable[[Path, Layout], None]
CHECK_S = 0.15  # seconds without a key after which the path is looked at


class SaveScreen(Modal[Path]):
    """Writes with the function it was given and dismisses with the path, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="save.close", tooltip="Close without saving"),
        Binding("enter", "save", "Save", id="save.save", tooltip="Save under this path"),
    ]
    DEFAULT_CSS = "SaveScreen #form { color: $text-muted; margin-bottom: 1; }"

    def __init__(
        self,
        suggestion: Path,
        write: Write,
        layout: Layout = LAYOUTS[0],
        *,
        download: bool = False,
        formats: Mapping[str, str] = FORMATS,
    ) -> None:
        """A relative path begins in the suggestion's folder. ``write`` raises CvbenchError when it cannot.

        ``download``: the file goes to a browser, so only its name counts, and that is all ``write`` gets.
        ``formats``: what can be written, by suffix; only those of a run have layouts.
        """
        super().__init__()
        self._suggestion = suggestion
        self._write = write
        self._layout = layout
        self._download = download
        self._formats = formats
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Path, form, layout, room for a complaint, buttons."""
        suggester = None if self._download else PathSuggester(self._suggestion.parent)
        with Dialog("Save", f"Enter save   Tab {'next' if self._download else 'complete, next'}   Escape close"):
            yield Static("File", markup=False)
            yield PathInput(self._suggestion.name, id="path", compact=True, suggester=suggester)
            yield Static(id="form", markup=False)
            layouts = RadioList(tuple(LAYOUT_HELP.items()), self._layout)
            layouts.display = self._formats is FORMATS
            yield layouts
            yield Static(id="complaint", classes="message", markup=False)
            yield buttons(save="Save", close="Close")

    def _answer(self) -> tuple[Path, Layout]:
        """What is typed and chosen; of a download its name alone, for ``~`` would be a folder of this machine."""
        typed = self.query_one("#path", Input).value.strip()
        path = Path(os.path.basename(typed)) if self._download else self._suggestion.parent / os.path.expanduser(typed)
        return path, cast(Layout, self.query_one(RadioList).chosen)

    @on(Input.Changed)
    @on(RadioList.Changed)
    def _edited(self) -> None:
        """The form, or for another suffix which ones there are, at once; a look at the disk when the typing pauses."""
        path, layout = self._answer()
        form = self._formats.get(path.suffix.lower(), f"the suffix sets the format: {', '.join(self._formats)}")
        exporter = EXPORTERS.get(path.suffix.lower()) if self._formats is FORMATS else None
        self.query_one(RadioList).visible = layouts = exporter is not None and exporter.layouts
        form += f", {layout} layout" if layouts else ""
        words = f"Goes to your browser's downloads: {form}" if self._download else f"Writes {form}, in {path.parent}"
        self.query_one("#form", Static).update(visible(words))
        if self._timer is not None:
            self._timer.stop()
        self._timer = sure_timer(self.set_timer(CHECK_S, self._look))

    def _look(self) -> tuple[str, bool]:
        """Say what is wrong with the path, or that there is such a file already. Returns both."""
        path, _ = self._answer()
        named = path.name and path != self._suggestion.parent
        problem = path_problem(path, download=self._download, formats=self._formats) if named else "Name a file."
        # ``Path.is_file`` raises where a folder may not be read
        exists = not problem and not self._download and os.path.isfile(path)
        if exists:
            self.complain(f"{path.name} already exists; Enter asks before overwriting.", "-remark")
        else:
            self.complain(problem)
        return problem, exists

    @on(Input.Submitted)
    def action_save(self) -> None:
        """Save; ask first when the file exists."""
        if self._timer is not None:
            self._timer.stop()  # its look would wipe out what the write complains of
        problem, exists = self._look()
        if exists:
            self.confirm(f"{self._answer()[0].name} already exists. Overwrite it?", "Overwrite", self._save)
        elif not problem:
            self._save()

    def _save(self) -> None:
        path, layout = self._answer()
        try:
            self._write(path, layout)
        except CvbenchError as error:
            self.complain(f"{error.message} {error.hint}".strip())
        else:
            self.dismiss(path)

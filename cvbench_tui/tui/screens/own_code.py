"""Names a model of the user's own code: a file with a function in it. The code is read, and run only when it is
measured, after a question."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from cvbench_tui.catalog.models import ModelEntry
from cvbench_tui.errors import CvbenchError
from cvbench_tui.tui.screens.base import Dialog, Modal, buttons
from cvbench_tui.tui.widgets.path_input import PathInput, PathSuggester

ABOUT = (
    "A function without arguments that returns a torch.nn.Module, by its file or its module. Beside it, "
    "inputs(batch, image, device) may make its inputs."
)


class OwnCodeScreen(Modal[ModelEntry]):
    """Dismisses with the model, once the user has said that its code may be run; with None otherwise."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="own.close", tooltip="Close without a model"),
    ]

    def __init__(self, find: Callable[[str], ModelEntry], question: Callable[[ModelEntry], str]) -> None:
        """``find`` raises CvbenchError for what is no such code."""
        super().__init__()
        self._find = find
        self._question = question

    def compose(self) -> ComposeResult:
        """What is wanted, the field, room for a complaint, buttons."""
        with Dialog("A model of your own", "Enter add   Tab complete   Escape close"):
            yield Static(ABOUT, markup=False, classes="hint")
            yield PathInput(
                placeholder="./net.py:make or package.nets:make",
                id="path",
                compact=True,
                suggester=PathSuggester(Path.cwd(), (".py",)),
            )
            yield Static(id="complaint", classes="message", markup=False)
            yield buttons(name="Add", close="Close")

    @on(Input.Changed)
    def _edited(self) -> None:
        self.complain("")

    @on(Input.Submitted)
    def action_name(self) -> None:
        """Look at the code, then ask."""
        try:
            entry = self._find(self.query_one(PathInput).value)
        except CvbenchError as error:
            self.complain(f"{error.message} {error.hint}".strip())
            return
        self.confirm(self._question(entry), "Run it", lambda: self.dismiss(entry))

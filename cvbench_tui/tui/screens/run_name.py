"""What a run is called: its name and its tags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from cvbench_tui.errors import CvbenchError
from cvbench_tui.tui.screens.base import Dialog, Modal, buttons


class RunNameScreen(Modal[bool]):
    """Dismisses with True when the run was named."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="run_name.close", tooltip="Leave the name and the tags as they are"),
    ]

    def __init__(self, name: str, tags: Sequence[str], save: Callable[[str, Sequence[str]], object]) -> None:
        """``save`` gets name and tags, and raises CvbenchError for what cannot be."""
        super().__init__()
        self._run_name = name
        self._tags = ", ".join(tags)
        self._save = save

    def compose(self) -> ComposeResult:
        """Two fields, room for a complaint, buttons."""
        with Dialog("Name of the run", "Enter save   Tab other field   Escape close"):
            yield Static("Name", classes="hint", markup=False)
            yield Input(self._run_name, placeholder="none; RUN on the command line may be this name", id="run_name",
                        compact=True)  # fmt: skip
            yield Static("Tags", classes="hint", markup=False)
            yield Input(self._tags, placeholder="none; separated by commas", id="run_tags", compact=True)
            yield Static(id="complaint", classes="message", markup=False)
            yield buttons(save="Save", close="Close")

    @on(Input.Submitted)
    def action_save(self) -> None:
        """Name the run, unless that cannot be its name or its tag."""
        tags = [tag.strip() for tag in self.query_one("#run_tags", Input).value.split(",") if tag.strip()]
        try:
            self._save(self.query_one("#run_name", Input).value, tags)
        except CvbenchError as error:
            self.complain(f"{error.message} {error.hint}".strip())
        else:
            self.dismiss(True)

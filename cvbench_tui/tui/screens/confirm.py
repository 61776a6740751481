"""A question with two answers."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button, Static

from cvbench_tui.base.escape import visible
from cvbench_tui.tui.screens.base import Dialog, Modal, buttons


class ConfirmScreen(Modal[bool]):
    """Dismisses with True for yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "Yes", id="confirm.yes", tooltip="Answer yes"),
        Binding("n,escape", "no", "No", id="confirm.no", tooltip="Answer no"),
        Binding(
            "left,right", "app.focus_next", "Other answer", id="confirm.other", show=False,
            tooltip="Go to the other answer",
        ),
    ]  # fmt: skip

    def __init__(self, question: str, yes: str) -> None:
        """``yes`` is the word on the button for it."""
        super().__init__()
        self._question = question
        self._yes = yes

    def compose(self) -> ComposeResult:
        """The question and its buttons; Enter is yes."""
        with Dialog("Please confirm", "y yes   n, Escape no"):
            yield Static(visible(self._question), markup=False)
            yield buttons(yes=f"{self._yes} (y)", no="No (n)")

    def on_mount(self) -> None:
        """What cannot be undone is red."""
        self.query_one("#yes", Button).variant = "error"

    def action_yes(self) -> None:
        """Close with yes."""
        self.dismiss(True)

    def action_no(self) -> None:
        """Close with no."""
        self.dismiss(False)

"""A question with two answers."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button, Static

from cvbench_tui.base.escape import visible
from cvbench_tui.tui.screens.dialog import Dialog
from cvbench_tui.tui.screens.modal import Modal


class ConfirmScreen(Modal[bool]):
    """Dismisses with True for yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="confirm.yes", tooltip="Answer yes"),
        Binding("n,escape", "answer(False)", "No", id="confirm.no", tooltip="Answer no"),
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
            with Horizontal(classes="buttons"):
                yield Button(f"{self._yes} (y)", id="yes", variant="error", compact=True)
                yield Button("No (n)", id="no", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """A click, or Enter."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        """Close with that answer."""
        self.dismiss(yes)

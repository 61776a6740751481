"""What the dialogs share: closed once, framed, buttons that run actions, a line for errors, a question."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, OptionList, Static
from textual.widgets.button import ButtonVariant

from cvbench_tui.base.escape import visible

Result = TypeVar("Result")


class Modal(ModalScreen[Result]):
    """A dialog that is dismissed once, and only while it is on top.

    Textual pops whatever is on top at each dismissal: the second of two quick clicks would close the screen below.
    """

    PAGE: ClassVar[bool] = False  # True for one that takes the whole screen: dialogs open over it
    _dismissed = False

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Close with that result; nothing when it is closed already or another dialog is above it."""
        if self._dismissed or not self.is_active:  # is_current is true of a dialog below another one as well
            return AwaitComplete()
        self._dismissed = True
        return super().dismiss(result)

    def action_close(self) -> None:
        """Close without a result."""
        self.dismiss(None)

    def action_move(self, step: int) -> None:
        """Move in the dialog's list by a line, down or up; the focus stays in the field."""
        listing = self.query_one(OptionList)
        (listing.action_cursor_down if step > 0 else listing.action_cursor_up)()

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        """Run the action that the button is named after."""
        await self.run_action(event.button.id or "close")

    def complain(self, sentence: str, kind: str = "") -> None:
        """Say what is wrong; ``kind``: ``-remark`` for what is worth knowing, ``-hint`` for an explanation."""
        complaint = self.query_one("#complaint", Static)
        complaint.set_classes(f"message {kind}")
        complaint.update(visible(sentence))

    def confirm(self, question: str, yes: str, then: Callable[[], object]) -> None:
        """Call ``then`` if the user says yes."""

        def answered(wanted: bool | None) -> None:
            if wanted:
                then()  # its result may be awaitable, and must not be awaited here

        self.app.push_screen(ConfirmScreen(question, yes), answered)


class Dialog(Vertical):
    """The frame: title above, keys below. It scrolls where the terminal is too low for it."""

    DEFAULT_CLASSES = "dialog"
    DEFAULT_CSS = """
    Dialog { overflow-y: auto; }
    Dialog .hint { color: $text-muted; }
    Dialog .message { height: auto; min-height: 2; margin-top: 1; color: $text-error; }
    Dialog .message.-remark { color: $text-warning; }
    Dialog .message.-hint { color: $text-muted; }
    """

    def __init__(self, title: str, keys: str) -> None:
        """``keys`` stands in the lower border; both are shown as they are."""
        super().__init__()
        self.border_title = Content(title)
        self.border_subtitle = Content(keys)


def buttons(variant: ButtonVariant = "primary", **labels: str) -> Horizontal:
    """A row of buttons, the first one of that variant: labels by the action that each runs."""
    row = [Button(label, id=action, compact=True) for action, label in labels.items()]
    row[0].variant = variant
    return Horizontal(*row, classes="buttons")


class ConfirmScreen(Modal[bool]):
    """Dismisses with True for yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "Yes", id="confirm.yes", tooltip="Answer yes"),
        Binding("n,escape", "no", "No", id="confirm.no", tooltip="Answer no"),
        Binding("left,right", "app.focus_next", "Other answer", show=False, id="confirm.other",
                tooltip="Go to the other answer"),
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
            yield buttons("error", yes=f"{self._yes} (y)", no="No (n)")  # red: what cannot be undone

    def action_yes(self) -> None:
        """Close with yes."""
        self.dismiss(True)

    def action_no(self) -> None:
        """Close with no."""
        self.dismiss(False)

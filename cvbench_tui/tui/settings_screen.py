"""The small dialog for batch and image size. Empty leaves each workload its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from cvbench_tui.catalog.selection import check_batch, check_image
from cvbench_tui.errors import SelectionError

Sizes = tuple[int | None, int | None]


class SettingsScreen(ModalScreen[Sizes]):
    """Dismisses with batch and image side, or with None when nothing is to change."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Close")]

    def __init__(self, batch: int | None, image: int | None) -> None:
        super().__init__()
        self._batch = batch
        self._image = image

    def compose(self) -> ComposeResult:
        """Two numbers and room for a complaint."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Batch and image size"
            dialog.border_subtitle = "Enter use   Tab other field   Escape close"
            yield Static("Batch of every row (empty: 8, and 4 where the table says so):", markup=False)
            yield Input(_shown(self._batch), placeholder="default", id="batch", compact=True)
            yield Static("Image side in pixels (empty: each model's own):", markup=False, classes="heading")
            yield Input(_shown(self._image), placeholder="default", id="image", compact=True)
            yield Static("", id="complaint", markup=False)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        try:
            sizes = self._number("#batch", "batch", check_batch), self._number("#image", "image size", check_image)
        except SelectionError as error:
            self.query_one("#complaint", Static).update(f"{error.message} {error.hint}".strip())
        else:
            self.dismiss(sizes)

    def _number(self, selector: str, what: str, check: Callable[[int], int]) -> int | None:
        """The field's number; None when it is empty. Raises SelectionError."""
        text = self.query_one(selector, Input).value.strip()
        if not text:
            return None
        try:
            number = int(text)
        except ValueError:
            raise SelectionError(f"The {what} must be a whole number, not '{text}'.") from None
        return check(number)

    def action_close(self) -> None:
        """Leave things as they are."""
        self.dismiss(None)


def _shown(number: int | None) -> str:
    return "" if number is None else str(number)

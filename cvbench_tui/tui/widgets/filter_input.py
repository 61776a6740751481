"""A line to filter with."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input


class FilterInput(Input):
    """Letters are text here, so a filter is left by a key of its own: Escape empties it first, then leaves it."""

    class Left(Message):
        """The user is done with it."""

    def action_leave(self) -> None:
        """Hand the focus back to what is filtered."""
        self.post_message(self.Left())

    def action_clear(self) -> None:
        """First empty it, then leave."""
        if self.value:
            self.value = ""
        else:
            self.action_leave()


class PaneFilter(FilterInput):
    """The filter of a pane. Enter leaves it, too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,tab", "leave", "Leave", show=False, id="filter.leave", tooltip="Leave the filter, keeping it"),
        Binding("escape", "clear", "Clear", show=False, id="filter.clear", tooltip="Clear the filter, then leave it"),
    ]

    async def action_submit(self) -> None:
        """As ``leave``."""
        self.action_leave()


class ListFilter(FilterInput):
    """The filter of a dialog's list: the arrows are the dialog's ``move``, while letters are typed here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "screen.move('down')", "Down", id="choices.filter_down", show=False, tooltip="The line below"),
        Binding("up", "screen.move('up')", "Up", id="choices.filter_up", show=False, tooltip="The line above"),
        Binding("escape", "clear", "Clear", id="choices.filter_clear", show=False,
                tooltip="Empty the filter, then leave it"),
    ]  # fmt: skip

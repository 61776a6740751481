"""A line to filter with."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input

from cvbench_tui.tui.keys.bindings import hidden


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
        hidden("down,tab", "leave", "Leave", "filter.leave", "Leave the filter, keeping it"),
        hidden("escape", "clear", "Clear", "filter.clear", "Clear the filter, then leave it"),
    ]

    async def action_submit(self) -> None:
        """As ``leave``."""
        self.action_leave()


class ListFilter(FilterInput):
    """A field of a dialog with a list: the arrows are the dialog's ``move``, while letters are typed here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        hidden("down", "screen.move(1)", "Down", "choices.filter_down", "The line below"),
        hidden("up", "screen.move(-1)", "Up", "choices.filter_up", "The line above"),
        hidden("escape", "clear", "Clear", "choices.filter_clear", "Empty the filter, then leave it"),
    ]  # fmt: skip

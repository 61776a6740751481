"""A list in a dialog and the filter above it. What the lines are is the dialog's to say."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input, OptionList

from cvbench_tui.base.escape import visible

HEIGHTS = [(0, "-low"), (22, "-usual"), (36, "-high")]
"""Fewest rows of the terminal, and the class that a dialog with a list then has: it says how long the list may be.

A share of the screen (``vh``) does not do: Textual 8 counts more for it in an automatic height than it then draws.
"""


class DialogList(OptionList):
    """Enter takes the line under the cursor; so does a second click on it, unless a click means a tick."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", id="choices.down", show=False, tooltip="The line below"),
        Binding("k", "cursor_up", "Up", id="choices.up", show=False, tooltip="The line above"),
        Binding("g", "first", "First", id="choices.first", show=False, tooltip="The first line"),
        Binding("G", "last", "Last", id="choices.last", show=False, tooltip="The last line"),
    ]
    SCOPED_CSS = False
    DEFAULT_CSS = """
    DialogList { height: auto; min-height: 1; max-height: 10; background: $surface;
                 text-wrap: nowrap; text-overflow: ellipsis; }
    .-low DialogList { max-height: 4; }
    .-high DialogList { max-height: 22; }
    """

    class Ticked(Message):
        """The line under the cursor was clicked in a list to tick in."""

    def __init__(self, *, id: str, ticking: bool = False) -> None:  # noqa: A002
        """``ticking``: a click ticks its line, and Enter alone takes."""
        super().__init__(id=id, markup=False, compact=True)
        self._ticking = ticking

    async def _on_click(self, event: events.Click) -> None:
        """A click goes to its line first, so that a key or a button can follow it."""
        place = event.style.meta.get("option")
        event.prevent_default()
        if place is None or self.get_option_at_index(place).disabled:
            return
        before, self.highlighted = self.highlighted, place
        if self._ticking:
            self.post_message(self.Ticked())
        elif before == place:
            self.action_select()


class ListFilter(Input):
    """Filters the list below while the arrows move in it. Escape empties it, then hands back the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move('down')", "Down", id="choices.filter_down", show=False, tooltip="The line below"),
        Binding("up", "move('up')", "Up", id="choices.filter_up", show=False, tooltip="The line above"),
        Binding("escape", "clear", "Clear", id="choices.filter_clear", show=False,
                tooltip="Empty the filter, then leave it"),
    ]  # fmt: skip

    class Moved(Message):
        """The cursor of the list is to go ``up`` or ``down``."""

        def __init__(self, way: str) -> None:
            super().__init__()
            self.way = way

    class Left(Message):
        """The user is done with it."""

    def action_move(self, way: str) -> None:
        """Move in the list, with the focus staying here."""
        self.post_message(self.Moved(way))

    def action_clear(self) -> None:
        """First empty it, then leave."""
        if self.value:
            self.value = ""
        else:
            self.post_message(self.Left())


def fitted(text: str, cells: int) -> str:
    """The text as it is in exactly so many cells: filled up with blanks, or cut with ``...`` at its end."""
    text = visible(text)
    return set_cell_size(text, cells) if cell_len(text) <= cells else set_cell_size(text, cells - 3) + "..."

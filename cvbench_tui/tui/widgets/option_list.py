"""A list in a dialog, which decides what the lines are."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual import events
from textual.binding import BindingType
from textual.widgets import OptionList

from cvbench_tui.base.escape import visible
from cvbench_tui.tui.keys.bindings import hidden

HEIGHTS = [(0, "-low"), (22, "-usual"), (36, "-high")]
"""Fewest rows of the terminal, and the class that a dialog with a list then has: it says how long the list may be.

A share of the screen (``vh``) does not do: Textual 8 counts more for it in an automatic height than it then draws.
"""


class DialogList(OptionList):
    """Enter takes the line under the cursor; so does a second click on it, unless a click means a tick."""

    BINDINGS: ClassVar[list[BindingType]] = [
        hidden("j", "cursor_down", "Down", "choices.down", "The line below"),
        hidden("k", "cursor_up", "Up", "choices.up", "The line above"),
        hidden("g", "first", "First", "choices.first", "The first line"),
        hidden("G", "last", "Last", "choices.last", "The last line"),
    ]
    SCOPED_CSS = False
    DEFAULT_CSS = """
    DialogList { height: auto; min-height: 1; max-height: 10; background: $surface;
                 text-wrap: nowrap; text-overflow: ellipsis; }
    .-low DialogList { max-height: 4; }
    .-high DialogList { max-height: 22; }
    """

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
            await self.screen.run_action("tick")
        elif before == place:
            self.action_select()


def fitted(text: str, cells: int) -> str:
    """The text as it is in exactly so many cells: filled up with blanks, or cut with ``...`` at its end."""
    text = visible(text)
    return set_cell_size(text, cells) if cell_len(text) <= cells else set_cell_size(text, cells - 3) + "..."

"""What a dialog offers to choose from: a list, and a few lines of which one is marked, by a sign and not a colour."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.widgets import OptionList, RadioButton, RadioSet

from cvbench_tui.base.escape import one_line, visible
from cvbench_tui.tui.keys.bindings import hidden
from cvbench_tui.tui.terminal.theme import MUTED

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
    text = one_line(text)
    return set_cell_size(text, cells) if cell_len(text) <= cells else set_cell_size(text, cells - 3) + "..."


MIN_CELLS = 20  # cells that a meaning gets in the narrowest terminal


class MeaningButton(RadioButton):
    """``(x) name  what it means``, the meaning folded behind the name. Textual's own has one row and no meaning."""

    def __init__(self, name: str, meaning: str, *, indent: int, value: bool) -> None:
        """The meaning begins at cell ``indent``."""
        super().__init__(name, value)
        self._meaning = visible(meaning)
        self._indent = indent
        self._rows: list[str] = []  # of the meaning, at the width it was last measured for

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Rows of the meaning."""
        self._rows = textwrap.wrap(self._meaning, max(MIN_CELLS, width - self._indent)) or [""]
        return len(self._rows)

    def render(self) -> Content:
        """The sign, the name, the meaning."""
        head = f"{'(x)' if self.value else '( )'} {self.label.plain}".ljust(self._indent)
        meaning = ("\n" + " " * self._indent).join(self._rows)
        return Content.assemble((head, "bold" if self.value else ""), (meaning, "" if self.value else MUTED))


class RadioList(RadioSet, inherit_bindings=False):
    """An arrow chooses another line, Space the next one, a click the line that is clicked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j,right", "move(1)", "Next", id="choice.next", tooltip="Choose the next line"),
        Binding("up,k,left", "move(-1)", "Previous", id="choice.previous", tooltip="Choose the line before"),
        Binding("space", "turn", "Other", id="choice.turn", tooltip="Choose the next line, after the last the first"),
    ]
    DEFAULT_CSS = """
    RadioList { padding: 0 1 !important; }
    RadioList:focus { background: $boost; background-tint: transparent; }
    RadioList > RadioButton { height: auto; text-wrap: wrap; }
    """

    def __init__(self, lines: Sequence[tuple[str, str]], chosen: str, *, id: str | None = None) -> None:  # noqa: A002
        """``lines``: name and meaning of each; ``chosen``: one of the names, else the first is."""
        self._names = [name for name, _ in lines]
        place = self._names.index(chosen) if chosen in self._names else 0
        indent = len("(x) ") + max(map(len, self._names)) + 2
        buttons = (MeaningButton(*line, indent=indent, value=at == place) for at, line in enumerate(lines))
        super().__init__(*buttons, id=id, compact=True)

    @property
    def chosen(self) -> str:
        """Name of the chosen line."""
        return self._names[self.pressed_index]

    def action_move(self, step: int) -> None:
        """The line below or above; it stops at the ends."""
        self._choose(min(max(self.pressed_index + step, 0), len(self._names) - 1))

    def action_turn(self) -> None:
        """The next line; after the last comes the first."""
        self._choose((self.pressed_index + 1) % len(self._names))

    def _choose(self, place: int) -> None:
        self.query(RadioButton)[place].value = True

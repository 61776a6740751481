"""A few lines of which one is chosen, each with what it means. Marked by a sign, not by a colour alone."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from cvbench_tui.base.escape import visible
from cvbench_tui.tui.screens.base import dialog_cells
from cvbench_tui.tui.terminal.theme import MUTED

MARK = 4
"""Cells of ``(x) ``."""
PADDING = 2
"""Cells left and right of the lines."""
MIN_CELLS = 20
"""Cells that a meaning gets in the narrowest terminal."""


class ChoiceLines(Static, can_focus=True):
    """An arrow goes to another line, Space to the next one, a click to the line that is clicked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j,right", "move(1)", "Next", id="choice.next", tooltip="Choose the next line"),
        Binding("up,k,left", "move(-1)", "Before", id="choice.previous", tooltip="Choose the line before"),
        Binding("space", "turn", "Other", id="choice.turn", tooltip="Choose the next line, after the last the first"),
    ]
    DEFAULT_CSS = """
    ChoiceLines { height: auto; padding: 0 1; }
    ChoiceLines:focus { background: $boost; }
    """

    class Changed(Message):
        """Another line is chosen."""

    def __init__(self, lines: Sequence[tuple[str, str]], chosen: str, *, id: str | None = None) -> None:  # noqa: A002
        """``lines``: name and meaning of each; ``chosen``: one of the names, else the first is."""
        super().__init__(markup=False, id=id)
        self._lines = list(lines)
        names = [name for name, _ in lines]
        self._place = names.index(chosen) if chosen in names else 0
        self._owners: list[int] = []

    @property
    def chosen(self) -> str:
        """Name of the chosen line."""
        return self._lines[self._place][0]

    def on_mount(self) -> None:
        """Show all."""
        self._draw()

    def on_resize(self) -> None:
        """Fold the meanings at the new width."""
        self._draw()

    def on_click(self, event: events.Click) -> None:
        """The line that was clicked, wherever it is folded."""
        if 0 <= event.y < len(self._owners):
            self._choose(self._owners[event.y])

    def action_move(self, step: int) -> None:
        """The line below or above; it stops at the ends."""
        self._choose(min(max(self._place + step, 0), len(self._lines) - 1))

    def action_turn(self) -> None:
        """The next line; after the last comes the first."""
        self._choose((self._place + 1) % len(self._lines))

    def _choose(self, place: int) -> None:
        if place != self._place:
            self._place = place
            self._draw()
            self.post_message(self.Changed())

    def _draw(self) -> None:
        """Name, then its meaning folded behind it; ``_owners`` says whose each row is."""
        room = self.size.width or dialog_cells(self.app.size.width) - PADDING
        indent = MARK + max(len(name) for name, _ in self._lines) + 2
        rows: list[Content] = []
        self._owners = []
        for place, (name, meaning) in enumerate(self._lines):
            chosen = place == self._place
            folded = textwrap.wrap(visible(meaning), max(MIN_CELLS, room - indent)) or [""]
            head = f"{'(x)' if chosen else '( )'} {name}".ljust(indent)
            rows.append(Content.assemble((head, "bold" if chosen else ""), (folded[0], "" if chosen else MUTED)))
            rows.extend(Content.assemble((" " * indent + more, "" if chosen else MUTED)) for more in folded[1:])
            self._owners += [place] * len(folded)
        self.update(Content("\n").join(rows))

"""A few lines of which one is chosen, each with what it means. Marked by a sign, not by a colour alone."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.widgets import RadioButton, RadioSet

from cvbench_tui.base.escape import visible
from cvbench_tui.tui.terminal.theme import MUTED

MIN_CELLS = 20  # cells that a meaning gets in the narrowest terminal


class MeaningButton(RadioButton):
    """``(x) name  what it means``, the meaning folded behind the name. Textual's own has one row and no meaning."""

    def __init__(self, name: str, meaning: str, *, indent: int, value: bool) -> None:
        """The meaning begins at cell ``indent``."""
        super().__init__(name, value)
        self._meaning = visible(meaning)
        self._indent = indent

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Rows of the meaning."""
        return len(self._rows(width))

    def render(self) -> Content:
        """The sign, the name, the meaning."""
        head = f"{'(x)' if self.value else '( )'} {self.label.plain}".ljust(self._indent)
        meaning = ("\n" + " " * self._indent).join(self._rows(self.size.width))
        return Content.assemble((head, "bold" if self.value else ""), (meaning, "" if self.value else MUTED))

    def _rows(self, width: int) -> list[str]:
        return textwrap.wrap(self._meaning, max(MIN_CELLS, width - self._indent)) or [""]


class RadioList(RadioSet, inherit_bindings=False):
    """An arrow chooses another line, Space the next one, a click the line that is clicked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j,right", "move(1)", "Next", id="choice.next", tooltip="Choose the next line"),
        Binding("up,k,left", "move(-1)", "Before", id="choice.previous", tooltip="Choose the line before"),
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

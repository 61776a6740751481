"""Which of the two markdown layouts: two lines, one of them marked. Marked by a sign, not by a colour alone."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from cvbench_tui.results.markdown import Layout

LAYOUTS: tuple[tuple[Layout, str], ...] = (
    ("wide", "wide: every column, one row per case"),
    ("original", "original: the form of the published tables"),
)


class LayoutChoice(Static, can_focus=True):
    """Space or an arrow goes to the other one."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space,up,down", "other", "Other layout")]

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.layout_name: Layout = "wide"

    def on_mount(self) -> None:
        """Show both."""
        self._draw()

    def on_click(self, event: events.Click) -> None:
        """The line that was clicked."""
        self.layout_name = LAYOUTS[min(max(event.y, 0), 1)][0]
        self._draw()

    def action_other(self) -> None:
        """The other one."""
        self.layout_name = "original" if self.layout_name == "wide" else "wide"
        self._draw()

    def _draw(self) -> None:
        lines = [f"{'(x)' if name == self.layout_name else '( )'} {words}" for name, words in LAYOUTS]
        self.update(Content("\n".join(lines)))

"""The numbered tabs of a narrow terminal, where one pane shows at a time."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static

PANES = ("models", "layers", "devices", "results")
"""Ids of the panes; keys 1 to 4 go to them in this order."""


class PaneTab(Static):
    """One tab; a click goes there."""

    class Chosen(Message):
        """The user wants that pane."""

        def __init__(self, pane: str) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, number: int, pane: str) -> None:
        super().__init__(f"{number} {pane.capitalize()}", id=f"tab-{pane}", markup=False)
        self._pane = pane

    def on_click(self, event: events.Click) -> None:
        """Go there."""
        event.stop()
        self.post_message(self.Chosen(self._pane))


class PaneTabs(Horizontal):
    """The row of tabs."""

    def compose(self) -> ComposeResult:
        """One tab a pane."""
        for number, pane in enumerate(PANES, start=1):
            yield PaneTab(number, pane)

    def mark(self, pane: str) -> None:
        """Show which pane is in front."""
        for tab in self.query(PaneTab):
            tab.set_class(tab.id == f"tab-{pane}", "-active")

"""The numbered tabs of a terminal where one pane shows at a time."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

PANES = ("models", "layers", "devices", "results", "log")  # ids of the panes; keys 1 to 5 go to them in this order


class PaneTab(Static):
    """One tab; a click goes there."""

    def __init__(self, number: int, pane: str) -> None:
        self._pane = pane
        self._title = self._text = f"{number} {pane.capitalize()}"
        super().__init__(self._title, id=f"tab-{pane}", markup=False)

    def count(self, number: str) -> None:
        """Text behind the name: ``3/80``; only a new text is drawn, since it moves the other tabs."""
        text = f"{self._title} {number}".rstrip()
        if text != self._text:
            self._text = text
            self.update(Content(text))

    async def on_click(self, event: events.Click) -> None:
        """Go there."""
        event.stop()
        await self.app.run_action(f"pane('{self._pane}')")


class PaneTabs(Horizontal):
    """The row of tabs."""

    DEFAULT_CSS = """
    PaneTabs { width: 1fr; height: 1; }
    PaneTab { width: auto; padding: 0 1; color: $text-muted; }
    PaneTab.-active { background: $block-cursor-background; color: $block-cursor-foreground;
                      text-style: $block-cursor-text-style; }
    PaneTab:ansi.-active { text-style: bold reverse; }
    """

    def compose(self) -> ComposeResult:
        """One tab a pane."""
        for number, pane in enumerate(PANES, start=1):
            yield PaneTab(number, pane)

    def mark(self, pane: str) -> None:
        """Show which pane is active."""
        for tab in self.query(PaneTab):
            tab.set_class(tab.id == f"tab-{pane}", "-active")

    def count(self, counts: dict[str, str]) -> None:
        """Texts behind the names, by pane."""
        for pane, text in counts.items():
            self.query_one(f"#tab-{pane}", PaneTab).count(text)

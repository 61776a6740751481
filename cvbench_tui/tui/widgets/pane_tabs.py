"""The numbered tabs of a terminal where one pane shows at a time."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content

from cvbench_tui.tui.widgets.line import Line

PANES = ("models", "layers", "devices", "results", "log")  # ids of the panes; keys 1 to 5 go to them in this order


class PaneTabs(Horizontal):
    """The row of tabs."""

    DEFAULT_CSS = """
    PaneTabs { width: 1fr; height: 1; }
    PaneTabs > Line { width: auto; padding: 0 1; color: $text-muted; }
    PaneTabs > Line.-active { background: $block-cursor-background; color: $block-cursor-foreground;
                      text-style: $block-cursor-text-style; }
    PaneTabs > Line:ansi.-active { text-style: bold reverse; }
    """

    def compose(self) -> ComposeResult:
        """One tab a pane."""
        for pane in PANES:
            yield Line(f"pane('{pane}')", id=f"tab-{pane}")

    def on_mount(self) -> None:
        """No counts yet."""
        self.count({})

    def mark(self, pane: str) -> None:
        """Show which pane is active."""
        for tab in self.query(Line):
            tab.set_class(tab.id == f"tab-{pane}", "-active")

    def count(self, counts: Mapping[str, str]) -> None:
        """Texts behind the names, by pane: ``3/80``."""
        for number, (pane, tab) in enumerate(zip(PANES, self.query(Line), strict=True), start=1):
            tab.put(Content(f"{number} {pane.capitalize()} {counts.get(pane, '')}".rstrip()), layout=True)

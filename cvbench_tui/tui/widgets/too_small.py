"""What a terminal too small for the app shows: the size it needs, and the command without the app."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.widgets import Static

MIN_WIDTH, MIN_HEIGHT = 60, 16


class TooSmall(Static):
    """A sentence over everything; the style sheet shows it."""

    DEFAULT_CSS = """
    TooSmall {
        display: none; layer: over; dock: top; width: 100%; height: 100%; background: $background; padding: 0 1;
    }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, markup=False)

    def on_resize(self, event: events.Resize) -> None:
        """Say how large it is now."""
        size = self.app.size
        self.update(
            Content.assemble(
                (f"cvbench-tui needs {MIN_WIDTH}x{MIN_HEIGHT} cells; here are {size.width}x{size.height}.", "bold"),
                "\nEnlarge the terminal, or run without the app:\ncvbench-tui run --plain quick\n",
                "A running benchmark continues. q quits.",
            )
        )

"""The frame of every dialog: its title above, its keys below, and it scrolls where the terminal is too low for it."""

from __future__ import annotations

from textual.containers import Vertical
from textual.content import Content

DIALOG_WIDTH = 76
"""Cells of a dialog where the terminal has them; the style sheet says the same."""
DIALOG_SHARE = 0.96
"""Share of a narrower terminal that it takes."""
FRAME = 6
"""Cells of its border and padding."""


class Dialog(Vertical):
    """A box in the middle of the screen."""

    DEFAULT_CLASSES = "dialog"
    DEFAULT_CSS = """
    Dialog { overflow-y: auto; }
    Dialog .hint { color: $text-muted; }
    Dialog .message { height: auto; min-height: 2; margin-top: 1; }
    Dialog .message.-remark { color: $text-warning; }
    Dialog .message.-hint { color: $text-muted; }
    """

    def __init__(self, title: str, keys: str) -> None:
        """``keys`` stands in the lower border; both are shown as they are."""
        super().__init__()
        self.border_title = Content(title)
        self.border_subtitle = Content(keys)


def dialog_cells(terminal: int) -> int:
    """Cells of a line in a dialog in a terminal of so many columns."""
    return min(DIALOG_WIDTH, int(DIALOG_SHARE * terminal)) - FRAME
